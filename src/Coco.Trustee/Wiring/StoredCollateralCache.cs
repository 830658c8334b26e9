// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Storage;
using Coco.Verifiers;

namespace Coco.Trustee;

/// <summary>Keeps collateral in the store, so that replicas and restarts share it.</summary>
internal sealed class StoredCollateralCache(IStoreProvider stores) : ICollateralCache
{
    private IKeyValueStore? _store;

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(CollateralKey key, CancellationToken ct) =>
        (await (await OpenAsync(ct).ConfigureAwait(false)).GetAsync(NameOf(key), ct).ConfigureAwait(false))?.Value;

    /// <inheritdoc/>
    public async ValueTask PutAsync(CollateralKey key, ReadOnlyMemory<byte> value, DateTimeOffset expiresAt, CancellationToken ct) =>
        await (await OpenAsync(ct).ConfigureAwait(false)).PutAsync(NameOf(key), value, new PutOptions { ExpiresAt = expiresAt }, ct).ConfigureAwait(false);

    // An id holds what a store's key may not; its digest names it as well.
    private static string NameOf(CollateralKey key) =>
        key.Kind + "/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.Id)));

    private async ValueTask<IKeyValueStore> OpenAsync(CancellationToken ct) =>
        _store ??= await stores.OpenAsync(StoreNamespace.Parse("coco_collateral").Require(), ct).ConfigureAwait(false);
}
