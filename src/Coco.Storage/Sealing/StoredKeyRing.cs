// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Storage;

/// <summary>A key ring that replicas share through their store, for cookies and the like, where no ring file is configured.</summary>
/// <remarks>It does not protect data at rest: it lies beside them. It lets every replica open what another one sealed.</remarks>
public static class StoredKeyRing
{
    private const string Key = "ring";

    /// <summary>Reads the ring, or makes it: of several replicas that start at once, the first writer's ring is everybody's.</summary>
    /// <exception cref="StoreUnavailableException">The store is down, or the ring in it is damaged.</exception>
    public static async ValueTask<KeyRing> LoadOrCreateAsync(IStoreProvider provider, CancellationToken ct)
    {
        IKeyValueStore store = await provider.OpenAsync(StoreNamespace.Parse("coco_key_ring").Require(), ct).ConfigureAwait(false);
        for (int attempt = 0; attempt < 3; attempt++)
        {
            if (await store.GetAsync(Key, ct).ConfigureAwait(false) is { } found)
            {
                return KeyRing.Parse(found.Value).TryGet(out KeyRing? ring, out Refusal? refusal)
                    ? ring
                    : throw new StoreUnavailableException("the key ring in the store is damaged: " + refusal.Detail);
            }

            using KeyRing fresh = KeyRing.Generate("k-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)));
            byte[] exported = fresh.Export();
            await store.PutAsync(Key, exported, new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false);
            CryptographicOperations.ZeroMemory(exported);
        }

        throw new StoreUnavailableException("the key ring could neither be read nor made");
    }
}
