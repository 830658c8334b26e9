// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;

namespace Coco.Verifiers;

/// <summary>
/// Collateral with a cache in front of its sources: one fetch in flight for each key, retry with growing delay, refresh before the end, and what is
/// still valid is served while (or although) a fresher one cannot be had. Thread-safe; one for a process.
/// </summary>
/// <remarks>It checks no signature and trusts no source: verifiers check what they get, every time it is parsed.</remarks>
public sealed class CollateralService : ICollateralProvider, IAsyncDisposable
{
    private readonly CollateralOptions _options;
    private readonly TimeProvider _clock;
    private readonly BoundedCache<CollateralKey, Kept> _memory;
    private readonly ConcurrentDictionary<CollateralKey, Lazy<Task<Result<CollateralItem>>>> _inFlight = new();
    private readonly CancellationTokenSource _stop = new();
    private bool _disposed;

    /// <summary>Begins empty; fetches nothing until asked.</summary>
    public CollateralService(CollateralOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Attempts, 1);
        _options = options;
        _clock = options.Clock;
        _memory = new(options.Capacity);
    }

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        DateTimeOffset now = _clock.GetUtcNow();
        if (!_memory.TryGet(key, out Kept kept) || now >= kept.Until)
        {
            kept = await ReadCacheAsync(key, now, ct).ConfigureAwait(false);
        }

        if (kept.Outcome is { } outcome && now < kept.Until)
        {
            if (now >= kept.RefreshAt)
            {
                // In the background: the caller has what is still valid. Not awaited on purpose; its failure is remembered as a later refresh.
                _ = BeginAsync(key);
            }

            return outcome;
        }

        return await BeginAsync(key).WaitAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Fetches anew whatever the cache holds, for a refresh by hand or by schedule.</summary>
    /// <exception cref="CollateralUnavailableException">No source could be reached.</exception>
    public async ValueTask<Result<CollateralItem>> RefreshAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        return await BeginAsync(key).WaitAsync(ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Null when all collateral in memory is as fresh as it should be; else how many items are older, because their sources could not be reached
    /// when they were wanted last. They are used until their end.
    /// </summary>
    public Refusal? CheckAge()
    {
        int overdue = _memory.Values.Count(static k => k.IsLate);
        return overdue == 0 ? null : new Refusal(RefusalCode.Expired, $"{overdue} items of collateral could not be fetched anew in time");
    }

    /// <summary>Ends fetches that are under way, and waits for them. A container that knows the service under two types calls it twice.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (Lazy<Task<Result<CollateralItem>>> one in _inFlight.Values)
        {
            await ((Task)one.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _stop.Dispose();
    }

    private async ValueTask<Kept> ReadCacheAsync(CollateralKey key, DateTimeOffset now, CancellationToken ct)
    {
        if (_options.Cache is not { } cache
            || await cache.GetAsync(key, ct).ConfigureAwait(false) is not { } stored
            || !CollateralItem.Decode(stored).TryGet(out CollateralItem? item, out _))
        {
            return default;
        }

        Kept kept = Keep(key, item, now);
        if (now < kept.Until)
        {
            _memory.Put(key, kept);
        }

        return kept;
    }

    /// <summary>The fetch of a key that is under way, or a new one. It runs under the service's own life, not under that of whoever asked first.</summary>
    private Task<Result<CollateralItem>> BeginAsync(CollateralKey key)
    {
        Lazy<Task<Result<CollateralItem>>> mine = null!;
        mine = new(() => Task.Run(() => RunAsync(key, mine)));
        Task<Result<CollateralItem>> task = _inFlight.GetOrAdd(key, mine).Value;

        // A failed background refresh has nobody who looks at it.
        _ = task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }

    private async Task<Result<CollateralItem>> RunAsync(CollateralKey key, Lazy<Task<Result<CollateralItem>>> mine)
    {
        try
        {
            Result<CollateralItem> fetched = await FetchAsync(key, _stop.Token).ConfigureAwait(false);
            DateTimeOffset now = _clock.GetUtcNow();
            if (fetched.TryGet(out CollateralItem? item, out Refusal? why))
            {
                Kept kept = Keep(key, item, now);
                _memory.Put(key, kept);
                if (_options.Cache is { } cache && now < kept.Until)
                {
                    await cache.PutAsync(key, item.Encode(), kept.Until, _stop.Token).ConfigureAwait(false);
                }
            }
            else if (!(_memory.TryGet(key, out Kept old) && now < old.Until && old.Outcome is { Refusal: null }))
            {
                DateTimeOffset until = now + _options.NotFoundLifetime;
                _memory.Put(key, new Kept(why, until, until));
            }

            return fetched;
        }
        catch (CollateralUnavailableException)
        {
            // What is still valid stays; it is tried again a little later, not on every request.
            DateTimeOffset now = _clock.GetUtcNow();
            if (_memory.TryGet(key, out Kept old))
            {
                _memory.Put(key, old with { RefreshAt = now + _options.NotFoundLifetime, IsLate = true });
            }

            throw;
        }
        finally
        {
            _inFlight.TryRemove(new KeyValuePair<CollateralKey, Lazy<Task<Result<CollateralItem>>>>(key, mine));
        }
    }

    private async Task<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        CollateralUnavailableException? outage = null;
        Refusal? refused = null;
        foreach (ICollateralSource source in _options.Sources)
        {
            if (!source.Serves(key.Kind))
            {
                continue;
            }

            try
            {
                Result<CollateralItem> answer = await AttemptAsync(source, key, ct).ConfigureAwait(false);
                if (answer.TryGet(out CollateralItem? item, out Refusal? why))
                {
                    return item with
                    {
                        FetchedAt = item.FetchedAt == default ? _clock.GetUtcNow() : item.FetchedAt,
                        ExpiresAt = item.ExpiresAt ?? CollateralExpiry.Of(key.Kind, item.Body),
                        Source = item.Source.Length == 0 ? source.Name : item.Source,
                    };
                }

                refused = refused is null || refused.Code == RefusalCode.NotFound ? why : refused;
            }
            catch (CollateralUnavailableException e)
            {
                outage = e;
            }
        }

        if (outage is not null)
        {
            throw outage;
        }

        return refused ?? new Refusal(RefusalCode.NotFound, $"no source of collateral is configured that serves {key.Kind}");
    }

    private async Task<Result<CollateralItem>> AttemptAsync(ICollateralSource source, CollateralKey key, CancellationToken ct)
    {
        TimeSpan delay = _options.FirstDelay;
        for (int attempt = 1; ; attempt++)
        {
            using var limit = new CancellationTokenSource(_options.AttemptTimeout, _clock);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
            TimeSpan? asked = null;
            try
            {
                return await source.FetchAsync(key, linked.Token).ConfigureAwait(false);
            }
            catch (CollateralUnavailableException e) when (attempt < _options.Attempts)
            {
                asked = e.RetryAfter;
            }
            catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                if (attempt >= _options.Attempts)
                {
                    throw new CollateralUnavailableException(key, $"{source.Name} did not answer within {_options.AttemptTimeout.TotalSeconds:0.#} seconds", e);
                }
            }

            TimeSpan wait = asked > delay ? asked.Value : delay;
            await Task.Delay(wait < _options.LongestDelay ? wait : _options.LongestDelay, _clock, ct).ConfigureAwait(false);
            delay += delay;
        }
    }

    private Kept Keep(CollateralKey key, CollateralItem item, DateTimeOffset now)
    {
        if (CollateralExpiry.IsFixed(key.Kind))
        {
            DateTimeOffset end = item.ExpiresAt is { } notAfter && notAfter > now ? notAfter : now + _options.DefaultLifetime;
            return new Kept(item, end, end);
        }

        // Expired already when it came: passed on (the verifier says so), but asked for again soon.
        if (item.ExpiresAt is { } past && past <= now)
        {
            DateTimeOffset soon = now + _options.NotFoundLifetime;
            return new Kept(item, soon, soon);
        }

        DateTimeOffset from = item.FetchedAt == default || item.FetchedAt > now ? now : item.FetchedAt;
        DateTimeOffset until = from + _options.MaximumLifetime;
        if (item.ExpiresAt is { } expires)
        {
            until = expires < until ? expires : until;
        }
        else
        {
            until = from + _options.DefaultLifetime;
        }

        return new Kept(item, until, from + ((until - from) * _options.RefreshAfter));
    }

    private readonly record struct Kept(Result<CollateralItem>? Outcome, DateTimeOffset Until, DateTimeOffset RefreshAt, bool IsLate = false);
}
