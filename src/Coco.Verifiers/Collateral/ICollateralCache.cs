// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>Keeps collateral until its issuer's expiry. The service that hosts the verifiers gives one that is backed by its store.</summary>
public interface ICollateralCache
{
    /// <summary>The bytes as fetched; null when there are none or they are over their time.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(CollateralKey key, CancellationToken ct);

    /// <summary>Keeps <paramref name="value"/> until <paramref name="expiresAt"/> (UTC).</summary>
    ValueTask PutAsync(CollateralKey key, ReadOnlyMemory<byte> value, DateTimeOffset expiresAt, CancellationToken ct);
}
