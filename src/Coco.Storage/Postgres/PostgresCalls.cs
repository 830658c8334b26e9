// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Npgsql;

namespace Coco.Storage;

/// <summary>
/// Does what many callers want in one round trip and one transaction. What arrives while <see cref="MostUnderWay"/> transactions are under way
/// gathers, and goes as one; when calls come so often that several would come within <see cref="GatherTime"/>, they are waited for. A call that
/// comes alone goes at once. One that the server refuses harms no other. Thread-safe.
/// </summary>
internal sealed class PostgresCalls(PostgresStoreProvider provider) : IDisposable
{
    /// <summary>A call that sends more bytes does not go with others.</summary>
    public const int MostBytesOfOne = 64 * 1024;

    /// <summary>Transactions under way at once. More would find fewer callers to send together; with one, a slow answer would hold up everybody.</summary>
    public const int MostUnderWay = 2;

    /// <summary>For how long a busy process waits for more callers: a transaction costs the server several times what one more row in it does.</summary>
    public static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(2);

    private const int MostTogether = 32;
    private const int MostWaiting = 1024;

    // With fewer companions than these to be expected, waiting does not pay.
    private const int FewestCompanions = 2;

    // How many are enough to go without waiting any longer.
    private const int Enough = 8;

    private readonly Lock _gate = new();
    private readonly Queue<PostgresCall> _waiting = new();
    private int _underWay;
    private Timer? _timer;
    private bool _gathering;
    private long _lastArrival;
    private double _interval = GatherTime.TotalSeconds * 50;

    /// <summary>Does it, alone or with others.</summary>
    /// <exception cref="StoreUnavailableException">The server could not be reached, or refused it.</exception>
    public Task<T> RunAsync<T>(PostgresCall<T> call)
    {
        if (call.IsAbandoned)
        {
            return call.Done;
        }

        List<PostgresCall>? now;
        lock (_gate)
        {
            bool busy = NoteArrival();
            if (_waiting.Count >= MostWaiting)
            {
                _underWay++;
                now = [call];
            }
            else
            {
                _waiting.Enqueue(call);
                now = Begin(busy);
            }
        }

        if (now is not null)
        {
            Start(now);
        }

        return call.Done;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    /// <summary>Counts a call; true when so many come that it pays to wait for more.</summary>
    private bool NoteArrival()
    {
        long now = Stopwatch.GetTimestamp();
        double since = _lastArrival == 0 ? _interval : Stopwatch.GetElapsedTime(_lastArrival, now).TotalSeconds;
        _lastArrival = now;

        // A mean over the last ten or so; one long silence is as good as the beginning.
        _interval = (0.9 * _interval) + (0.1 * Math.Min(since, GatherTime.TotalSeconds * 50));
        return _interval * FewestCompanions < GatherTime.TotalSeconds;
    }

    /// <summary>Those that go now; null when they wait for others, or for one that is under way.</summary>
    private List<PostgresCall>? Begin(bool busy)
    {
        if (_underWay >= MostUnderWay || (_gathering && _waiting.Count < Enough))
        {
            return null;
        }

        if (busy && !_gathering && _waiting.Count < Enough)
        {
            _gathering = true;
            using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            {
                _timer ??= new Timer(static s => ((PostgresCalls)s!).Gathered(), this, Timeout.Infinite, Timeout.Infinite);
            }

            _timer.Change(GatherTime, Timeout.InfiniteTimeSpan);
            return null;
        }

        _gathering = false;
        return TakeWaiting();
    }

    private void Gathered()
    {
        List<PostgresCall>? calls = null;
        lock (_gate)
        {
            // Those under way take along what waits when they are done.
            if (_gathering && _underWay < MostUnderWay)
            {
                calls = TakeWaiting();
            }

            _gathering = false;
        }

        if (calls is not null)
        {
            Start(calls);
        }
    }

    private void Start(List<PostgresCall> calls)
    {
        // It may go on for others: the caller's context, such as its trace, is not theirs.
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            _ = SendAllAsync(calls);
        }
    }

    private async Task SendAllAsync(List<PostgresCall> first)
    {
        for (List<PostgresCall>? calls = first; calls is not null; calls = Next())
        {
            await SendAsync(calls).ConfigureAwait(false);
        }
    }

    /// <summary>Those that go next; null when nobody waits, or others are still waited for, and then one less is under way.</summary>
    private List<PostgresCall>? Next()
    {
        lock (_gate)
        {
            _underWay--;
            return _gathering ? null : TakeWaiting();
        }
    }

    /// <summary>Those that wait, and one more under way; null when none wait.</summary>
    private List<PostgresCall>? TakeWaiting()
    {
        var calls = new List<PostgresCall>(Math.Min(_waiting.Count, MostTogether));
        while (calls.Count < MostTogether && _waiting.TryDequeue(out PostgresCall? call))
        {
            if (!call.IsAbandoned)
            {
                calls.Add(call);
            }
        }

        if (calls.Count == 0)
        {
            return null;
        }

        _underWay++;
        return calls;
    }

    private async Task SendAsync(List<PostgresCall> calls)
    {
        try
        {
            await provider.RunAsync(calls.TrueForAll(static c => !c.Writes), c => RunTogetherAsync(c, calls), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreUnavailableException e) when (PostgresStoreProvider.IsTimeout(e.InnerException))
        {
            // Whoever waits behind these would only find out one after the other.
            FailAll([.. calls, .. TakeAllWaiting()], e);
            return;
        }
        catch (Exception e) when (calls.Count > 1)
        {
            await SendAgainAsync(calls, e).ConfigureAwait(false);
            return;
        }
        catch (Exception e)
        {
            calls[0].Fail(e);
            return;
        }

        foreach (PostgresCall call in calls)
        {
            call.Complete();
        }
    }

    private PostgresCall[] TakeAllWaiting()
    {
        lock (_gate)
        {
            PostgresCall[] all = [.. _waiting];
            _waiting.Clear();
            return all;
        }
    }

    private static void FailAll(PostgresCall[] calls, Exception error)
    {
        foreach (PostgresCall call in calls)
        {
            call.Fail(error);
        }
    }

    private async Task SendAgainAsync(List<PostgresCall> calls, Exception error)
    {
        // The server undid all of them because of one: each for itself.
        if (error is StoreUnavailableException { InnerException: PostgresException refused } && !PostgresStoreProvider.IsConnectionLost(refused))
        {
            foreach (PostgresCall call in calls)
            {
                await SendAsync([call]).ConfigureAwait(false);
            }

            return;
        }

        // A write may have happened all the same. What only reads, and was not tried again because of the writes, is.
        List<PostgresCall> reads = calls.FindAll(static c => !c.Writes);
        bool mixed = reads.Count < calls.Count;
        foreach (PostgresCall call in calls)
        {
            if (!mixed || call.Writes)
            {
                call.Fail(error);
            }
        }

        if (mixed && reads.Count > 0)
        {
            await SendAsync(reads).ConfigureAwait(false);
        }
    }

    private async Task<bool> RunTogetherAsync(NpgsqlConnection connection, List<PostgresCall> calls)
    {
        List<PostgresStatement> statements = PostgresStatement.For(calls);
        await using var batch = new NpgsqlBatch(connection);
        DateTime now = provider.Now;
        foreach (PostgresStatement statement in statements)
        {
            batch.BatchCommands.Add(statement.Command(now));
        }

        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (PostgresStatement statement in statements)
        {
            await statement.ReadAsync(reader, CancellationToken.None).ConfigureAwait(false);
            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return true;
    }
}
