// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Storage;

namespace Coco.Attestation.Tokens;

/// <summary>Private keys that are made once and kept in the store, where replicas share them. A host with a key ring seals them.</summary>
internal static class StoredKey
{
    /// <summary>The namespace.</summary>
    internal const string Namespace = "attestation_signing_key";

    /// <summary>The PKCS#8 key of a name; made when there is none.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be reached.</exception>
    public static async ValueTask<Secret> GetOrCreateAsync(IStoreProvider stores, string name, Func<AsymmetricAlgorithm> make, CancellationToken ct)
    {
        IKeyValueStore store = await stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct).ConfigureAwait(false);
        StoredValue? kept = await store.GetAsync(name, ct).ConfigureAwait(false);
        if (kept is null)
        {
            byte[] made = Export(make);
            try
            {
                await store.PutAsync(name, made, new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(made);
            }

            // Whoever wrote first wins; everybody reads what stands.
            kept = await store.GetAsync(name, ct).ConfigureAwait(false)
                ?? throw new StoreUnavailableException("the signing key that was just written cannot be read");
        }

        return Secret.CopyOf(kept.Value.Value.Span);
    }

    private static byte[] Export(Func<AsymmetricAlgorithm> make)
    {
        using AsymmetricAlgorithm made = make();
        return made.ExportPkcs8PrivateKey();
    }
}
