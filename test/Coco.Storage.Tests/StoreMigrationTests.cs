// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage.Tests;

public sealed class StoreMigrationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-migrate").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Copy_FromFilesToSqlite_BringsAllAndCanBeRepeated()
    {
        var files = new LocalFsStoreProvider(Path.Combine(_folder, "fs"), TimeProvider.System);
        await FillAsync(files, 250);
        await using SqliteStoreProvider sqlite = SqliteStoreProvider.Open(Path.Combine(_folder, "to.db"), TimeProvider.System);

        MigrationReport first = await StoreMigration.CopyAsync(files, sqlite, overwrite: false, null, Ct);
        MigrationReport second = await StoreMigration.CopyAsync(files, sqlite, overwrite: false, null, Ct);

        Assert.Equal((250, 0), (first.Copied, first.Conflicts.Count));
        Assert.Equal((0, 250), (second.Copied, second.Same));
    }

    [Fact]
    public async Task Copy_EndedInBetween_GoesOnWhereItWas()
    {
        var from = new MemoryStoreProvider(TimeProvider.System);
        var to = new MemoryStoreProvider(TimeProvider.System);
        await FillAsync(from, 450);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var progress = new StopAfter(220, stop);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await StoreMigration.CopyAsync(from, to, overwrite: false, progress, stop.Token));

        MigrationReport rest = await StoreMigration.CopyAsync(from, to, overwrite: false, null, Ct);

        Assert.Empty(rest.Conflicts);
        Assert.Equal(450, rest.Copied + rest.Same);
        Assert.InRange(rest.Copied, 1, 250);
    }

    [Fact]
    public async Task Copy_DifferentValueInTheTarget_IsLeftAndNamed()
    {
        var from = new MemoryStoreProvider(TimeProvider.System);
        var to = new MemoryStoreProvider(TimeProvider.System);
        await FillAsync(from, 3);
        IKeyValueStore target = await to.OpenAsync(StoreNamespace.Parse("repository").Require(), Ct);
        await target.PutAsync("r/t/00001", "theirs"u8.ToArray(), default, Ct);

        MigrationReport report = await StoreMigration.CopyAsync(from, to, overwrite: false, null, Ct);

        Assert.Equal(["repository/r/t/00001"], report.Conflicts);
        Assert.Equal("theirs"u8.ToArray(), (await target.GetAsync("r/t/00001", Ct))!.Value.Value.ToArray());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task FillAsync(IStoreProvider provider, int count)
    {
        IKeyValueStore store = await provider.OpenAsync(StoreNamespace.Parse("repository").Require(), Ct);
        for (int i = 0; i < count; i++)
        {
            await store.PutAsync($"r/t/{i:D5}", BitConverter.GetBytes(i), default, Ct);
        }
    }

    private sealed class StopAfter(int count, CancellationTokenSource stop) : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value)
        {
            if (value.Copied >= count)
            {
                stop.Cancel();
            }
        }
    }
}
