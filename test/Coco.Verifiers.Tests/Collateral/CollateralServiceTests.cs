// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Time.Testing;

namespace Coco.Verifiers.Tests.Collateral;

public sealed class CollateralServiceTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CollateralKey Key = new(CollateralKinds.IntelTcbInfo, "tdx/00906ED50000/early");

    private readonly CountingClock _clock = new(Start);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_SecondTime_ComesFromTheCache()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(30));
        await using CollateralService service = Service(source);

        CollateralItem first = (await service.GetAsync(Key, Ct)).Require();
        CollateralItem second = (await service.GetAsync(Key, Ct)).Require();

        Assert.Same(first, second);
        Assert.Equal(1, source.Count);
        Assert.Equal("scripted", first.Source);
    }

    [Fact]
    public async Task Get_ManyAtOnce_FetchOnce()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(30)) { Gate = new TaskCompletionSource() };
        await using CollateralService service = Service(source);

        Task<Result<CollateralItem>>[] all = [.. Enumerable.Range(0, 20).Select(_ => service.GetAsync(Key, Ct).AsTask())];
        source.Gate.SetResult();
        await Task.WhenAll(all);

        Assert.Equal(1, source.Count);
    }

    [Fact]
    public async Task Get_FirstCallerGivesUp_OthersGetIt()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(30)) { Gate = new TaskCompletionSource() };
        await using CollateralService service = Service(source);
        using var gaveUp = new CancellationTokenSource();
        Task<Result<CollateralItem>> first = service.GetAsync(Key, gaveUp.Token).AsTask();
        Task<Result<CollateralItem>> second = service.GetAsync(Key, Ct).AsTask();

        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        source.Gate.SetResult();

        Assert.Null((await second).Refusal);
        Assert.Equal(1, source.Count);
    }

    [Fact]
    public async Task Get_AfterIssuersExpiry_FetchesAgain()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromHours(10));
        await using CollateralService service = Service(source);
        await service.GetAsync(Key, Ct);

        _clock.Advance(TimeSpan.FromHours(10));
        CollateralItem item = (await service.GetAsync(Key, Ct)).Require();

        Assert.Equal(2, source.Count);
        Assert.Equal(_clock.GetUtcNow() + TimeSpan.FromHours(10), item.ExpiresAt);
    }

    [Fact]
    public async Task Get_IssuersExpiryFarAway_IsKeptForTheLongestTimeOnly()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(365));
        await using CollateralService service = Service(source);
        await service.GetAsync(Key, Ct);

        _clock.Advance(TimeSpan.FromHours(169));
        await service.GetAsync(Key, Ct);

        Assert.Equal(2, source.Count);
    }

    [Fact]
    public async Task Get_NearTheEnd_ServesWhatIsValidAndRefreshes()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromHours(10));
        await using CollateralService service = Service(source);
        CollateralItem first = (await service.GetAsync(Key, Ct)).Require();
        _clock.Advance(TimeSpan.FromHours(9));
        source.Gate = new TaskCompletionSource();

        CollateralItem stale = (await service.GetAsync(Key, Ct)).Require();

        Assert.Same(first, stale);
        source.Gate.SetResult();
        CollateralItem refreshed = (await service.RefreshAsync(Key, Ct)).Require();
        Assert.True(refreshed.ExpiresAt > first.ExpiresAt);
        Assert.Same(refreshed, (await service.GetAsync(Key, Ct)).Require());
    }

    [Fact]
    public async Task Get_RefreshFails_ServesWhatIsValidUntilItsEnd()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromHours(10));
        await using CollateralService service = Service(source, attempts: 1);
        CollateralItem first = (await service.GetAsync(Key, Ct)).Require();
        source.Failures = int.MaxValue;
        _clock.Advance(TimeSpan.FromHours(9));

        Assert.Same(first, (await service.GetAsync(Key, Ct)).Require());
        await Assert.ThrowsAsync<CollateralUnavailableException>(() => service.RefreshAsync(Key, Ct).AsTask());
        Assert.Same(first, (await service.GetAsync(Key, Ct)).Require());
        Assert.Equal(RefusalCode.Expired, service.CheckAge()?.Code);

        _clock.Advance(TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<CollateralUnavailableException>(() => service.GetAsync(Key, Ct).AsTask());

        source.Failures = 0;
        await service.GetAsync(Key, Ct);
        Assert.Null(service.CheckAge());
    }

    [Fact]
    public async Task Dispose_Twice_IsHarmless()
    {
        CollateralService service = Service(new ScriptedSource(_clock, TimeSpan.FromDays(30)));
        await service.DisposeAsync();

        Assert.Null(await Record.ExceptionAsync(() => service.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task Get_SourceFailsAtFirst_IsTriedAgainWithGrowingDelay()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(30)) { Failures = 2 };
        await using CollateralService service = Service(source);

        Task<Result<CollateralItem>> pending = service.GetAsync(Key, Ct).AsTask();
        await source.WaitForAsync(1);
        await AdvanceUntilAsync(source, 2, TimeSpan.FromMilliseconds(250));
        await AdvanceUntilAsync(source, 3, TimeSpan.FromMilliseconds(500));

        Assert.Null((await pending).Refusal);
        Assert.Equal(TimeSpan.FromMilliseconds(250), source.Times[1] - source.Times[0]);
        Assert.Equal(TimeSpan.FromMilliseconds(500), source.Times[2] - source.Times[1]);
    }

    [Fact]
    public async Task Get_FirstSourceDown_SecondIsAsked()
    {
        var down = new ScriptedSource(_clock, TimeSpan.FromDays(1)) { Failures = int.MaxValue };
        var up = new ScriptedSource(_clock, TimeSpan.FromDays(30));
        await using var service = new CollateralService(new CollateralOptions { Clock = _clock, Sources = [down, up], Attempts = 1 });

        Assert.Null((await service.GetAsync(Key, Ct)).Refusal);
        Assert.Equal(1, up.Count);
    }

    [Fact]
    public async Task Get_NoSourceHasIt_IsRememberedForAWhile()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromDays(1)) { HasIt = false };
        await using CollateralService service = Service(source);

        Assert.Equal(RefusalCode.NotFound, (await service.GetAsync(Key, Ct)).Refusal!.Code);
        await service.GetAsync(Key, Ct);
        Assert.Equal(1, source.Count);

        _clock.Advance(TimeSpan.FromMinutes(2));
        source.HasIt = true;
        Assert.Null((await service.GetAsync(Key, Ct)).Refusal);
    }

    [Fact]
    public async Task Get_NoSourceForTheKind_IsNotFound()
    {
        await using var service = new CollateralService(new CollateralOptions { Clock = _clock });

        Assert.Equal(RefusalCode.NotFound, (await service.GetAsync(Key, Ct)).Refusal!.Code);
    }

    [Fact]
    public async Task Get_AnotherProcessFetchedIt_ComesFromTheSharedCache()
    {
        var shared = new MemoryCollateralCache(_clock);
        var source = new ScriptedSource(_clock, TimeSpan.FromHours(10));
        await using var one = new CollateralService(new CollateralOptions { Clock = _clock, Sources = [source], Cache = shared });
        await using var two = new CollateralService(new CollateralOptions { Clock = _clock, Sources = [source], Cache = shared });
        CollateralItem first = (await one.GetAsync(Key, Ct)).Require();

        CollateralItem second = (await two.GetAsync(Key, Ct)).Require();

        Assert.Equal(1, source.Count);
        Assert.Equal(first.Body.ToArray(), second.Body.ToArray());
        Assert.Equal(first.ExpiresAt, second.ExpiresAt);
        Assert.Equal(first.IssuerChain.ToArray(), second.IssuerChain.ToArray());
    }

    [Fact]
    public async Task Get_SourceHangs_AttemptEnds()
    {
        var source = new ScriptedSource(_clock, TimeSpan.FromHours(10)) { Gate = new TaskCompletionSource() };
        await using CollateralService service = Service(source, attempts: 1);

        Task<Result<CollateralItem>> pending = service.GetAsync(Key, Ct).AsTask();
        await source.WaitForAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(21));

        await Assert.ThrowsAsync<CollateralUnavailableException>(() => pending);
    }

    [Fact]
    public async Task MemoryCache_OverItsCapacity_DropsTheLeastRecentlyUsed()
    {
        var cache = new MemoryCollateralCache(_clock, capacity: 2);
        CollateralKey[] keys = [new("k", "1"), new("k", "2"), new("k", "3")];
        await cache.PutAsync(keys[0], new byte[] { 1 }, Start.AddDays(1), Ct);
        await cache.PutAsync(keys[1], new byte[] { 2 }, Start.AddDays(1), Ct);
        Assert.NotNull(await cache.GetAsync(keys[0], Ct));

        await cache.PutAsync(keys[2], new byte[] { 3 }, Start.AddDays(1), Ct);

        Assert.NotNull(await cache.GetAsync(keys[0], Ct));
        Assert.Null(await cache.GetAsync(keys[1], Ct));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Null(await cache.GetAsync(keys[0], Ct));
    }

    private CollateralService Service(ICollateralSource source, int attempts = 3) =>
        new(new CollateralOptions { Clock = _clock, Sources = [source], Attempts = attempts });

    private async Task AdvanceUntilAsync(ScriptedSource source, int count, TimeSpan step)
    {
        // The wait is on the virtual clock, but begins on another thread: the step is made once somebody waits for it.
        while (_clock.Delays < count - 1)
        {
            await Task.Yield();
        }

        _clock.Advance(step);
        await source.WaitForAsync(count);
    }

    /// <summary>A virtual clock that knows how many delays were begun.</summary>
    private sealed class CountingClock(DateTimeOffset start) : FakeTimeProvider(start)
    {
        private int _delays;

        public int Delays => Volatile.Read(ref _delays);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime < TimeSpan.FromSeconds(20))
            {
                Interlocked.Increment(ref _delays);
            }

            return timer;
        }
    }

    private sealed class ScriptedSource(TimeProvider clock, TimeSpan lifetime) : ICollateralSource
    {
        private readonly List<DateTimeOffset> _times = [];
        private int _failures;

        public string Name => "scripted";

        public bool HasIt { get; set; } = true;

        public TaskCompletionSource? Gate { get; set; }

        public int Failures { get => _failures; set => _failures = value; }

        public int Count
        {
            get
            {
                lock (_times)
                {
                    return _times.Count;
                }
            }
        }

        public IReadOnlyList<DateTimeOffset> Times => _times;

        public bool Serves(string kind) => true;

        public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
        {
            lock (_times)
            {
                _times.Add(clock.GetUtcNow());
            }

            if (Gate is { } gate)
            {
                await gate.Task.WaitAsync(ct);
            }

            if (_failures > 0)
            {
                _failures--;
                throw new CollateralUnavailableException(key, "down");
            }

            return HasIt
                ? new CollateralItem(new byte[] { 1, 2 }) { ExpiresAt = clock.GetUtcNow() + lifetime, IssuerChain = "chain"u8.ToArray() }
                : new Refusal(RefusalCode.NotFound, "none");
        }

        public async Task WaitForAsync(int count)
        {
            while (Count < count)
            {
                await Task.Yield();
            }
        }
    }
}
