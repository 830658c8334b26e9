// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Verifiers.Sample;

/// <summary>Takes the evidence of tee <c>sampledevice</c>, which anybody can make: it proves nothing and is for development. Thread-safe.</summary>
/// <remarks>Source: attestation-service.md 6.2.</remarks>
public sealed class SampleDeviceVerifier : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.SampleDevice;

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        if (!SampleEvidence.Verify(evidence, "sampledevice", record).TryGet(out SampleEvidence? sample, out Refusal? refusal))
        {
            return new(refusal);
        }

        var claims = new JsonObject { ["svn"] = sample.Svn, ["report_data"] = sample.ReportData };
        return new((Result<ImmutableArray<VerifiedClaims>>)ImmutableArray.Create(new VerifiedClaims(TeeType.SampleDevice, "gpu", claims)));
    }
}
