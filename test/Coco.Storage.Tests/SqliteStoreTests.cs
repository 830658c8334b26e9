// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.Data.Sqlite;

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
    public async Task Open_FileOfTheFirstForm_KeepsEverything()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        string path = Path.Combine(_folder, "first.db");
        using (var connection = new SqliteConnection("Pooling=false;Data Source=" + path))
        {
            connection.Open();
            using SqliteCommand first = connection.CreateCommand();
            first.CommandText = """
                create table coco_kv (
                  namespace text not null, key text not null, value blob not null, version integer not null, expires_at integer,
                  primary key (namespace, key)) without rowid;
                create index coco_kv_expiry on coco_kv (expires_at) where expires_at is not null;
                create table coco_generation (namespace text primary key, generation integer not null) without rowid;
                create table coco_sequence (id integer primary key check (id = 1), last integer not null);
                insert into coco_sequence (id, last) values (1, 7);
                insert into coco_kv values ('kbs', 'a', x'01', 6, null), ('kbs', 'b', x'02', 7, 4102444800000);
                insert into coco_generation values ('kbs', 7);
                """;
            first.ExecuteNonQuery();
        }

        for (int i = 0; i < 2; i++)
        {
            await using SqliteStoreProvider provider = SqliteStoreProvider.Open(path, Time);
            IKeyValueStore store = await provider.OpenAsync(StoreNamespace.Parse("kbs").Require(), ct);

            StoredValue a = (await store.GetAsync("a", ct))!.Value;
            StoredValue b = (await store.GetAsync("b", ct))!.Value;
            Assert.Equal((1, 6L, (DateTimeOffset?)null), ((int)a.Value.Span[0], a.Version, a.ExpiresAt));
            Assert.Equal((2, 7L, (DateTimeOffset?)DateTimeOffset.FromUnixTimeMilliseconds(4102444800000)), ((int)b.Value.Span[0], b.Version, b.ExpiresAt));
            Assert.Equal(7 + i, await store.GetGenerationAsync(ct));
            await store.PutAsync("c", "more"u8.ToArray(), default, ct);
            Assert.True((await store.GetAsync("c", ct))!.Value.Version > 7);
            Assert.Null(provider.CheckIntegrity());
        }
    }

    [Fact]
    public async Task Open_OverwrittenPages_NamesTheFileAndLeavesIt()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        await FillAsync(await OpenAsync("kbs"), 200, ct);
        Assert.Null(((SqliteStoreProvider)Provider).CheckIntegrity());
        await ((SqliteStoreProvider)Provider).DisposeAsync();
        byte[] file = await File.ReadAllBytesAsync(DatabasePath, ct);
        Array.Fill(file, (byte)0xEE, file.Length / 2, 8192);
        await File.WriteAllBytesAsync(DatabasePath, file, ct);

        string message = Assert.Throws<StoreUnavailableException>(() => SqliteStoreProvider.Open(DatabasePath, Time)).Message;

        Assert.Contains(DatabasePath, message);
        Assert.Contains(".recover", message);
        Assert.Equal(file, await File.ReadAllBytesAsync(DatabasePath, ct));
    }

    [Fact]
    public async Task Get_PageDamagedWhileOpen_EndsReadsAndWrites()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        await FillAsync(await OpenAsync("kbs"), 4000, ct);
        await ((SqliteStoreProvider)Provider).DisposeAsync();
        await using SqliteStoreProvider opened = SqliteStoreProvider.Open(DatabasePath, Time);
        IKeyValueStore store = await opened.OpenAsync(StoreNamespace.Parse("kbs").Require(), ct);
        using (FileStream file = File.OpenWrite(DatabasePath))
        {
            byte[] rubbish = new byte[file.Length - 16384];
            Array.Fill(rubbish, (byte)0xEE);
            file.Position = 16384;
            await file.WriteAsync(rubbish, ct);
        }

        string message = (await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            for (int i = 0; i < 4000; i++)
            {
                await store.GetAsync($"k/{i}", ct);
            }
        })).Message;

        Assert.Contains(DatabasePath, message);
        byte[] left = await File.ReadAllBytesAsync(DatabasePath, ct);
        Assert.Equal(message, (await Assert.ThrowsAsync<StoreUnavailableException>(() => store.PutAsync("new", "v"u8.ToArray(), default, ct).AsTask())).Message);
        Assert.Equal(message, (await Assert.ThrowsAsync<StoreUnavailableException>(() => store.GetGenerationAsync(ct).AsTask())).Message);
        Assert.Equal(left, await File.ReadAllBytesAsync(DatabasePath, ct));
    }

    private static async Task FillAsync(IKeyValueStore store, int count, CancellationToken ct) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => store.PutAsync($"k/{i}", new byte[500], default, ct).AsTask()));

    protected override ValueTask<IStoreProvider> CreateAsync() => new(SqliteStoreProvider.Open(DatabasePath, Time));

    protected override async ValueTask DestroyAsync(IStoreProvider provider)
    {
        await ((SqliteStoreProvider)provider).DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
