// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Tpm;

/// <summary>What the TPM verifier trusts.</summary>
public sealed record TpmVerifierOptions
{
    /// <summary>The clock that certificates are judged by. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Roots of TPM vendors (endorsement keys) and of clouds (attestation keys). Default: none, which accepts no endorsement.</summary>
    public IReadOnlyList<TrustedKey> Roots { get; init; } = [];

    /// <summary>
    /// Whether the attestation key has to be endorsed by a certificate or through an endorsement key. Default false, as the reference: then
    /// anybody can make such evidence, and policy has to judge the claim <c>ak_public</c>.
    /// </summary>
    public bool RequireEndorsement { get; init; }

    /// <summary>
    /// Gives the 32 bytes that seal credential challenges, the same for all replicas, and keeps ownership of them; null (default) makes no
    /// challenges and accepts no answers.
    /// </summary>
    public Func<CancellationToken, ValueTask<Secret>>? ChallengeKey { get; init; }

    /// <summary>How long a credential challenge may be answered. Default 10 minutes.</summary>
    public TimeSpan ChallengeLifetime { get; init; } = TimeSpan.FromMinutes(10);
}
