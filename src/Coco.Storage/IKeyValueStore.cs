// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>A value and the version that its last write gave it.</summary>
/// <param name="Value">The bytes.</param>
/// <param name="Version">Grows with every write of the store; never reused for another value of the same key.</param>
public readonly record struct StoredValue(ReadOnlyMemory<byte> Value, long Version)
{
    /// <summary>From this instant on (UTC) it does not exist; null when it stays.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>Conditions of a write.</summary>
public readonly record struct PutOptions
{
    /// <summary>Write only if the present version is this one.</summary>
    public long? IfVersion { get; init; }

    /// <summary>Write only if the key has no value.</summary>
    public bool OnlyIfAbsent { get; init; }

    /// <summary>From this instant on (UTC) the value does not exist.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>
    /// The write has to outlast the process, but need not be on the disk when it is acknowledged: only a loss of power, or the sudden end of a
    /// database server, may lose it. For what its owner can make again, such as a session. A store that has no such difference ignores it.
    /// </summary>
    public bool Relaxed { get; init; }
}

/// <summary>One namespace of a store. Thread-safe; a write happened wholly or not at all, also across a kill.</summary>
/// <remarks>Keys: <c>[A-Za-z0-9._/-]</c>, no empty, <c>.</c> or <c>..</c> segment, at most 512 bytes. Values: at most 8 MiB.</remarks>
public interface IKeyValueStore
{
    /// <summary>The value; null when there is none or it is over its time.</summary>
    /// <exception cref="StoreUnavailableException">The store could not be reached.</exception>
    ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct);

    /// <summary>Writes; false when a condition of <paramref name="options"/> did not hold.</summary>
    ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct);

    /// <summary>Removes, and gives what was there.</summary>
    ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct);

    /// <summary>The keys that begin with <paramref name="prefix"/>, in ordinal order.</summary>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken ct);

    /// <summary>A number that grows with every write in this namespace.</summary>
    ValueTask<long> GetGenerationAsync(CancellationToken ct);
}

/// <summary>Opens namespaces of one store. Thread-safe.</summary>
public interface IStoreProvider
{
    /// <summary>Opens (and creates where needed) a namespace.</summary>
    ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct);

    /// <summary>The namespaces that hold something, in ordinal order.</summary>
    ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct);
}
