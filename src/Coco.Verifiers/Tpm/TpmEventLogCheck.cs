// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Tee.EventLogs;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>Replays the event log that came with a quote against the quoted registers.</summary>
/// <remarks>Source: tee-evidence.md 4; TCG PC Client Platform Firmware Profile, section 10.</remarks>
internal static class TpmEventLogCheck
{
    /// <summary>Every register that the log mentions has to hold what the log says; gives the events as claims.</summary>
    public static Result<JsonArray> Check(TpmEvidence evidence, VerificationRecord? record)
    {
        Result<CcEventLog> parsed = CcEventLog.Parse(evidence.EventLog);
        if (record.Note("tpm.event-log-form", parsed.Refusal) is { } form || !parsed.TryGet(out CcEventLog? log, out form))
        {
            return form;
        }

        if (record.Note("tpm.event-log-replay", CheckReplay(log, evidence.Quote)) is { } mismatch)
        {
            return mismatch;
        }

        // Logs of PC firmware also carry SHA-1 digests, of which no claim is made: the replay above used SHA-256 alone.
        return log.ToClaims().TryGet(out JsonArray? claims, out Refusal? unusable) || unusable.Code != RefusalCode.Unsupported
            ? claims ?? (Result<JsonArray>)unusable!
            : new JsonArray();
    }

    private static Refusal? CheckReplay(CcEventLog log, TpmQuoteEvidence quote)
    {
        foreach ((int register, ReadOnlyMemory<byte> value) in TpmPcrReplay.Replay(log, TcgAlgorithm.Sha256))
        {
            if (register >= quote.Pcrs.Length)
            {
                return new Refusal(RefusalCode.Mismatch, $"the log extends PCR {register}, which was not quoted");
            }

            if (!value.Span.SequenceEqual(quote.Pcrs[register].Span))
            {
                return new Refusal(
                    RefusalCode.Mismatch,
                    $"PCR {register}: the log replays to {Convert.ToHexStringLower(value.Span)}, quoted is {Convert.ToHexStringLower(quote.Pcrs[register].Span)}");
            }
        }

        return null;
    }
}
