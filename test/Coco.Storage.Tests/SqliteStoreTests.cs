// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Storage.Tests;

public sealed class SqliteStoreTests : StoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-sqlite").FullName;

    private string DatabasePath => Path.Combine(_folder, "store.db");

    [Fact]
    public async Task Reopen_AfterPut_GivesTheValueAndGoesOnCounting()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "kept"u8.ToArray(), default, ct);
        long version = (await store.GetAsync("k", ct))!.Value.Version;
        await ((SqliteStoreProvider)Provider).DisposeAsync();

        await using SqliteStoreProvider again = SqliteStoreProvider.Open(DatabasePath, Time);
        IKeyValueStore reopened = await again.OpenAsync(StoreNamespace.Parse("kbs").Require(), ct);

        Assert.Equal("kept", Encoding.UTF8.GetString((await reopened.GetAsync("k", ct))!.Value.Value.Span));
        await reopened.PutAsync("k", "next"u8.ToArray(), default, ct);
        Assert.True((await reopened.GetAsync("k", ct))!.Value.Version > version);
    }

    [Fact]
    public void Open_FileThatIsNoDatabase_IsUnavailableAndLeavesTheFile()
    {
        string path = Path.Combine(_folder, "other.db");
        File.WriteAllText(path, new string('x', 8192));

        Assert.Throws<StoreUnavailableException>(() => SqliteStoreProvider.Open(path, Time));
        Assert.Equal(new string('x', 8192), File.ReadAllText(path));
    }

    [Fact]
    public async Task CheckIntegrity_OverwrittenPages_Refuses()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        IKeyValueStore store = await OpenAsync("kbs");
        for (int i = 0; i < 200; i++)
        {
            await store.PutAsync($"k/{i}", new byte[500], default, ct);
        }

        Assert.Null(((SqliteStoreProvider)Provider).CheckIntegrity());
        await ((SqliteStoreProvider)Provider).DisposeAsync();
        byte[] file = await File.ReadAllBytesAsync(DatabasePath, ct);
        Array.Fill(file, (byte)0xEE, file.Length / 2, 8192);
        await File.WriteAllBytesAsync(DatabasePath, file, ct);

        await using SqliteStoreProvider damaged = SqliteStoreProvider.Open(DatabasePath, Time);

        Assert.NotNull(damaged.CheckIntegrity());
    }

    protected override ValueTask<IStoreProvider> CreateAsync() => new(SqliteStoreProvider.Open(DatabasePath, Time));

    protected override async ValueTask DestroyAsync(IStoreProvider provider)
    {
        await ((SqliteStoreProvider)provider).DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
