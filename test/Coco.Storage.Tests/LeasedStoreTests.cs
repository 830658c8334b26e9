// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Storage.Tests;

public sealed class LeasedStoreTests : StoreContract
{
    private static readonly StoreNamespace Name = StoreNamespace.Parse("kbs").Require();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_WithinTheLease_AsksTheStoreOnce()
    {
        var counting = new CountingStores(new MemoryStoreProvider(Time));
        IKeyValueStore store = await OpenAsync(counting, Time);
        await (await counting.OpenAsync(Name, Ct)).PutAsync("k", "v"u8.ToArray(), default, Ct);

        for (int i = 0; i < 100; i++)
        {
            Assert.Equal("v", await ReadAsync(store, "k"));
        }

        Assert.Equal(1, counting.Reads);
        Assert.Equal(1, counting.Looks);
    }

    [Fact]
    public async Task Get_BeyondTheLeaseWithoutAWrite_AsksForTheGenerationOnly()
    {
        var counting = new CountingStores(new MemoryStoreProvider(Time));
        IKeyValueStore store = await OpenAsync(counting, Time);
        await (await counting.OpenAsync(Name, Ct)).PutAsync("k", "v"u8.ToArray(), default, Ct);
        await ReadAsync(store, "k");

        Time.Advance(LeasedStoreProvider.Lease);

        Assert.Equal("v", await ReadAsync(store, "k"));
        Assert.Equal(1, counting.Reads);
        Assert.Equal(2, counting.Looks);
    }

    [Fact]
    public async Task Put_IsAcknowledged_OnlyWhenNoReplicaKeepsTheFormerValue()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore writer = await OpenAsync(shared, Time), reader = await OpenAsync(shared, Time);
        await (await shared.OpenAsync(Name, Ct)).PutAsync("k", "old"u8.ToArray(), default, Ct);
        await ReadAsync(reader, "k");

        Task<bool> put = writer.PutAsync("k", "new"u8.ToArray(), default, Ct).AsTask();
        Assert.Equal("old", await ReadAsync(reader, "k"));
        Time.Advance(LeasedStoreProvider.Lease * 0.99);
        Assert.False(put.IsCompleted);
        Time.Advance(LeasedStoreProvider.Lease * 0.2);

