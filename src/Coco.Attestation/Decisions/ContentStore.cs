// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Coco.Storage;

namespace Coco.Attestation.Decisions;

/// <summary>Keeps bytes under their SHA-256, once. Thread-safe.</summary>
internal sealed class ContentStore(IStoreProvider stores, AttestationOptions options, TimeProvider clock)
{
    /// <summary>Claims, reference values and policies.</summary>
    internal const string Namespace = "attestation_content";

    /// <summary>Evidence.</summary>
    internal const string VaultNamespace = "evidence_vault";

    private const int MaxKnown = 100_000;

    // What this process stored, and when: so that what every guest shares costs a hash and no write.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _known = new(StringComparer.Ordinal);
    private long _added;

    /// <summary>Stores and gives the hash (lower-case hexadecimal).</summary>
    public async ValueTask<string> PutAsync(ReadOnlyMemory<byte> bytes, bool vault, CancellationToken ct)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        DateTimeOffset now = clock.GetUtcNow();
        if (_known.TryGetValue(hash, out DateTimeOffset at) && now - at < options.Decisions.Retention)
        {
            return hash;
        }

        if (bytes.Length > StoreKeys.MaxValueBytes)
        {
            return hash;
        }

        if (_known.Count >= MaxKnown)
        {
            _known.Clear();
        }

        IKeyValueStore store = await OpenAsync(vault, ct).ConfigureAwait(false);

        // Lives as long as the youngest record that may name it.
        await store.PutAsync(hash, bytes, new PutOptions { ExpiresAt = now + (2 * options.Decisions.Retention), Relaxed = true }, ct).ConfigureAwait(false);
        _known[hash] = now;
        Interlocked.Add(ref _added, bytes.Length);
        return hash;
    }

    /// <summary>The bytes; null when they are gone.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, bool vault, CancellationToken ct)
    {
        if (hash.Length != 64 || !hash.All(char.IsAsciiHexDigitLower))
        {
            return null;
        }

        IKeyValueStore store = await OpenAsync(vault, ct).ConfigureAwait(false);
        return await store.GetAsync(hash, ct).ConfigureAwait(false) is { } stored ? stored.Value : null;
    }

    /// <summary>Removes everything that is not named.</summary>
    public async ValueTask KeepOnlyAsync(IReadOnlySet<string> hashes, CancellationToken ct)
    {
        foreach (bool vault in new[] { false, true })
        {
            await SweepAsync(vault, hashes, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Bytes stored since the last call.</summary>
    public long TakeBytesAdded() => Interlocked.Exchange(ref _added, 0);

    private async ValueTask SweepAsync(bool vault, IReadOnlySet<string> hashes, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(vault, ct).ConfigureAwait(false);
        await foreach (string key in store.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (!hashes.Contains(key))
            {
                _known.TryRemove(key, out _);
                await store.DeleteAsync(key, ct).ConfigureAwait(false);
            }
        }
    }

    private ValueTask<IKeyValueStore> OpenAsync(bool vault, CancellationToken ct) =>
        stores.OpenAsync(StoreNamespace.Parse(vault ? VaultNamespace : Namespace).Require(), ct);
}
