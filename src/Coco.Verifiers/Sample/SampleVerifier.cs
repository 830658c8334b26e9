// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Verifiers.Sample;

/// <summary>
/// Takes the evidence of tee <c>sample</c>, which anybody can make: it proves nothing and is for development. Thread-safe.
/// </summary>
/// <remarks>Source: attestation-service.md 6.1. Claims are marked by their tee alone; a server warns when this verifier is on.</remarks>
public sealed class SampleVerifier : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Sample;

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        if (!SampleEvidence.Verify(evidence, "sample", record).TryGet(out SampleEvidence? sample, out Refusal? refusal))
        {
            return new(refusal);
        }

        var claims = new JsonObject
        {
            ["svn"] = sample.Svn,
            ["report_data"] = sample.ReportData,
            ["launch_digest"] = "abcde",
            ["platform_version"] = new JsonObject { ["major"] = 1, ["minor"] = 4 },
            ["debug"] = false,
        };
        if (!evidence.InitDataHash.Expected.IsEmpty)
        {
            // Nothing in a sample holds init-data: the expected digest is echoed, as the reference does.
            record?.Skipped("sample.init-data", "a sample has no register for it; the expected digest is echoed");
            claims["init_data"] = Convert.ToBase64String(evidence.InitDataHash.Expected.Span);
        }

        return new((Result<ImmutableArray<VerifiedClaims>>)ImmutableArray.Create(new VerifiedClaims(TeeType.Sample, "cpu", claims)));
    }
}
