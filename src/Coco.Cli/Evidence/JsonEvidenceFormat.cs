// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Evidence that is JSON in its attester's own shape and needs nothing beside it but a verifier.</summary>
/// <param name="tee">The TEE.</param>
/// <param name="members">Members by which it is recognised.</param>
/// <param name="create">Makes the verifier.</param>
/// <param name="show">Shows what is inside; the JSON as it is when null.</param>
internal sealed class JsonEvidenceFormat(
    TeeType tee, string[] members, Func<EvidenceInputs, IVerifier> create, Func<JsonElement, Result<ShownNode>>? show = null) : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => tee;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) => members.Length > 0 && file.HasMembers(members);

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs) =>
        file.Json ?? (Result<JsonElement>)new Refusal(RefusalCode.Malformed, "it is not JSON");

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs) => create(inputs);

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file) => file.Json is not { } json
        ? new Refusal(RefusalCode.Malformed, "it is not JSON")
        : show is null ? ShownNode.FromJson(tee.ToWireName() + " evidence", JsonNode.Parse(json.GetRawText())) : show(json);
}
