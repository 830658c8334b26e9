// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;

namespace Coco.Storage;

/// <summary>A store in the process's memory: for tests, and for sessions of one replica. Lost with the process.</summary>
/// <param name="time">The clock for expiry.</param>
public sealed class MemoryStoreProvider(TimeProvider time) : IStoreProvider
{
    private readonly ConcurrentDictionary<StoreNamespace, MemoryStore> _stores = new();

    /// <inheritdoc/>
    public ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        new(_stores.GetOrAdd(name, static (_, clock) => new MemoryStore(clock), time));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) =>
        new([.. _stores.Where(s => s.Value.HasAny()).Select(s => s.Key).OrderBy(n => n.Value, StringComparer.Ordinal)]);
}
