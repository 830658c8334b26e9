// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Cca;

namespace Coco.Verifiers.Cca;

/// <summary>Verifies Arm CCA tokens against trust anchors that are at hand.</summary>
/// <remarks>Source: tee-evidence.md 8.</remarks>
public sealed class CcaVerifier(CcaVerifierOptions options) : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Cca;

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return new(Verify(evidence, record));
    }

    private Result<ImmutableArray<VerifiedClaims>> Verify(BoundEvidence bound, VerificationRecord? record)
    {
        Result<CcaToken> parsed = CcaToken.ParseEvidence(bound.Evidence.Body);
        if (record.Note("cca.form", parsed.Refusal) is { } form || !parsed.TryGet(out CcaToken? token, out form))
        {
            return form;
        }

        CcaRealmClaims realm = token.RealmClaims;
        CcaPlatformClaims platform = token.PlatformClaims;
        Refusal? refusal = CcaTokenCheck.Check(token, options.TrustAnchors, record)
            ?? record.Note("cca.report-data", MandatoryBinding.Check(bound) ?? bound.CheckReportData(realm.Challenge.Span))
            ?? record.Note("cca.init-data", bound.InitDataHash.CheckExactly(realm.PersonalizationValue.Span));
        if (refusal is not null)
        {
            return refusal;
        }

        NoteReference(record, "cca.platform-reference-values", options.ReferenceValues.Matches(platform));
        NoteReference(record, "cca.realm-reference-values", options.ReferenceValues.Matches(realm));
        var claims = new JsonObject
        {
            ["realm"] = new JsonObject
            {
                ["cca-realm-personalization-value"] = Convert.ToBase64String(realm.PersonalizationValue.Span),
                ["cca-realm-initial-measurement"] = Convert.ToBase64String(realm.InitialMeasurement.Span),
                ["cca-realm-extensible-measurements"] = new JsonArray([.. realm.ExtensibleMeasurements.Select(m => (JsonNode)JsonValue.Create(Convert.ToBase64String(m.Span)))]),
                ["cca-realm-hash-algo-id"] = realm.HashAlgorithm,
                ["cca-realm-challenge"] = Convert.ToBase64String(realm.Challenge.Span),
            },
            ["platform"] = new JsonObject
            {
                ["cca-platform-instance-id"] = Convert.ToBase64String(platform.InstanceId.Span),
                ["cca-platform-implementation-id"] = Convert.ToBase64String(platform.ImplementationId.Span),
            },
            ["report_data"] = Convert.ToHexStringLower(realm.Challenge.Span),
            ["init_data"] = Convert.ToHexStringLower(realm.PersonalizationValue.Span),
        };
        return ImmutableArray.Create(new VerifiedClaims(TeeType.Cca, "cpu", claims));
    }

    /// <summary>Reference values do not refuse (8.2, step 6): policy judges the claims.</summary>
    private static void NoteReference(VerificationRecord? record, string check, bool matches)
    {
        if (matches)
        {
            record?.Passed(check);
        }
        else
        {
            record?.Skipped(check, "no reference value matches; policy has to judge the claims");
        }
    }
}
