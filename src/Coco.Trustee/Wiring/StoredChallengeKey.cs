// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>The key that seals credential challenges of TPMs: made once, kept in the store, the same for all replicas. Thread-safe.</summary>
internal sealed class StoredChallengeKey(IStoreProvider stores)
{
    private const string Namespace = "attestation_challenge_key";
    private const string Name = "tpm";
    private const int Length = 32;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private Secret? _key;

    /// <summary>The key; its owner is this object.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be reached.</exception>
    public async ValueTask<Secret> GetAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref _key) is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return _key ??= await LoadAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<Secret> LoadAsync(CancellationToken ct)
    {
        IKeyValueStore store = await stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct).ConfigureAwait(false);
        byte[] made = RandomNumberGenerator.GetBytes(Length);
        try
        {
            // Whoever wrote first wins; everybody reads what stands.
            await store.PutAsync(Name, made, new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(made);
        }

        StoredValue? kept = await store.GetAsync(Name, ct).ConfigureAwait(false);
        return kept is { Value.Length: Length } value
            ? Secret.CopyOf(value.Value.Span)
            : throw new StoreUnavailableException("the challenge key that was just written cannot be read");
    }
}
