// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Storage;

/// <summary>Encryption at rest: wraps a store so that values are sealed with a key ring, bound to their namespace and key.</summary>
/// <param name="inner">Where the sealed bytes are kept.</param>
/// <param name="ring">The keys.</param>
/// <param name="acceptPlain">
/// Whether values that were written before sealing was switched on are still read. <c>trustee migrate</c> seals them; then switch it off.
/// </param>
public sealed class SealedStoreProvider(IStoreProvider inner, KeyRing ring, bool acceptPlain) : IStoreProvider
{
    private volatile KeyRing _ring = ring;

    /// <summary>The keys that are used now.</summary>
    public KeyRing Ring => _ring;

    /// <summary>Uses other keys from now on, in stores that are open already too. Records under keys that the new ring lacks cannot be opened any more.</summary>
    public void Use(KeyRing other) => _ring = other;

    /// <inheritdoc/>
    public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        new SealedStore(await inner.OpenAsync(name, ct).ConfigureAwait(false), name.Value, this, acceptPlain);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) => inner.ListNamespacesAsync(ct);

    /// <summary>Seals every value of a namespace anew with the active key, one at a time, beside running replicas. Returns how many were changed.</summary>
    public async ValueTask<int> ResealAsync(StoreNamespace name, IProgress<int>? progress, CancellationToken ct)
    {
        IKeyValueStore raw = await inner.OpenAsync(name, ct).ConfigureAwait(false);
        IKeyValueStore opened = await OpenAsync(name, ct).ConfigureAwait(false);
        int changed = 0;
        await foreach (string key in raw.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            while (await raw.GetAsync(key, ct).ConfigureAwait(false) is { } present && KeyRing.KeyIdOf(present.Value.Span) != _ring.ActiveKeyId)
            {
                if (await opened.GetAsync(key, ct).ConfigureAwait(false) is not { } plain)
                {
                    break;
                }

                var options = new PutOptions { IfVersion = present.Version, ExpiresAt = present.ExpiresAt };
                if (await opened.PutAsync(key, plain.Value, options, ct).ConfigureAwait(false))
                {
                    changed++;
                    progress?.Report(changed);
                }
            }
        }

        return changed;
    }

    private sealed class SealedStore(IKeyValueStore store, string ns, SealedStoreProvider owner, bool plainToo) : IKeyValueStore
    {
        public async ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct) =>
            await store.GetAsync(key, ct).ConfigureAwait(false) is { } found ? Unseal(key, found) : null;

        public async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
        {
            StoreKeys.Require(key);
            return await store.PutAsync(key, owner._ring.Seal(value.Span, Associated(key)), options, ct).ConfigureAwait(false);
        }

        public async ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct) =>
            await store.DeleteAsync(key, ct).ConfigureAwait(false) is { } found ? Unseal(key, found) : null;

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken ct) => store.ListAsync(prefix, ct);

        public ValueTask<long> GetGenerationAsync(CancellationToken ct) => store.GetGenerationAsync(ct);

        private StoredValue Unseal(string key, StoredValue found)
        {
            if (owner._ring.Open(found.Value.Span, Associated(key)).TryGet(out byte[]? plain, out Refusal? refusal))
            {
                return found with { Value = plain };
            }

            return plainToo && !KeyRing.LooksSealed(found.Value.Span)
                ? found
                : throw new StoreUnavailableException($"a record of namespace {ns} cannot be opened: {refusal.Detail}", new CryptographicException(refusal.Detail));
        }

        private byte[] Associated(string key)
        {
            byte[] associated = new byte[8 + ns.Length + key.Length];
            BinaryPrimitives.WriteInt32BigEndian(associated, ns.Length);
            Encoding.ASCII.GetBytes(ns, associated.AsSpan(4));
            BinaryPrimitives.WriteInt32BigEndian(associated.AsSpan(4 + ns.Length), key.Length);
            Encoding.ASCII.GetBytes(key, associated.AsSpan(8 + ns.Length));
            return associated;
        }
    }
}
