// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Verifiers.Snp;

/// <summary>What a masked (all-zero) CHIP_ID beside a VCEK means.</summary>
public enum MaskedChipIdRule
{
    /// <summary>Accepted, and noted in the record: the VCEK still binds the report to one chip.</summary>
    Accept,

    /// <summary>Accepted only when KEY_INFO.MASK_CHIP_KEY is set.</summary>
    WhenReportSaysSo,

    /// <summary>Refused.</summary>
    Refuse,
}

/// <summary>How far revocation lists are insisted on.</summary>
public enum RevocationRule
{
    /// <summary>A valid list is needed; without one nothing is accepted.</summary>
    Required,

    /// <summary>A list that can be had must be valid and must not name the certificate; where none can be had, that is noted in the record.</summary>
    WhenAvailable,

    /// <summary>Lists are not asked for. One that comes with the evidence still counts.</summary>
    Off,
}

/// <summary>Settings of a <see cref="SnpVerifier"/>.</summary>
public sealed record SnpVerifierOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The trusted roots. Default: AMD's, see <see cref="AmdTrustAnchor.BuiltIn"/>.</summary>
    public ImmutableArray<AmdTrustAnchor> Roots { get; init; } = AmdTrustAnchor.BuiltIn;

    /// <summary>
    /// Simulated roots that are trusted beside the real ones. Insecure: anybody can make evidence that hangs from them; claims then hold
    /// <c>simulated: true</c>. Default: none.
    /// </summary>
    public ImmutableArray<AmdTrustAnchor> SimulatedRoots { get; init; } = [];

    /// <summary>Where missing VCEKs and revocation lists of the real roots are asked for; null (default): nowhere.</summary>
    public ICollateralProvider? Collateral { get; init; }

    /// <summary>Revocation lists. Default: <see cref="RevocationRule.WhenAvailable"/>.</summary>
    public RevocationRule Revocation { get; init; } = RevocationRule.WhenAvailable;

    /// <summary>After a revocation list could not be had, it is not asked for again for so long. Default 60 seconds.</summary>
    public TimeSpan RevocationRetry { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Accept reports of version 2, which do not name the processor. Default false, as the reference.</summary>
    public bool AcceptVersion2 { get; init; }

    /// <summary>Accept the evidence JSON of old guests. Default false, as the reference.</summary>
    public bool AcceptLegacyJson { get; init; }

    /// <summary>Accept certificates outside their time of validity, for replays of stored evidence only. Default false.</summary>
    public bool AcceptExpiredCertificates { get; init; }

    /// <summary>What a masked chip id means. Default: <see cref="MaskedChipIdRule.Accept"/>.</summary>
    public MaskedChipIdRule MaskedChipId { get; init; } = MaskedChipIdRule.Accept;

    /// <summary>Number of chips whose certificates and key objects are kept; the least recently seen gives way. Default 4096.</summary>
    public int ChipCapacity { get; init; } = 4096;
}
