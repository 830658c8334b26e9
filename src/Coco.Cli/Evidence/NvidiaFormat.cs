// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Nvidia;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;

namespace Coco.Cli.EvidenceCommands;

/// <summary>NVIDIA GPUs and switches: evidence JSON, or the report of one Hopper GPU (bytes or hexadecimal) with its certificates among the collateral.</summary>
internal sealed class NvidiaFormat : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Nvidia;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) => file.HasMembers("device_evidence_list") || TryReport(file) is not null;

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs)
    {
        if (file.Json is { } json)
        {
            return json;
        }

        if (TryReport(file) is not { } report)
        {
            return new Refusal(RefusalCode.Malformed, "it is neither JSON nor an SPDM report");
        }

        string chain = string.Concat(inputs.Certificates.Select(c => PemEncoding.WriteString("CERTIFICATE", c.Raw.Span) + "\n"));
        var evidence = new JsonObject
        {
            ["device_evidence_list"] = new JsonArray(new JsonObject
            {
                ["arch"] = NvidiaArchitecture.Hopper.ToWireName(),
                ["evidence"] = Convert.ToHexStringLower(report.Span),
                ["certificate"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(chain)),
            }),
        };
        return JsonElement.Parse(evidence.ToJsonString());
    }

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs)
    {
        // Reference manifests are XML files among the collateral; their names say whether they are of a driver or a VBIOS.
        TrustedKey[] signers = [.. inputs.Trusted.Select(TrustedKey.Of)];
        var manifests = new List<NvidiaReferenceManifest>();
        foreach (EvidenceFile file in inputs.Others.Where(f => f.Bytes.Span.TrimStart("\uFEFF \r\n\t"u8).StartsWith("<"u8)))
        {
            NvidiaManifestKind kind = Path.GetFileName(file.Path).Contains("VBIOS", StringComparison.OrdinalIgnoreCase) ? NvidiaManifestKind.Vbios : NvidiaManifestKind.Driver;
            manifests.Add(NvidiaReferenceManifest.Parse(file.Bytes, kind, signers, inputs.Clock.GetUtcNow()).TryGet(out NvidiaReferenceManifest? manifest, out Refusal? refusal)
                ? manifest
                : throw new CommandFailedException($"{file.Path}: {refusal.Detail} (its signer's root is given with --trust)"));
        }

        return new NvidiaVerifier(new NvidiaVerifierOptions { Clock = inputs.Clock, ReferenceManifests = manifests });
    }

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file) => file.Json is { } json
        ? DeviceViews.Nvidia(json)
        : RawViews.TryShow(file) ?? (Result<ShownNode>)new Refusal(RefusalCode.Malformed, "it is neither JSON nor an SPDM report");

    private static ReadOnlyMemory<byte>? TryReport(EvidenceFile file)
    {
        if (file.Json is not null)
        {
            return null;
        }

        ReadOnlyMemory<byte> raw = RawViews.BytesOf(file.Bytes);
        return SpdmReport.Parse(raw).Refusal is null ? raw : (ReadOnlyMemory<byte>?)null;
    }
}
