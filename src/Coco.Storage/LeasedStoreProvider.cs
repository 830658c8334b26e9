// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Coco.Storage;

/// <summary>
/// Keeps values of some namespaces in memory, in every replica, without ever giving one that an acknowledged write has replaced: a replica uses
/// what it keeps for <see cref="Lease"/> after it last saw the namespace's generation, and a write is acknowledged only when that time is over
/// for everybody. Thread-safe. For namespaces that are read far more often than written.
/// </summary>
/// <remarks>
/// Holds between replicas that all write through this class; what else writes to the store is seen after <see cref="Lease"/>. Clocks need not
/// agree, they only have to run at the same rate to a tenth. Values are overwritten in memory when they are given up.
/// </remarks>
/// <param name="inner">The store, whose generations count every write.</param>
/// <param name="namespaces">The namespaces.</param>
/// <param name="time">The clock.</param>
public sealed class LeasedStoreProvider(IStoreProvider inner, ImmutableHashSet<string> namespaces, TimeProvider time)
    : SelectedStoreProvider(inner, namespaces)
{
    /// <summary>For how long a look at the generation counts. A write takes a tenth more than this longer than it otherwise would.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMilliseconds(100);

    /// <summary>Longer values are not kept; bytes.</summary>
    public const int LongestKept = 64 * 1024;

    /// <summary>Bytes of all values that are kept of one namespace.</summary>
    public const int MostKept = 16 * 1024 * 1024;

    private const int MostEntries = 16 * 1024;

    private protected override IKeyValueStore Wrap(IKeyValueStore store) => new LeasedStore(store, time);

    private sealed class LeasedStore(IKeyValueStore store, TimeProvider time) : IKeyValueStore
    {
        private static readonly TimeSpan Renewal = Lease / 2;
        private static readonly TimeSpan WriteWait = Lease * 1.1;

        private readonly Lock _gate = new();
        private readonly Dictionary<string, Kept> _kept = new(StringComparer.Ordinal);
        private int _bytes;
        private Look? _look;
        private Task<Look>? _looking;
        private int _writes;

        public async ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
        {
            StoreKeys.Require(key);
            Look look = await LookAsync(ct).ConfigureAwait(false);
            if (Find(key, look) is { } kept)
            {
                return kept.ExpiresAt <= time.GetUtcNow() ? null : kept;
            }

            StoredValue? read = await store.GetAsync(key, ct).ConfigureAwait(false);
            if (read is { } value)
            {
                Keep(key, value, look);
            }

            return read;
        }

        public async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
        {
            bool written;
            try
            {
                written = await store.PutAsync(key, value, options, ct).ConfigureAwait(false);
            }
            finally
            {
                // Also when nothing was written: what the caller took for the present value was not, perhaps because of what is kept.
                Forget();
            }

            if (written)
            {
                await Task.Delay(WriteWait, time, CancellationToken.None).ConfigureAwait(false);
            }

            return written;
        }

        public async ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
        {
            StoredValue? removed;
            try
            {
                removed = await store.DeleteAsync(key, ct).ConfigureAwait(false);
            }
            finally
            {
                Forget();
            }

            if (removed is not null)
            {
                await Task.Delay(WriteWait, time, CancellationToken.None).ConfigureAwait(false);
            }

            return removed;
        }

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken ct) => store.ListAsync(prefix, ct);

        public ValueTask<long> GetGenerationAsync(CancellationToken ct) => store.GetGenerationAsync(ct);

        /// <summary>A look at the generation that still counts. One that is about to end is renewed meanwhile.</summary>
        private ValueTask<Look> LookAsync(CancellationToken ct)
        {
            Task<Look> looking;
            lock (_gate)
            {
                TimeSpan? age = _look is { } l && l.Writes == _writes ? Age(l) : null;
                if (age >= Renewal || age is null)
                {
                    looking = _looking ??= LookInBackgroundAsync();
                }
                else
                {
                    return new(_look!);
                }

                if (age < Lease)
                {
                    return new(_look!);
                }
            }

            return AwaitLookAsync(looking, ct);
        }

        private async ValueTask<Look> AwaitLookAsync(Task<Look> looking, CancellationToken ct)
        {
            Look look = await looking.WaitAsync(ct).ConfigureAwait(false);
            lock (_gate)
            {
                if (look.Writes == _writes && Age(look) < Lease)
                {
                    return look;
                }
            }

            // It was begun before a write of this process, or took longer than it counts. Nothing is kept under such a look.
            return look with { Counts = false };
        }

        // By either clock: one of them does not go on while a virtual machine sleeps, the other can be set.
        private TimeSpan? Age(Look look)
        {
            TimeSpan elapsed = time.GetElapsedTime(look.Timestamp), wall = time.GetUtcNow() - look.At;
            return wall < TimeSpan.Zero ? null : elapsed > wall ? elapsed : wall;
        }

        private Task<Look> LookInBackgroundAsync()
        {
            // It goes on for others: the caller's context, such as its trace, is not theirs.
            using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            {
                return Task.Run(LookAnewAsync);
            }
        }

        private async Task<Look> LookAnewAsync()
        {
            try
            {
                // Before the question, so that neither a write nor time that passes meanwhile is missed.
                var look = new Look(0, Volatile.Read(ref _writes), time.GetTimestamp(), time.GetUtcNow(), Counts: true);
                look = look with { Generation = await store.GetGenerationAsync(CancellationToken.None).ConfigureAwait(false) };
                lock (_gate)
                {
                    if (_look is null || _look.Generation != look.Generation)
                    {
                        Clear();
                    }

                    _look = look;
                }

                return look;
            }
            finally
            {
                lock (_gate)
                {
                    _looking = null;
                }
            }
        }

        private StoredValue? Find(string key, Look look)
        {
            if (!look.Counts)
            {
                return null;
            }

            lock (_gate)
            {
                // A copy, since what is kept may be overwritten while the caller still reads.
                return _kept.TryGetValue(key, out Kept kept) && kept.Generation == look.Generation && kept.Writes == look.Writes
                    ? kept.Value with { Value = kept.Bytes.AsSpan().ToArray() }
                    : null;
            }
        }

        private void Keep(string key, StoredValue value, Look look)
        {
            if (value.Value.Length > LongestKept || !look.Counts)
            {
                return;
            }

            lock (_gate)
            {
                // Read under a look that is over: the value may be older than the present one.
                if (_look is not { } present || present.Generation != look.Generation || look.Writes != _writes)
                {
                    return;
                }

                if (_kept.Count >= MostEntries || _bytes + value.Value.Length > MostKept)
                {
                    Clear();
                }

                var kept = new Kept(value with { Value = default }, value.Value.ToArray(), look.Generation, look.Writes);
                if (_kept.Remove(key, out Kept former))
                {
                    _bytes -= former.Bytes.Length;
                    CryptographicOperations.ZeroMemory(former.Bytes);
                }

                _kept.Add(key, kept);
                _bytes += kept.Bytes.Length;
            }
        }

        private void Forget()
        {
            lock (_gate)
            {
                _writes++;
                Clear();
            }
        }

        private void Clear()
        {
            foreach (Kept kept in _kept.Values)
            {
                CryptographicOperations.ZeroMemory(kept.Bytes);
            }

            _kept.Clear();
            _bytes = 0;
        }

        private sealed record Look(long Generation, int Writes, long Timestamp, DateTimeOffset At, bool Counts);

        private readonly record struct Kept(StoredValue Value, byte[] Bytes, long Generation, int Writes);
    }
}
