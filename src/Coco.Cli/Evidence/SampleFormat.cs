// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;
using Coco.Verifiers.Sample;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Evidence of the sample TEE and the sample device.</summary>
internal sealed class SampleFormat(TeeType tee) : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => tee;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) => tee == TeeType.Sample && file.HasMembers("svn", "report_data");

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs) =>
        file.Json ?? (Result<JsonElement>)new Refusal(RefusalCode.Malformed, "it is not JSON");

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs) => tee == TeeType.Sample ? new SampleVerifier() : new SampleDeviceVerifier();

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file) => file.Json is { } json
        ? ShownNode.FromJson(tee.ToWireName() + " evidence", JsonNode.Parse(json.GetRawText()))
        : new Refusal(RefusalCode.Malformed, "it is not JSON");
}
