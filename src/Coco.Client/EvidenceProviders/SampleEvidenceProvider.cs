// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Client;

/// <summary>Evidence of the <c>sample</c> TEE: proves nothing, and servers refuse it outside development (attestation-service.md 6.1).</summary>
public sealed class SampleEvidenceProvider : IEvidenceProvider
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Sample;

    /// <inheritdoc/>
    public ValueTask<JsonElement> GetEvidenceAsync(EvidenceRequest request, CancellationToken ct)
    {
        var evidence = new JsonObject
        {
            ["svn"] = "1",
            ["report_data"] = Convert.ToBase64String(request.ReportData.Span),
        };
        using JsonDocument document = JsonDocument.Parse(evidence.ToJsonString());
        return new(document.RootElement.Clone());
    }
}
