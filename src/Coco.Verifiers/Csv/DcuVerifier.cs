// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Csv;

namespace Coco.Verifiers.Csv;

/// <summary>Verifies reports of Hygon DCUs; one set of claims for each report.</summary>
/// <remarks>Source: tee-evidence.md 9.3.</remarks>
public sealed class DcuVerifier(CsvVerifierOptions options) : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.HygonDcu;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<ImmutableArray<DcuReport>> parsed = DcuReport.ParseEvidence(evidence.Evidence.Body);
        if (record.Note("hygondcu.form", parsed.Refusal) is { } form || !parsed.TryGet(out ImmutableArray<DcuReport> reports, out form))
        {
            return form;
        }

        var all = ImmutableArray.CreateBuilder<VerifiedClaims>(reports.Length);
        foreach (DcuReport report in reports)
        {
            var key = new CollateralKey(CollateralKinds.HygonHskCek, "dcu/" + report.ChipIdText);
            Result<(HygonCaCertificate, CsvCertificate)> fetched = await HygonChain.FetchAsync(options.Collateral, key, record, ct).ConfigureAwait(false);
            if (!fetched.TryGet(out (HygonCaCertificate Hsk, CsvCertificate Cek) both, out Refusal? refusal))
            {
                return record.Note("hygondcu.chain-available", refusal)!;
            }

            if (!HygonChain.Check("hygondcu", both.Hsk, both.Cek, options.Roots, record).TryGet(out HygonRoot? root, out refusal))
            {
                return refusal;
            }

            refusal = record.Note("hygondcu.report-signature", CheckSignature(report, both.Cek.Key))
                ?? record.Note("hygondcu.report-data", MandatoryBinding.Check(evidence) ?? evidence.CheckReportData(report.UserData.Span));
            if (refusal is not null)
            {
                return refusal;
            }

            all.Add(new VerifiedClaims(TeeType.HygonDcu, "dcu", ToClaims(report, root)));
        }

        return all.ToImmutable();
    }

    private static Refusal? CheckSignature(DcuReport report, HygonKey cek) => cek.Verify(report.Body.Span, report.Signature.Span)
        ? null
        : new Refusal(RefusalCode.BadSignature, "the report is not signed by the CEK");

    private static JsonObject ToClaims(DcuReport report, HygonRoot root)
    {
        string userData = Convert.ToHexStringLower(report.UserData.Span);
        var claims = new JsonObject
        {
            ["body"] = new JsonObject
            {
                ["version"] = report.Version,
                ["chip_id"] = Convert.ToHexStringLower(report.ChipId.Span),
                ["user_data"] = userData,
                ["measure"] = Convert.ToHexStringLower(report.Measure.Span),
                ["reserved"] = Convert.ToHexStringLower(report.Reserved.Span),
                ["sig_usage"] = FormattableString.Invariant($"{report.SignatureUsage:x}"),
                ["sig_algo"] = FormattableString.Invariant($"{report.SignatureAlgorithm:x}"),
            },
            ["report_data"] = userData,
        };
        if (root.IsSimulated)
        {
            claims["simulated"] = true;
        }

        return claims;
    }
}
