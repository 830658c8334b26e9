// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>A place that collateral comes from: a vendor's service, a directory, a bundle. Thread-safe.</summary>
public interface ICollateralSource
{
    /// <summary>Name for logs and reports, for example <c>amd-kds</c> or <c>directory</c>.</summary>
    string Name { get; }

    /// <summary>Whether it can have collateral of this kind at all.</summary>
    bool Serves(string kind);

    /// <summary>The collateral; a <see cref="RefusalCode.NotFound"/> refusal when this source has none.</summary>
    /// <exception cref="CollateralUnavailableException">It could not be reached, or asked to come back later.</exception>
    ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct);
}
