// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Verifiers;

namespace Coco.Attestation;

/// <summary>Makes a set of verifiers for another time or other collateral. A host registers one; without it, recorded evidence is verified as of now.</summary>
/// <param name="clock">What the verifiers take for now.</param>
/// <param name="collateral">Null: the host's own.</param>
public delegate ImmutableArray<IVerifier> VerifierSetFactory(TimeProvider clock, ICollateralProvider? collateral);

/// <summary>What to appraise again, and how.</summary>
public sealed record ReverifyRequest
{
    /// <summary>Decisions from this instant on.</summary>
    public DateTimeOffset Since { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Verify as of this instant; null: now.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Collateral in place of <see cref="CollateralChoice"/>'s; null: as that says.</summary>
    public ICollateralProvider? Collateral { get; init; }

    /// <summary>Which collateral, when none is given.</summary>
    public CollateralChoice CollateralChoice { get; init; }

    /// <summary>Policies (full id to text) in place of the stored ones.</summary>
    public ImmutableDictionary<string, string> Policies { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Most changes that are listed; all are counted. Default 1000.</summary>
    public int MaxListed { get; init; } = 1000;
}

/// <summary>Collateral for evidence that is appraised again.</summary>
public enum CollateralChoice
{
    /// <summary><see cref="Recorded"/> for an instant in the past, else <see cref="Live"/>.</summary>
    ByInstant,

    /// <summary>What the host's sources give now.</summary>
    Live,

    /// <summary>What was in use at the instant, as far as it was recorded; the host's for the rest.</summary>
    Recorded,
}

/// <summary>How far a run is.</summary>
/// <param name="Done">Decisions looked at.</param>
/// <param name="Changed">Of which the verdict changed.</param>
public sealed record ReverifyProgress(long Done, long Changed);

/// <summary>What appraising again came to.</summary>
/// <param name="Examined">Decisions appraised again.</param>
/// <param name="Skipped">Decisions whose evidence or claims are gone or were never kept.</param>
/// <param name="WouldPass">Decisions that were refused or not affirmed, and now would be.</param>
/// <param name="WouldFail">Decisions that were affirmed, and now would not be.</param>
/// <param name="Changes">The changed ones, oldest first.</param>
public sealed record ReverifyReport(long Examined, long Skipped, long WouldPass, long WouldFail, ImmutableArray<VerdictChange> Changes);

/// <summary>A decision that would fall otherwise.</summary>
/// <param name="DecisionId">Which.</param>
/// <param name="Tee">Of which TEE.</param>
/// <param name="Before">Status then, or <c>refused</c>.</param>
/// <param name="After">Status now, or <c>refused</c>.</param>
/// <param name="Why">One sentence.</param>
public sealed record VerdictChange(string DecisionId, string Tee, string Before, string After, string Why);
