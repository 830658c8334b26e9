// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.Verifiers;

/// <summary>Judges whether evidence of one TEE is genuine and turns it into claims. A singleton; thread-safe.</summary>
public interface IVerifier
{
    /// <summary>The TEE whose evidence it takes.</summary>
    TeeType Tee { get; }

    /// <summary>
    /// Verifies chain, signature, TCB and collateral, then both bindings against the evidence's own signed values, and gives the claims
    /// (one entry per device).
    /// </summary>
    /// <param name="evidence">What came, and what its registers must hold.</param>
    /// <param name="record">Gets each check and the collateral used; null when nobody asks.</param>
    /// <param name="ct">Ends waiting for collateral.</param>
    /// <exception cref="CollateralUnavailableException">A source of collateral could not be reached: not the peer's fault.</exception>
    ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct);

    /// <summary>A TEE-specific challenge; an empty text when the TEE needs none beyond the nonce.</summary>
    /// <param name="teeParameters">The guest's parameters, as sent.</param>
    /// <param name="ct">Ends it.</param>
    ValueTask<Result<string>> CreateChallengeAsync(JsonElement teeParameters, CancellationToken ct) => new((Result<string>)string.Empty);
}
