// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>Where a verifier asks for collateral. Thread-safe. <see cref="CollateralService"/> is the one with cache, retry and refresh.</summary>
public interface ICollateralProvider
{
    /// <summary>The collateral; a <see cref="RefusalCode.NotFound"/> refusal when every source says that it has none.</summary>
    /// <exception cref="CollateralUnavailableException">None of the sources that may have it could be reached.</exception>
    ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct);
}
