// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage.Tests;

public sealed class WatchedStoreTests : StoreContract
{
    private static readonly StoreNamespace Name = StoreNamespace.Parse("kbs").Require();

    [Fact]
    public async Task GetGeneration_AfterAWriteOfAnotherProcess_IsNewOnceItsAgeIsOver()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await Watch(shared).OpenAsync(Name, ct);
        long before = await store.GetGenerationAsync(ct);

        await (await shared.OpenAsync(Name, ct)).PutAsync("k", "v"u8.ToArray(), default, ct);

        Assert.Equal(before, await store.GetGenerationAsync(ct));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(before, await store.GetGenerationAsync(ct));
    }

    [Fact]
    public async Task GetGeneration_AfterAWriteOfThisProcess_IsNewAtOnce()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        IStoreProvider watched = Watch(new MemoryStoreProvider(Time));
        IKeyValueStore reader = await watched.OpenAsync(Name, ct), writer = await watched.OpenAsync(Name, ct);

        long first = await reader.GetGenerationAsync(ct);
        await writer.PutAsync("k", "v"u8.ToArray(), default, ct);
        long second = await reader.GetGenerationAsync(ct);
        await writer.DeleteAsync("k", ct);
        long third = await reader.GetGenerationAsync(ct);

        Assert.True(first < second && second < third);
    }

    [Fact]
    public async Task GetGeneration_OfANamespaceThatIsNotWatched_IsAlwaysNew()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        var shared = new MemoryStoreProvider(Time);
        StoreNamespace other = StoreNamespace.Parse("other").Require();
        IKeyValueStore store = await Watch(shared).OpenAsync(other, ct);
        long before = await store.GetGenerationAsync(ct);

        await (await shared.OpenAsync(other, ct)).PutAsync("k", "v"u8.ToArray(), default, ct);

        Assert.NotEqual(before, await store.GetGenerationAsync(ct));
    }

    protected override ValueTask<IStoreProvider> CreateAsync() => new(Watch(new MemoryStoreProvider(Time)));

    protected override ValueTask DestroyAsync(IStoreProvider provider) => ValueTask.CompletedTask;

    private WatchedStoreProvider Watch(IStoreProvider inner) => new(inner, ["kbs"], TimeSpan.FromSeconds(1), Time);
}
