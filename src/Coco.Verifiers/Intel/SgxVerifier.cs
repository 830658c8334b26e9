// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>Verifies evidence of Intel SGX: quote and bindings (tee-evidence.md 3.9).</summary>
/// <param name="dcap">Verifies the quote.</param>
public sealed class SgxVerifier(DcapVerifier dcap) : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Sgx;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<IntelEvidence> parsed = IntelEvidence.ParseSgx(evidence.Evidence.Body);
        if (record.Note("sgx.evidence", parsed.Refusal) is { } refusal || !parsed.TryGet(out IntelEvidence? body, out refusal))
        {
            return refusal;
        }

        Result<IntelQuote> quoteResult = IntelQuote.Parse(body.Quote);
        if (record.Note("sgx.quote-format", quoteResult.Refusal) is { } badQuote || !quoteResult.TryGet(out IntelQuote? quote, out badQuote))
        {
            return badQuote;
        }

        if (record.Note("sgx.quote-kind", quote is { Version: 3, Enclave: not null }
            ? null
            : new Refusal(RefusalCode.Unsupported, "expected SGX quote (v3)") { Field = "version", Offset = 0 }) is { } wrongKind)
        {
            return wrongKind;
        }

        Result<DcapAppraisal> appraised = await dcap.VerifyAsync(quote, body.Collateral, record, ct).ConfigureAwait(false);
        return appraised.TryGet(out DcapAppraisal? appraisal, out Refusal? bad) ? Conclude(evidence, quote, appraisal, record) : bad;
    }

    private static Result<ImmutableArray<VerifiedClaims>> Conclude(BoundEvidence evidence, IntelQuote quote, DcapAppraisal appraisal, VerificationRecord? record)
    {
        SgxReportBody enclave = quote.Enclave!;
        if (record.NoteBinding("sgx.report-data", evidence.ReportData, evidence.CheckReportData(enclave.ReportData), "REPORT_DATA is different from that in SGX Quote") is { } badReportData)
        {
            return badReportData;
        }

        if (record.NoteBinding("sgx.init-data", evidence.InitDataHash, evidence.InitDataHash.Check(enclave.ConfigId), "CONFIGID is different from that in SGX Quote") is { } badInitData)
        {
            return badInitData;
        }

        JsonObject claims = IntelClaims.OfEnclave(quote);
        appraisal.AddClaims(claims);
        return ImmutableArray.Create(new VerifiedClaims(TeeType.Sgx, "cpu", claims));
    }
}
