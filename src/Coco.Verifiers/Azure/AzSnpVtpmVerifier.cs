// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;

namespace Coco.Verifiers.Azure;

/// <summary>Verifies Azure confidential VMs on SEV-SNP: the vTPM's quote, and the SNP report that vouches for its key.</summary>
/// <remarks>Source: tee-evidence.md 6.4.</remarks>
public sealed class AzSnpVtpmVerifier : IVerifier
{
    private readonly SnpVerifier _snp;
    private readonly AzureGuestCheck _guest = new("az-snp-vtpm", HclReportType.Snp);

    /// <summary>Makes a verifier on top of one for SNP reports, whose roots and collateral it shares.</summary>
    public AzSnpVtpmVerifier(SnpVerifier snp)
    {
        ArgumentNullException.ThrowIfNull(snp);
        _snp = snp;
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.AzSnpVtpm;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<AzureEvidence> parsed = AzureEvidence.ParseSnp(evidence.Evidence.Body);
        if (record.Note("az-snp-vtpm.form", parsed.Refusal) is { } form || !parsed.TryGet(out AzureEvidence? azure, out form))
        {
            return form;
        }

        if (!_guest.Check(azure, evidence, record).TryGet(out AzureGuest? guest, out Refusal? refusal))
        {
            return refusal;
        }

        if (!ReadReport(guest, azure).TryGet(out SnpEvidence? snp, out refusal))
        {
            return record.Note("az-snp-vtpm.hardware-report", refusal)!;
        }

        if (_guest.CheckVariableData(guest, snp.Report.ReportData.Span, record) is { } unbound)
        {
            return unbound;
        }

        Result<SnpGenuineReport> verified = await _snp.VerifyReportAsync(snp, record, ct).ConfigureAwait(false);
        if (!verified.TryGet(out SnpGenuineReport? genuine, out refusal))
        {
            return refusal;
        }

        if (_guest.CheckInitData(azure, evidence, record) is { } initData)
        {
            return initData;
        }

        JsonObject claims = ToClaims(genuine);
        AzureGuestCheck.AddClaims(claims, azure, guest);
        return ImmutableArray.Create(new VerifiedClaims(TeeType.AzSnpVtpm, "cpu", claims));
    }

    private static Result<SnpEvidence> ReadReport(AzureGuest guest, AzureEvidence azure)
    {
        if (!SnpReport.Parse(guest.Report.HardwareReport).TryGet(out SnpReport? report, out Refusal? refusal)
            || !DerCertificate.ParseAll(azure.Endorsement).TryGet(out ImmutableArray<DerCertificate> certificates, out refusal))
        {
            return refusal;
        }

        // The metadata service delivers ASK and ARK behind the VCEK; the built-in ones are used.
        return new SnpEvidence(report, [SnpCertificateEntry.Of(SnpCertificateType.Vcek, certificates[0].Raw)]);
    }

    /// <summary>The claims of an SNP report as this TEE writes them: texts throughout, the measurement in base64, no chip id (6.4).</summary>
    private static JsonObject ToClaims(SnpGenuineReport genuine)
    {
        var claims = new JsonObject();
        foreach ((string name, JsonNode? value) in SnpClaims.Of(genuine))
        {
            if (name is "report_data" or "init_data" or "chip_id")
            {
                continue;
            }

            claims[name] = name switch
            {
                "measurement" => Convert.ToBase64String(genuine.Report.Measurement.Span),
                SnpClaims.Simulated => true,
                _ => value!.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString(),
            };
        }

        return claims;
    }
}
