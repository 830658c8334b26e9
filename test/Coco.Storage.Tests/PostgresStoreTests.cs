// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.Storage.Tests;

public sealed class PostgresFixture : IAsyncLifetime
{
    public PostgresServer? Server { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (PostgresServer.Missing is null)
        {
            Server = await PostgresServer.StartAsync();
        }
    }

    public ValueTask DisposeAsync() => Server?.DisposeAsync() ?? default;
}

public sealed class PostgresStoreTests(PostgresFixture fixture) : StoreContract, IClassFixture<PostgresFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_AfterTheServerRestarted_GoesOn()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("k", "kept"u8.ToArray(), default, Ct);
        await fixture.Server!.StopAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("k", Ct));

        await fixture.Server.ResumeAsync();

        Assert.Equal("kept"u8.ToArray(), (await store.GetAsync("k", Ct))!.Value.Value.ToArray());
        Assert.True(await store.PutAsync("k", "next"u8.ToArray(), default, Ct));
    }

    [Fact]
    public async Task Open_TwoProvidersAtOnce_BothWork()
    {
        await using var one = new PostgresStoreProvider(fixture.Server!.Url, Time);
        await using var two = new PostgresStoreProvider(fixture.Server.ConnectionString, Time);
        StoreNamespace ns = StoreNamespace.Parse("kbs").Require();

        IKeyValueStore[] stores = await Task.WhenAll(one.OpenAsync(ns, Ct).AsTask(), two.OpenAsync(ns, Ct).AsTask());
        await stores[0].PutAsync("shared", "x"u8.ToArray(), default, Ct);

        Assert.NotNull(await stores[1].GetAsync("shared", Ct));
    }

    [Fact]
    public async Task Sweep_RemovesWhatIsOverItsTime()
    {
        IKeyValueStore store = await OpenAsync("kbs_protocol_session");
        await store.PutAsync("s", "x"u8.ToArray(), new PutOptions { ExpiresAt = Time.GetUtcNow().AddSeconds(1) }, Ct);
        await store.PutAsync("t", "x"u8.ToArray(), default, Ct);
        Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(1, await ((PostgresStoreProvider)Provider).SweepAsync(100, Ct));
        Assert.Equal(["t"], await ListAsync(store, string.Empty));
    }

    protected override async ValueTask<IStoreProvider> CreateAsync()
    {
        Assert.SkipWhen(fixture.Server is null, PostgresServer.Missing ?? string.Empty);
        var provider = new PostgresStoreProvider(fixture.Server!.Url, Time);
        foreach (StoreNamespace name in await provider.ListNamespacesAsync(Ct))
        {
            IKeyValueStore store = await provider.OpenAsync(name, Ct);
            foreach (string key in await ListAsync(store, string.Empty))
            {
                await store.DeleteAsync(key, Ct);
            }
        }

        return provider;
    }

    protected override async ValueTask DestroyAsync(IStoreProvider provider)
    {
        if (provider is PostgresStoreProvider postgres)
        {
            await postgres.DisposeAsync();
        }
    }
}
