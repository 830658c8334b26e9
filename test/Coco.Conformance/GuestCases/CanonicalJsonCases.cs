// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance.GuestCases;

/// <summary>Canonical JSON.</summary>
public sealed class CanonicalJsonCases : IGuestCaseJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["canonical-json"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => Task.FromResult(Judge(one));

    private static CaseVerdict Judge(GuestCase one)
    {
        if (!CanonicalJson.Transform(one.Bytes("input")).TryGet(out byte[]? output, out Refusal? refusal))
        {
            return one.Refused(refusal);
        }

        return one.Accepted(
            one.HasFile("output") && !output.AsSpan().SequenceEqual(one.Bytes("output")) ? "other bytes" : null,
            one.Compare("sha256", Hex.Encode(DigestAlgorithm.Sha256.Compute(output))),
            one.Compare("sha384", Hex.Encode(DigestAlgorithm.Sha384.Compute(output))),
            one.Compare("sha512", Hex.Encode(DigestAlgorithm.Sha512.Compute(output))));
    }
}
