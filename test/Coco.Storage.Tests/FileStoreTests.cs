// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Storage.Tests;

public sealed class LocalFsStoreTests : StoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-localfs").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Put_WritesTheFileThatOthersKnow()
    {
        IKeyValueStore store = await OpenAsync("repository");

        await store.PutAsync("default/key/1", "secret"u8.ToArray(), default, Ct);

        string file = Path.Combine(_folder, "repository", @"default\x2Fkey\x2F1");
        Assert.Equal("secret", await File.ReadAllTextAsync(file, Ct));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal([file], Directory.GetFiles(Path.Combine(_folder, "repository")));
    }

    [Fact]
    public async Task Get_FileOfAnotherImplementation_GivesItAndSeesItsChange()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "repository"));
        string file = Path.Combine(_folder, "repository", @"default\x2Fkey\x2F1");
        await File.WriteAllTextAsync(file, "one", Ct);
        IKeyValueStore store = await OpenAsync("repository");
        StoredValue first = (await store.GetAsync("default/key/1", Ct))!.Value;

        await File.WriteAllTextAsync(file, "two", Ct);
        StoredValue second = (await store.GetAsync("default/key/1", Ct))!.Value;

        Assert.Equal("one", Encoding.UTF8.GetString(first.Value.Span));
        Assert.Equal("two", Encoding.UTF8.GetString(second.Value.Span));
        Assert.True(second.Version > first.Version);
    }

    [Fact]
    public async Task Get_NestedFoldersOfOldReleases_GivesListsAndDeletes()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "repository", "default", "key"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "repository", "default", "key", "1"), "old", Ct);
        IKeyValueStore store = await OpenAsync("repository");

        Assert.Equal("old", Encoding.UTF8.GetString((await store.GetAsync("default/key/1", Ct))!.Value.Value.Span));
        Assert.Equal(["default/key/1"], await ListAsync(store, string.Empty));
        Assert.NotNull(await store.DeleteAsync("default/key/1", Ct));
        Assert.Null(await store.GetAsync("default/key/1", Ct));
    }

    protected override ValueTask<IStoreProvider> CreateAsync() => new(new LocalFsStoreProvider(_folder, Time));

    protected override ValueTask DestroyAsync(IStoreProvider provider)
    {
        Directory.Delete(_folder, recursive: true);
        return default;
    }
}

public sealed class LocalJsonStoreTests : StoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-localjson").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Put_WritesTheObjectThatOthersKnow()
    {
        IKeyValueStore store = await OpenAsync("repository");

        await store.PutAsync("a/b/c", new byte[] { 0xfb, 0xff, 0xfe, 0x01 }, default, Ct);

        Assert.Equal("""{"a/b/c":"-__-AQ=="}""", await File.ReadAllTextAsync(Path.Combine(_folder, "repository"), Ct));
    }

    [Fact]
    public async Task File_NamesThatAreNoKeys_StandAsTheyAreAndAreFoundEscaped()
    {
        IKeyValueStore store = await OpenAsync("reference_value");
        string file = Path.Combine(_folder, "reference_value");
        await File.WriteAllTextAsync(file, """{"rvps:///a:v1":"AQ=="}""", Ct);

        StoredValue? found = await store.GetAsync(EscapedKeys.Of("rvps:///a:v1"), Ct);
        await store.PutAsync(EscapedKeys.Of("b:2"), new byte[] { 2 }, default, Ct);
        await store.PutAsync(EscapedKeys.Of("__name/x"), new byte[] { 3 }, default, Ct);

        Assert.Equal([1], found!.Value.Value.ToArray());
        Assert.Equal("""{"b:2":"Ag==","rvps:///a:v1":"AQ==","__name/X19uYW1lL3g":"Aw=="}""".Length, (await File.ReadAllTextAsync(file, Ct)).Length);
        Assert.Contains("\"rvps:///a:v1\":\"AQ==\"", await File.ReadAllTextAsync(file, Ct), StringComparison.Ordinal);
        Assert.Contains("\"b:2\":\"Ag==\"", await File.ReadAllTextAsync(file, Ct), StringComparison.Ordinal);
        Assert.Equal([3], (await store.GetAsync(EscapedKeys.Of("__name/x"), Ct))!.Value.Value.ToArray());
    }

    [Fact]
    public async Task Get_DamagedFile_IsUnavailableAndLeavesTheFile()
    {
        IKeyValueStore store = await OpenAsync("repository");
        string file = Path.Combine(_folder, "repository");
        await File.WriteAllTextAsync(file, "{\"a\":", Ct);

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("a", Ct));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.PutAsync("b", "x"u8.ToArray(), default, Ct));
        Assert.Equal("{\"a\":", await File.ReadAllTextAsync(file, Ct));
    }

    protected override ValueTask<IStoreProvider> CreateAsync() => new(new LocalJsonStoreProvider(_folder, Time));

    protected override ValueTask DestroyAsync(IStoreProvider provider)
    {
        Directory.Delete(_folder, recursive: true);
        return default;
    }
}
