// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Tee.Azure;
using Coco.Tee.Tpm;
using Coco.Verifiers.Tpm;

namespace Coco.Verifiers.Azure;

/// <summary>
/// What both kinds of Azure guest share: hardware report data &gt; variable data &gt; attestation key &gt; vTPM quote &gt; nonce and registers. Names
/// of checks begin with the TEE's wire name.
/// </summary>
/// <remarks>Source: tee-evidence.md 6.3, 6.4.</remarks>
internal sealed class AzureGuestCheck(string prefix, HclReportType type)
{
    private readonly TpmKeyCache _keys = new();

    /// <summary>Reads the paravisor's report and checks the quote and its nonce; everything that needs no hardware vendor.</summary>
    public Result<AzureGuest> Check(AzureEvidence evidence, BoundEvidence bound, VerificationRecord? record)
    {
        Result<HclReport> parsed = HclReport.Parse(evidence.HclReport);
        if (record.Note(prefix + ".hcl-form", parsed.Refusal) is { } form || !parsed.TryGet(out HclReport? report, out form))
        {
            return form;
        }

        Refusal? otherKind = report.ReportType == type
            ? null
            : new Refusal(RefusalCode.Mismatch, $"the HCL report holds a hardware report of kind {(int)report.ReportType}, {(int)type} wanted");
        if (record.Note(prefix + ".hcl-kind", otherKind) is { } kind)
        {
            return kind;
        }

        Result<TpmQuote> verified = _keys.Verify(
            prefix, evidence.Quote, report.VariableData.Span, () => TpmAttestationKey.FromRsa(report.AkModulus, report.AkExponent), record);
        if (!verified.TryGet(out TpmQuote? quote, out Refusal? refusal))
        {
            return refusal;
        }

        refusal = record.Note(prefix + ".nonce", MandatoryBinding.Check(bound) ?? bound.CheckReportDataExactly(quote.ExtraData.Span));
        if (refusal is not null)
        {
            return refusal;
        }

        if (evidence.Version >= 2)
        {
            refusal = record.Note(prefix + ".user-data", CheckUserData(report, quote));
        }
        else
        {
            record?.Skipped(prefix + ".user-data", $"evidence of version {evidence.Version} does not have the report data there");
        }

        return refusal is null ? new AzureGuest(report, quote, report.HashVariableData()) : refusal;
    }

    /// <summary>Whether the hardware's report data are the digest of the variable data, the rest zero; null when they are.</summary>
    public Refusal? CheckVariableData(AzureGuest guest, ReadOnlySpan<byte> reportData, VerificationRecord? record) => record.Note(
        prefix + ".variable-data", Binding.ToDigest(guest.VariableDataDigest).Check(reportData)?.Within("the hardware report does not vouch for the variable data"));

    /// <summary>Whether PCR 8 holds the init-data digest; null when it does, or nothing is expected.</summary>
    public Refusal? CheckInitData(AzureEvidence evidence, BoundEvidence bound, VerificationRecord? record) =>
        record.Note(prefix + ".init-data", TpmQuoteCheck.CheckInitData(bound.InitDataHash, TpmQuoteCheck.InitDataOf(evidence.Quote).Span));

    /// <summary>Writes <c>tpm</c>, <c>init_data</c>, <c>report_data</c>: these stand in place of the hardware report's own.</summary>
    public static void AddClaims(JsonObject claims, AzureEvidence evidence, AzureGuest guest)
    {
        var registers = new JsonObject();
        TpmQuoteCheck.AddPcrs(registers, evidence.Quote);
        claims["tpm"] = registers;
        claims["init_data"] = Convert.ToHexStringLower(TpmQuoteCheck.InitDataOf(evidence.Quote).Span);
        claims["report_data"] = Convert.ToHexStringLower(guest.Quote.ExtraData.Span);
    }

    /// <summary>The report data that the guest put into the paravisor's report is the nonce, zeros after it.</summary>
    private static Refusal? CheckUserData(HclReport report, TpmQuote quote) =>
        report.UserData.Length >= quote.ExtraData.Length && report.UserData.Span.StartsWith(quote.ExtraData.Span)
            ? null
            : new Refusal(RefusalCode.Mismatch, "user-data of the HCL report does not begin with the expected report data");
}
