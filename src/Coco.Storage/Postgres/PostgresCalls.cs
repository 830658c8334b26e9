// SPDX-License-Identifier: Apache-2.0
using Npgsql;

namespace Coco.Storage;

/// <summary>
/// Sends statements of many callers in one round trip: what arrives while <see cref="MostUnderWay"/> transactions are under way gathers, and
/// goes as one. What arrives earlier goes at once. A statement that the server refuses harms no other. Thread-safe.
/// </summary>
internal sealed class PostgresCalls(PostgresStoreProvider provider)
{
    /// <summary>A statement that sends more bytes does not go with others.</summary>
    public const int MostBytesOfOne = 64 * 1024;

    /// <summary>Transactions under way at once. More would find fewer callers to send together; with one, a slow answer would hold up everybody.</summary>
    public const int MostUnderWay = 2;

    private const int MostTogether = 32;
    private const int MostWaiting = 1024;

    private readonly Lock _gate = new();
    private readonly Queue<PostgresCall> _waiting = new();
    private int _underWay;

    /// <summary>Runs a statement, alone or with others.</summary>
    /// <exception cref="StoreUnavailableException">The server could not be reached, or refused this statement.</exception>
    public Task<T> RunAsync<T>(PostgresCall<T> call)
    {
        if (call.IsAbandoned)
        {
            return call.Done;
        }

        lock (_gate)
        {
            if (_underWay >= MostUnderWay && _waiting.Count < MostWaiting)
            {
                _waiting.Enqueue(call);
                return call.Done;
            }

            _underWay++;
        }

        // It may go on for others: the caller's context, such as its trace, is not theirs.
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            _ = SendAllAsync(call);
        }

        return call.Done;
    }

    private async Task SendAllAsync(PostgresCall first)
    {
        for (List<PostgresCall>? calls = [first]; calls is not null; calls = Next())
        {
            await SendAsync(calls).ConfigureAwait(false);
        }
    }

    /// <summary>Those that go next; null when nobody waits, and then one less is under way.</summary>
    private List<PostgresCall>? Next()
    {
        lock (_gate)
        {
            var calls = new List<PostgresCall>(Math.Min(_waiting.Count, MostTogether));
            while (calls.Count < MostTogether && _waiting.TryDequeue(out PostgresCall? call))
            {
                if (!call.IsAbandoned)
                {
                    calls.Add(call);
                }
            }

            if (calls.Count > 0)
            {
                return calls;
            }

            _underWay--;
            return null;
        }
    }

    private async Task SendAsync(List<PostgresCall> calls)
    {
        // Stable, so that of two writes of one key the earlier wins.
        List<PostgresCall> ordered = calls.Count == 1 ? calls : [.. calls.OrderBy(static c => c.Locks, StringComparer.Ordinal)];
        try
        {
            await provider.RunAsync(ordered.TrueForAll(static c => c.Locks is null), c => RunTogetherAsync(c, ordered), CancellationToken.None).ConfigureAwait(false);
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
        List<PostgresCall> reads = calls.FindAll(static c => c.Locks is null);
        bool mixed = reads.Count < calls.Count;
        foreach (PostgresCall call in calls)
        {
            if (!mixed || call.Locks is not null)
            {
                call.Fail(error);
            }
        }

        if (mixed && reads.Count > 0)
        {
            await SendAsync(reads).ConfigureAwait(false);
        }
    }

    private static async Task<bool> RunTogetherAsync(NpgsqlConnection connection, List<PostgresCall> calls)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (PostgresCall call in calls)
        {
            batch.BatchCommands.Add(call.Command());
        }

        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (PostgresCall call in calls)
        {
            await call.ReadAsync(reader, CancellationToken.None).ConfigureAwait(false);
            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return true;
    }
}
