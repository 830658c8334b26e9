// SPDX-License-Identifier: Apache-2.0
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.Verifiers;

namespace Coco.Trustee;

/// <summary>The key that signs attestation tokens in this process is there.</summary>
internal sealed class SigningKeyReadiness(AttestationServiceCore attestation) : IReadinessSource
{
    /// <inheritdoc/>
    public string Name => "signing-key";

    /// <inheritdoc/>
    public async ValueTask<Refusal?> CheckAsync(CancellationToken ct)
    {
        await attestation.GetKeySetAsync(ct).ConfigureAwait(false);
        return null;
    }
}

/// <summary>
/// The age of vendors' collateral. Not vital: all replicas share it, and to take all of them away for one vendor's outage would help no guest.
/// </summary>
internal sealed class CollateralReadiness(CollateralService collateral) : IReadinessSource
{
    /// <inheritdoc/>
    public string Name => "collateral";

    /// <inheritdoc/>
    public bool IsVital => false;

    /// <inheritdoc/>
    public ValueTask<Refusal?> CheckAsync(CancellationToken ct) => new(collateral.CheckAge());
}
