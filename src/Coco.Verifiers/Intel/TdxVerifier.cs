// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>Verifies evidence of Intel TDX: quote, bindings, event log (tee-evidence.md 3.9).</summary>
/// <param name="dcap">Verifies the quote.</param>
public sealed class TdxVerifier(DcapVerifier dcap) : IVerifier
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Tdx;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<IntelEvidence> parsed = IntelEvidence.ParseTdx(evidence.Evidence.Body);
        if (record.Note("tdx.evidence", parsed.Refusal) is { } refusal || !parsed.TryGet(out IntelEvidence? body, out refusal))
        {
            return refusal;
        }

        if (!ParseQuote(body.Quote, record).TryGet(out IntelQuote? quote, out Refusal? bad))
        {
            return bad;
        }

        Result<DcapAppraisal> appraised = await dcap.VerifyAsync(quote, body.Collateral, record, ct).ConfigureAwait(false);
        return appraised.TryGet(out DcapAppraisal? appraisal, out bad) ? Conclude(evidence, body, quote, appraisal, record) : bad;
    }

    /// <summary>Reads a quote and demands that it is one about a TD, of version 4 or 5. Nothing is verified.</summary>
    public static Result<IntelQuote> ParseQuote(ReadOnlyMemory<byte> bytes, VerificationRecord? record)
    {
        Result<IntelQuote> parsed = IntelQuote.Parse(bytes);
        if (record.Note("tdx.quote-format", parsed.Refusal) is { } refusal || !parsed.TryGet(out IntelQuote? quote, out refusal))
        {
            return refusal;
        }

        return record.Note("tdx.quote-kind", quote.TrustDomain is not null
            ? null
            : new Refusal(RefusalCode.Unsupported, "expected TDX quote") { Field = "TEE type", Offset = 4 }) is { } wrongKind
            ? wrongKind
            : quote;
    }

    private static Result<ImmutableArray<VerifiedClaims>> Conclude(
        BoundEvidence evidence, IntelEvidence body, IntelQuote quote, DcapAppraisal appraisal, VerificationRecord? record)
    {
        TdReportBody td = quote.TrustDomain!;
        if (record.NoteBinding("tdx.report-data", evidence.ReportData, evidence.CheckReportData(td.ReportData), "REPORT_DATA is different from that in TDX Quote") is { } badReportData)
        {
            return badReportData;
        }

        if (record.NoteBinding("tdx.init-data", evidence.InitDataHash, evidence.InitDataHash.Check(td.MrConfigId), "MRCONFIGID is different from that in TDX Quote") is { } badInitData)
        {
            return badInitData;
        }

        JsonObject claims = IntelClaims.OfTrustDomain(quote);
        if (body.EventLog is { } log)
        {
            Result<JsonArray> events = CheckEventLog(log, td, record);
            if (!events.TryGet(out JsonArray? array, out Refusal? badLog))
            {
                return badLog;
            }

            claims["uefi_event_logs"] = array;
        }
        else
        {
            record?.Skipped("tdx.event-log", "the evidence has no event log");
        }

        appraisal.AddClaims(claims);
        return ImmutableArray.Create(new VerifiedClaims(TeeType.Tdx, "cpu", claims));
    }

    private static Result<JsonArray> CheckEventLog(ReadOnlyMemory<byte> bytes, TdReportBody td, VerificationRecord? record)
    {
        Result<CcEventLog> parsed = CcEventLog.Parse(bytes);
        if (record.Note("tdx.event-log", parsed.Refusal) is { } refusal || !parsed.TryGet(out CcEventLog? log, out refusal))
        {
            return refusal;
        }

        Refusal? mismatch = null;
        for (int i = 0; i < MeasurementRegisters.RtmrCount && mismatch is null; i++)
        {
            mismatch = log.CheckReplay((uint)i + 1, TcgAlgorithm.Sha384, td.Rtmr(i));
        }

        if (record.Note("tdx.event-log-replay", mismatch) is { } notReplayed)
        {
            return notReplayed;
        }

        Result<JsonArray> claims = log.ToClaims();
        return record.Note("tdx.event-log-details", claims.Refusal) is { } badDetails ? badDetails : claims;
    }
}
