// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>The key that signs heads of the audit chain: configured, or made once and kept in the store (first writer wins).</summary>
internal static class AuditKey
{
    private const string PrivateKey = "audit-key";
    private const string PublicKey = "audit-key.pub";

    public static async ValueTask<ECDsa> OpenAsync(KeyBrokerStores stores, Secret? configuredPem, CancellationToken ct)
    {
        IKeyValueStore store = await stores.BrokerAsync(ct);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (configuredPem is not null)
        {
            key.ImportFromPem(Encoding.UTF8.GetString(configuredPem.Reveal()));
        }
        else
        {
            byte[] fresh = key.ExportPkcs8PrivateKey();
            await store.PutAsync(PrivateKey, fresh, new PutOptions { OnlyIfAbsent = true }, ct);
            CryptographicOperations.ZeroMemory(fresh);
            StoredValue stored = await store.GetAsync(PrivateKey, ct) ?? throw new StoreUnavailableException("the audit key could not be read back");
            key.ImportPkcs8PrivateKey(stored.Value.Span, out _);
        }

        await store.PutAsync(PublicKey, Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()), default, ct);
        return key;
    }

    public static async ValueTask<string?> FindPublicPemAsync(KeyBrokerStores stores, CancellationToken ct) =>
        await (await stores.BrokerAsync(ct)).GetAsync(PublicKey, ct) is { } stored ? Encoding.ASCII.GetString(stored.Value.Span) : null;
}
