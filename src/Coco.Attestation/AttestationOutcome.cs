// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.Attestation;

/// <summary>What came of an attestation.</summary>
/// <param name="DecisionId">Finds the decision record; safe to show to a guest.</param>
/// <param name="Token">The token, or why there is none (for administrators).</param>
public sealed record AttestationOutcome(string DecisionId, Result<AttestationToken> Token);
