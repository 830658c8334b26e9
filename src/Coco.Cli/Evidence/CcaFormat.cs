// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Cca;
using Coco.Verifiers;
using Coco.Verifiers.Cca;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Arm CCA: raw tokens and evidence JSON. Trust anchors and reference values are files among the collateral.</summary>
internal sealed class CcaFormat : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Cca;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) =>
        file.Json is { } json
            ? file.HasMembers("token") && json.GetProperty("token").ValueKind == JsonValueKind.Array
            : file.Bytes.Span.StartsWith((ReadOnlySpan<byte>)[0xD9, 0x01, 0x8F]);

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs)
    {
        if (file.Json is { } json)
        {
            return json;
        }

        var token = new JsonArray();
        foreach (byte b in file.Bytes.Span)
        {
            token.Add((JsonNode)JsonValue.Create(b));
        }

        return JsonElement.Parse(new JsonObject { ["token"] = token }.ToJsonString());
    }

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs)
    {
        CcaTrustAnchorStore anchors = CcaTrustAnchorStore.Empty;
        CcaReferenceValueStore values = CcaReferenceValueStore.Empty;
        foreach (EvidenceFile file in inputs.Others)
        {
            if (CcaTrustAnchorStore.Parse(file.Bytes.Span).TryGet(out CcaTrustAnchorStore? a, out _))
            {
                anchors = a;
            }
            else if (CcaReferenceValueStore.Parse(file.Bytes.Span).TryGet(out CcaReferenceValueStore? v, out _))
            {
                values = v;
            }
        }

        return new CcaVerifier(new CcaVerifierOptions { TrustAnchors = anchors, ReferenceValues = values });
    }

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file)
    {
        Result<CcaToken> read = file.Json is { } json ? CcaToken.ParseEvidence(json) : CcaToken.Parse(file.Bytes);
        if (!read.TryGet(out CcaToken? token, out Refusal? refusal))
        {
            return refusal;
        }

        var root = new ShownNode("CCA token");
        CcaPlatformClaims p = token.PlatformClaims;
        ShownNode platform = root.Open("platform token")
            .Add("profile", p.Profile)
            .Add("challenge", p.Challenge)
            .Add("implementation id", p.ImplementationId)
            .Add("instance id", p.InstanceId)
            .Add("configuration", p.Configuration)
            .Add("lifecycle", "0x" + p.Lifecycle.ToString("x4", CultureInfo.InvariantCulture))
            .Add("hash algorithm", p.HashAlgorithm)
            .Add("verification service", p.VerificationService ?? "(none)");
        foreach (CcaSoftwareComponent component in p.Components)
        {
            platform.Add("software component", component.ToString());
        }

        CcaRealmClaims r = token.RealmClaims;
        ShownNode realm = root.Open("realm token")
            .Add("profile", r.Profile ?? "(none)")
            .Add("challenge", r.Challenge)
            .Add("personalization value", r.PersonalizationValue)
            .Add("initial measurement", r.InitialMeasurement);
        for (int i = 0; i < r.ExtensibleMeasurements.Length; i++)
        {
            realm.Add($"extensible measurement {i}", r.ExtensibleMeasurements[i]);
        }

        realm.Add("hash algorithm", r.HashAlgorithm).Add("public key", r.PublicKeyBytes).Add("public key hash algorithm", r.PublicKeyHashAlgorithm);
        return root;
    }
}
