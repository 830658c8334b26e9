// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>A bounded cache in memory: the least recently used entry gives way. Thread-safe.</summary>
/// <param name="clock">Decides what is over its time.</param>
/// <param name="capacity">Most entries that are kept; default 1024.</param>
public sealed class MemoryCollateralCache(TimeProvider clock, int capacity = 1024) : ICollateralCache
{
    private readonly BoundedCache<CollateralKey, (ReadOnlyMemory<byte> Value, DateTimeOffset ExpiresAt)> _entries = new(capacity);

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(CollateralKey key, CancellationToken ct)
    {
        if (_entries.TryGet(key, out (ReadOnlyMemory<byte> Value, DateTimeOffset ExpiresAt) found))
        {
            if (clock.GetUtcNow() < found.ExpiresAt)
            {
                return new(found.Value);
            }

            _entries.Remove(key);
        }

        return new((ReadOnlyMemory<byte>?)null);
    }

    /// <inheritdoc/>
    public ValueTask PutAsync(CollateralKey key, ReadOnlyMemory<byte> value, DateTimeOffset expiresAt, CancellationToken ct)
    {
        _entries.Put(key, (value, expiresAt));
        return default;
    }
}
