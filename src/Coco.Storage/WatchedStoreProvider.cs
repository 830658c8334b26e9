// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Storage;

/// <summary>
/// Wraps a store so that the generation of some namespaces is asked for once in a while instead of at every decision. Thread-safe. What this
/// process writes counts at once; a write of another process after <paramref name="age"/> at most.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="namespaces">The namespaces.</param>
/// <param name="age">For how long an answer is given again.</param>
/// <param name="time">The clock.</param>
public sealed class WatchedStoreProvider(IStoreProvider inner, ImmutableHashSet<string> namespaces, TimeSpan age, TimeProvider time)
    : SelectedStoreProvider(inner, namespaces)
{
    private protected override IKeyValueStore Wrap(IKeyValueStore store) => new WatchedStore(store, age, time);

    private sealed class WatchedStore(IKeyValueStore store, TimeSpan age, TimeProvider time) : IKeyValueStore
    {
        private volatile Answer? _answer;
        private int _writes;

        public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct) => store.GetAsync(key, ct);

        public async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
        {
            try
            {
                return await store.PutAsync(key, value, options, ct).ConfigureAwait(false);
            }
            finally
            {
                // Also when it failed: it may have been written all the same.
                Interlocked.Increment(ref _writes);
            }
        }

        public async ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
        {
            try
            {
                return await store.DeleteAsync(key, ct).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Increment(ref _writes);
            }
        }

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken ct) => store.ListAsync(prefix, ct);

        public ValueTask<long> GetGenerationAsync(CancellationToken ct) =>
            _answer is { } answer && answer.Writes == Volatile.Read(ref _writes) && time.GetElapsedTime(answer.At) < age ? new(answer.Generation) : AskAsync(ct);

        private async ValueTask<long> AskAsync(CancellationToken ct)
        {
            // Both are taken before the question, so that neither a write nor time that passes meanwhile is missed.
            int writes = Volatile.Read(ref _writes);
            long now = time.GetTimestamp();
            long generation = await store.GetGenerationAsync(ct).ConfigureAwait(false);
            _answer = new Answer(generation, now, writes);
            return generation;
        }

        private sealed record Answer(long Generation, long At, int Writes);
    }
}
