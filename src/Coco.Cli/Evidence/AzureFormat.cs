// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Snp;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Azure confidential VMs: the evidence JSON of their vTPM, and a raw HCL report to show.</summary>
internal sealed class AzureFormat(TeeType tee) : IEvidenceFormat
{
    private bool IsSnp => tee == TeeType.AzSnpVtpm;

    /// <inheritdoc/>
    public TeeType Tee => tee;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) =>
        (IsSnp && file.HasMembers("quote", "report", "vcek"))
        || (file.HasMembers("hcl_report") ? file.HasMembers(IsSnp ? "vcek" : "td_quote") || (IsSnp && !file.HasMembers("td_quote")) : IsHcl(file));

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs) =>
        file.Json ?? (Result<JsonElement>)new Refusal(RefusalCode.Malformed, "it is not JSON; an HCL report alone has no TPM quote to verify");

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs) => IsSnp
        ? new AzSnpVtpmVerifier(new SnpVerifier(SnpFormat.OptionsOf(inputs) with { AcceptVersion2 = true }))
        : new AzTdxVtpmVerifier(IntelFormat.CreateDcap(inputs));

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file)
    {
        if (file.Json is not { } json)
        {
            return HclReport.Parse(file.Bytes).TryGet(out HclReport? alone, out Refusal? bad) ? ShowHcl(alone) : bad;
        }

        if (!(IsSnp ? AzureEvidence.ParseSnp(json) : AzureEvidence.ParseTdx(json)).TryGet(out AzureEvidence? evidence, out Refusal? refusal))
        {
            return refusal;
        }

        ShownNode root = new ShownNode(tee.ToWireName() + " evidence", $"version {evidence.Version}").Add(TpmView.Of(evidence.Quote));
        root.Add(HclReport.Parse(evidence.HclReport).TryGet(out HclReport? report, out refusal) ? ShowHcl(report) : new ShownNode("HCL report", refusal.ToString()));
        if (!IsSnp && IntelQuote.Parse(evidence.Endorsement).TryGet(out IntelQuote? quote, out _))
        {
            root.Add(IntelFormat.ShowQuote(quote));
        }
        else if (DerCertificate.ParseAll(evidence.Endorsement).TryGet(out System.Collections.Immutable.ImmutableArray<DerCertificate> certificates, out _))
        {
            foreach (DerCertificate certificate in certificates)
            {
                root.Add(CertificateView.Of(certificate));
            }
        }

        return root;
    }

    private static ShownNode ShowHcl(HclReport report)
    {
        ShownNode root = new ShownNode("HCL report")
            .Add("version", report.Version.ToString(CultureInfo.InvariantCulture))
            .Add("request type", report.RequestType.ToString(CultureInfo.InvariantCulture))
            .Add("report type", report.ReportType.ToString())
            .Add("variable data", System.Text.Encoding.UTF8.GetString(report.VariableData.Span))
            .Add("AK modulus", report.AkModulus)
            .Add("AK exponent", report.AkExponent)
            .Add("user data", report.UserData);
        return SnpReport.Parse(report.HardwareReport).TryGet(out SnpReport? snp, out _)
            ? root.Add(SnpFormat.ShowReport(snp))
            : root.Add("hardware report", report.HardwareReport);
    }

    private bool IsHcl(EvidenceFile file) =>
        file.Json is null && file.Bytes.Span.StartsWith("HCLA"u8) && HclReport.Parse(file.Bytes).TryGet(out HclReport? report, out _)
        && (report.ReportType == HclReportType.Snp) == IsSnp;
}
