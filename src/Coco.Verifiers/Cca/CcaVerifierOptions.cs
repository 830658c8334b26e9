// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Cca;

/// <summary>What the CCA verifier trusts.</summary>
public sealed record CcaVerifierOptions
{
    /// <summary>Keys of the platforms. Default: none, which refuses every token.</summary>
    public CcaTrustAnchorStore TrustAnchors { get; init; } = CcaTrustAnchorStore.Empty;

    /// <summary>Reference values that are compared for the record. Default: none.</summary>
    public CcaReferenceValueStore ReferenceValues { get; init; } = CcaReferenceValueStore.Empty;
}
