// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Storage.Tests;

/// <summary>What every store must do. A class per store inherits it.</summary>
public abstract class StoreContract : IAsyncLifetime
{
    protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2080, 8, 21, 9, 0, 0, TimeSpan.Zero));

    protected IStoreProvider Provider { get; private set; } = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Provider = await CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await DestroyAsync(Provider);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Get_AfterPut_GivesTheValue()
    {
        IKeyValueStore store = await OpenAsync("kbs");

        Assert.True(await store.PutAsync("a/b/c", "hello"u8.ToArray(), default, Ct));

        Assert.Equal("hello", Encoding.UTF8.GetString((await store.GetAsync("a/b/c", Ct))!.Value.Value.Span));
        Assert.Null(await store.GetAsync("a/b/d", Ct));
    }

    [Fact]
    public async Task Put_OverAnother_RaisesVersionAndGeneration()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), default, Ct);
        long firstVersion = (await store.GetAsync("k", Ct))!.Value.Version;
        long firstGeneration = await store.GetGenerationAsync(Ct);

        await store.PutAsync("k", "2"u8.ToArray(), default, Ct);

        Assert.True((await store.GetAsync("k", Ct))!.Value.Version > firstVersion);
        Assert.True(await store.GetGenerationAsync(Ct) > firstGeneration);
    }

    [Fact]
    public async Task Put_OnlyIfAbsent_DoesNotOverwrite()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), default, Ct);

        Assert.False(await store.PutAsync("k", "2"u8.ToArray(), new PutOptions { OnlyIfAbsent = true }, Ct));
        Assert.Equal((byte)'1', (await store.GetAsync("k", Ct))!.Value.Value.Span[0]);
    }

    [Fact]
    public async Task Put_IfVersionOfAnother_DoesNotOverwrite()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), default, Ct);
        long version = (await store.GetAsync("k", Ct))!.Value.Version;

        Assert.True(await store.PutAsync("k", "2"u8.ToArray(), new PutOptions { IfVersion = version }, Ct));
        Assert.False(await store.PutAsync("k", "3"u8.ToArray(), new PutOptions { IfVersion = version }, Ct));
        Assert.Equal((byte)'2', (await store.GetAsync("k", Ct))!.Value.Value.Span[0]);
    }

    [Fact]
    public async Task Delete_Twice_GivesTheValueOnce()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), default, Ct);

        Assert.NotNull(await store.DeleteAsync("k", Ct));
        Assert.Null(await store.DeleteAsync("k", Ct));
        Assert.Null(await store.GetAsync("k", Ct));
    }

    [Fact]
    public async Task Put_AfterDelete_NeverReusesAVersion()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), default, Ct);
        long version = (await store.GetAsync("k", Ct))!.Value.Version;
        await store.DeleteAsync("k", Ct);

        await store.PutAsync("k", "2"u8.ToArray(), default, Ct);

        Assert.True((await store.GetAsync("k", Ct))!.Value.Version > version);
    }

    [Fact]
    public async Task Get_AfterExpiry_GivesNothing()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "1"u8.ToArray(), new PutOptions { ExpiresAt = Time.GetUtcNow().AddMinutes(5) }, Ct);
        Assert.NotNull(await store.GetAsync("k", Ct));

        Time.Advance(TimeSpan.FromMinutes(5));

        Assert.Null(await store.GetAsync("k", Ct));
        Assert.Empty(await ListAsync(store, string.Empty));
        Assert.True(await store.PutAsync("k", "2"u8.ToArray(), new PutOptions { OnlyIfAbsent = true }, Ct));
    }

    [Fact]
    public async Task List_ByPrefix_GivesOrdinalOrder()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        foreach (string key in (string[])["b/1", "a/2", "a/10", "A/1", "ab"])
        {
            await store.PutAsync(key, "x"u8.ToArray(), default, Ct);
        }

        Assert.Equal(["a/10", "a/2"], await ListAsync(store, "a/"));
        Assert.Equal(["A/1", "a/10", "a/2", "ab", "b/1"], await ListAsync(store, string.Empty));
    }

    [Fact]
    public async Task List_ManyKeys_GivesAll()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        string[] keys = [.. Enumerable.Range(0, 1203).Select(i => $"n/{i:D5}")];
        await Task.WhenAll(keys.Select(k => store.PutAsync(k, "x"u8.ToArray(), default, Ct).AsTask()));

        Assert.Equal(keys, await ListAsync(store, "n/"));
    }

    [Fact]
    public async Task Namespaces_SameKey_AreApart()
    {
        IKeyValueStore one = await OpenAsync("one");
        IKeyValueStore two = await OpenAsync("two");
        long generation = await two.GetGenerationAsync(Ct);

        await one.PutAsync("k", "1"u8.ToArray(), default, Ct);

        Assert.Null(await two.GetAsync("k", Ct));
        Assert.Equal(generation, await two.GetGenerationAsync(Ct));
    }

    [Fact]
    public async Task Get_WithExpiry_GivesTheInstant()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        DateTimeOffset end = Time.GetUtcNow().AddMinutes(5);

        await store.PutAsync("k", "1"u8.ToArray(), new PutOptions { ExpiresAt = end }, Ct);
        await store.PutAsync("l", "1"u8.ToArray(), default, Ct);

        Assert.Equal(end, (await store.GetAsync("k", Ct))!.Value.ExpiresAt);
        Assert.Null((await store.GetAsync("l", Ct))!.Value.ExpiresAt);
    }

    [Fact]
    public async Task ListNamespaces_GivesThoseThatHoldSomething()
    {
        await (await OpenAsync("two")).PutAsync("k", "1"u8.ToArray(), default, Ct);
        await (await OpenAsync("one")).PutAsync("k", "1"u8.ToArray(), default, Ct);
        await OpenAsync("empty");

        Assert.Equal(["one", "two"], (await Provider.ListNamespacesAsync(Ct)).Select(n => n.Value));
    }

    [Fact]
    public async Task Put_Empty_IsAValue()
    {
        IKeyValueStore store = await OpenAsync("kbs");

        await store.PutAsync("k", ReadOnlyMemory<byte>.Empty, default, Ct);

        Assert.Equal(0, (await store.GetAsync("k", Ct))!.Value.Value.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../etc/passwd")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("/a")]
    [InlineData("a/")]
    public async Task Key_AgainstTheRules_Throws(string key)
    {
        IKeyValueStore store = await OpenAsync("kbs");

        await Assert.ThrowsAsync<ArgumentException>(async () => await store.PutAsync(key, "1"u8.ToArray(), default, Ct));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.GetAsync(key, Ct));
    }

    [Fact]
    public async Task Put_ParallelCounters_LoseNoUpdate()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("count", "0"u8.ToArray(), default, Ct);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                while (true)
                {
                    StoredValue now = (await store.GetAsync("count", Ct))!.Value;
                    int next = int.Parse(Encoding.ASCII.GetString(now.Value.Span)) + 1;
                    if (await store.PutAsync("count", Encoding.ASCII.GetBytes(next.ToString()), new PutOptions { IfVersion = now.Version }, Ct))
                    {
                        break;
                    }
                }
            }
        }, Ct)));

        Assert.Equal("80", Encoding.ASCII.GetString((await store.GetAsync("count", Ct))!.Value.Value.Span));
    }

    protected abstract ValueTask<IStoreProvider> CreateAsync();

    protected abstract ValueTask DestroyAsync(IStoreProvider provider);

    protected async Task<IKeyValueStore> OpenAsync(string ns) => await Provider.OpenAsync(StoreNamespace.Parse(ns).Require(), Ct);

    protected static async Task<List<string>> ListAsync(IKeyValueStore store, string prefix)
    {
        var keys = new List<string>();
        await foreach (string key in store.ListAsync(prefix, Ct))
        {
            keys.Add(key);
        }

        return keys;
    }
}