        Assert.True(await put);
        Assert.Equal("new", await ReadAsync(reader, "k"));
    }

    [Fact]
    public async Task Delete_IsAcknowledged_OnlyWhenNoReplicaKeepsTheValue()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore writer = await OpenAsync(shared, Time), reader = await OpenAsync(shared, Time);
        await (await shared.OpenAsync(Name, Ct)).PutAsync("k", "old"u8.ToArray(), default, Ct);
        await ReadAsync(reader, "k");

        Task<StoredValue?> delete = writer.DeleteAsync("k", Ct).AsTask();
        Assert.False(delete.IsCompleted);
        Time.Advance(LeasedStoreProvider.Lease * 1.2);

        Assert.NotNull(await delete);
        Assert.Null(await reader.GetAsync("k", Ct));
    }

    [Fact]
    public async Task Put_WhoseConditionDoesNotHold_ShowsTheWriterThePresentValueAtOnce()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await OpenAsync(shared, Time), elsewhere = await shared.OpenAsync(Name, Ct);
        await elsewhere.PutAsync("k", "old"u8.ToArray(), default, Ct);
        long version = (await store.GetAsync("k", Ct))!.Value.Version;
        await elsewhere.PutAsync("k", "new"u8.ToArray(), default, Ct);

        Assert.False(await store.PutAsync("k", "mine"u8.ToArray(), new PutOptions { IfVersion = version }, Ct));

        Assert.Equal("new", await ReadAsync(store, "k"));
    }

    [Fact]
    public async Task Get_AfterAWriteOfThisReplica_GivesItBeforeItIsAcknowledged()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await OpenAsync(shared, Time);
        Assert.Null(await store.GetAsync("k", Ct));

        Task<bool> put = store.PutAsync("k", "v"u8.ToArray(), default, Ct).AsTask();

        Assert.Equal("v", await ReadAsync(store, "k"));
        Time.Advance(LeasedStoreProvider.Lease * 2);
        Assert.True(await put);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Get_AfterTheWallClockJumped_LooksAgain(int minutes)
    {
        var clock = new TwoClocks(Time);
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await OpenAsync(shared, clock), elsewhere = await shared.OpenAsync(Name, Ct);
        await elsewhere.PutAsync("k", "old"u8.ToArray(), default, Ct);
        await ReadAsync(store, "k");
        await elsewhere.PutAsync("k", "new"u8.ToArray(), default, Ct);

        clock.Jump = TimeSpan.FromMinutes(minutes);

        Assert.Equal("new", await ReadAsync(store, "k"));
    }

    [Fact]
    public async Task Get_OfAKeptValueOverItsTime_GivesNone()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await OpenAsync(shared, Time);
        await (await shared.OpenAsync(Name, Ct)).PutAsync("k", "v"u8.ToArray(), new PutOptions { ExpiresAt = Time.GetUtcNow().AddMilliseconds(20) }, Ct);
        Assert.Equal("v", await ReadAsync(store, "k"));

        Time.Advance(TimeSpan.FromMilliseconds(20));

        Assert.Null(await store.GetAsync("k", Ct));
    }

    [Fact]
    public async Task Get_OfALongValue_IsNotKept()
    {
        var counting = new CountingStores(new MemoryStoreProvider(Time));
        IKeyValueStore store = await OpenAsync(counting, Time);
        await (await counting.OpenAsync(Name, Ct)).PutAsync("k", new byte[LeasedStoreProvider.LongestKept + 1], default, Ct);

        await store.GetAsync("k", Ct);
        await store.GetAsync("k", Ct);

        Assert.Equal(2, counting.Reads);
    }

    [Fact]
    public async Task Get_OfMoreThanIsKept_StaysRight()
    {
        var shared = new MemoryStoreProvider(Time);
        IKeyValueStore store = await OpenAsync(shared, Time), elsewhere = await shared.OpenAsync(Name, Ct);
        const int Count = (LeasedStoreProvider.MostKept / LeasedStoreProvider.LongestKept) + 10;
        for (int i = 0; i < Count; i++)
        {
            byte[] value = new byte[LeasedStoreProvider.LongestKept];
            value[0] = (byte)i;
            await elsewhere.PutAsync("k/" + i, value, default, Ct);
        }

        for (int i = 0; i < 2 * Count; i++)
        {
            Assert.Equal((byte)(i % Count), (await store.GetAsync("k/" + (i % Count), Ct))!.Value.Value.Span[0]);
        }
    }

    [Fact]
    public async Task Get_WhileTheStoreIsGone_FailsTypedAndRecovers()
    {
        var counting = new CountingStores(new MemoryStoreProvider(Time));
        IKeyValueStore store = await OpenAsync(counting, Time);
        await (await counting.OpenAsync(Name, Ct)).PutAsync("k", "v"u8.ToArray(), default, Ct);
        await ReadAsync(store, "k");

        counting.IsGone = true;
        Time.Advance(LeasedStoreProvider.Lease);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.GetAsync("k", Ct).AsTask());

        counting.IsGone = false;
        Assert.Equal("v", await ReadAsync(store, "k"));
    }

    [Fact]
    public async Task Get_AtReplicasThatReadWithoutPause_IsNeverOlderThanWhatWasAcknowledged()
    {
        var shared = new MemoryStoreProvider(TimeProvider.System);
        IKeyValueStore[] replicas = [await OpenAsync(shared, TimeProvider.System), await OpenAsync(shared, TimeProvider.System), await OpenAsync(shared, TimeProvider.System)];
        await (await shared.OpenAsync(Name, Ct)).PutAsync("k", "0"u8.ToArray(), default, Ct);
        int acknowledged = 0;
        using var done = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 6).Select(i => Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    int before = Volatile.Read(ref acknowledged);
                    int read = int.Parse(await ReadAsync(replicas[i % 3], "k"), CultureInfo.InvariantCulture);
                    Assert.True(read >= before, $"read {read}, {before} was acknowledged");
                }
            },
            Ct))];

        for (int i = 1; i <= 10; i++)
        {
            Assert.True(await replicas[i % 3].PutAsync("k", Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)), default, Ct));
            Volatile.Write(ref acknowledged, i);
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    protected override ValueTask<IStoreProvider> CreateAsync() => new(Lease(new MemoryStoreProvider(Time), new TwoClocks(Time)));

    protected override ValueTask DestroyAsync(IStoreProvider provider) => ValueTask.CompletedTask;

    private static LeasedStoreProvider Lease(IStoreProvider inner, TimeProvider time) => new(inner, ["kbs"], time);

    private static ValueTask<IKeyValueStore> OpenAsync(IStoreProvider inner, TimeProvider time) => Lease(inner, time).OpenAsync(Name, Ct);

    private static async Task<string> ReadAsync(IKeyValueStore store, string key) => Encoding.ASCII.GetString((await store.GetAsync(key, Ct))!.Value.Value.Span);

    /// <summary>A clock whose wall can be set apart from its stop watch, and whose timers do not wait.</summary>
    private sealed class TwoClocks(FakeTimeProvider clock) : TimeProvider
    {
        public TimeSpan Jump { get; set; }

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + Jump;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private sealed class CountingStores(IStoreProvider inner) : IStoreProvider
    {
        private int _reads;
        private int _looks;

        public int Reads => _reads;

        public int Looks => _looks;

        public bool IsGone { get; set; }

        public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) => new Store(this, await inner.OpenAsync(name, ct));

        public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) => inner.ListNamespacesAsync(ct);

        private sealed class Store(CountingStores owner, IKeyValueStore store) : IKeyValueStore
        {
            public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
            {
                Interlocked.Increment(ref owner._reads);
                return Present().GetAsync(key, ct);
            }

            public ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct) => Present().PutAsync(key, value, options, ct);

            public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct) => Present().DeleteAsync(key, ct);

            public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
            {
                await foreach (string key in Present().ListAsync(prefix, ct))
                {
                    yield return key;
                }
            }

            public ValueTask<long> GetGenerationAsync(CancellationToken ct)
            {
                Interlocked.Increment(ref owner._looks);
                return Present().GetGenerationAsync(ct);
            }

            private IKeyValueStore Present() => owner.IsGone ? throw new StoreUnavailableException("gone") : store;
        }
    }
}
