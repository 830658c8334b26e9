// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>Evidence of the TEE <c>csv</c>.</summary>
/// <param name="Report">The report.</param>
/// <param name="Pek">Platform endorsement key.</param>
/// <param name="Hsk">Hygon signing key; null when it has to be fetched.</param>
/// <param name="Cek">Chip endorsement key; null when it has to be fetched.</param>
/// <param name="SerialNumber">The chip's serial number, without NULs.</param>
/// <param name="EventLog">CC event log; empty when none came.</param>
/// <remarks>Source: tee-evidence.md 9.2.</remarks>
public sealed record CsvEvidence(
    CsvReport Report, CsvCertificate Pek, HygonCaCertificate? Hsk, CsvCertificate? Cek, string SerialNumber, ReadOnlyMemory<byte> EventLog)
{
    private const int LongestEventLog = 4 << 20;

    /// <summary>Reads it.</summary>
    public static Result<CsvEvidence> Parse(JsonElement body)
    {
        if (!EvidenceFields.Object(body, "attestation_report").TryGet(out JsonElement wrapper, out Refusal? refusal)
            || !CsvReport.Parse(wrapper).TryGet(out CsvReport? report, out refusal)
            || !EvidenceFields.Object(body, "cert_chain").TryGet(out JsonElement chain, out refusal)
            || !EvidenceFields.Object(chain, "pek").TryGet(out JsonElement pekJson, out refusal)
            || !CsvCertificate.Parse(pekJson).TryGet(out CsvCertificate? pek, out refusal)
            || !EvidenceFields.ByteArray(body, "serial_number", 64, 64).TryGet(out ReadOnlyMemory<byte> serial, out refusal)
            || !ReadSerial(serial.Span, "serial_number").TryGet(out string? serialText, out refusal))
        {
            return refusal;
        }

        HygonCaCertificate? hsk = null;
        CsvCertificate? cek = null;
        if (!EvidenceFields.IsAbsent(chain, "hsk_cek")
            && (!EvidenceFields.Object(chain, "hsk_cek").TryGet(out JsonElement both, out refusal)
                || !EvidenceFields.Object(both, "hsk").TryGet(out JsonElement hskJson, out refusal)
                || !HygonCaCertificate.Parse(hskJson).TryGet(out hsk, out refusal)
                || !EvidenceFields.Object(both, "cek").TryGet(out JsonElement cekJson, out refusal)
                || !CsvCertificate.Parse(cekJson).TryGet(out cek, out refusal)))
        {
            return refusal;
        }

        ReadOnlyMemory<byte> log = default;
        if (!EvidenceFields.IsAbsent(body, "cc_eventlog") && !EvidenceFields.Base64(body, "cc_eventlog", LongestEventLog).TryGet(out log, out refusal))
        {
            return refusal;
        }

        return new CsvEvidence(report, pek, hsk, cek, serialText, log);
    }

    /// <summary>The text before the first NUL; refused unless it is letters and digits, since it becomes part of a path and of a query.</summary>
    internal static Result<string> ReadSerial(ReadOnlySpan<byte> bytes, string field)
    {
        int end = bytes.IndexOf((byte)0);
        ReadOnlySpan<byte> text = end < 0 ? bytes : bytes[..end];
        foreach (byte b in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b != (byte)'-')
            {
                return EvidenceFields.Bad(field, "not a text of letters and digits");
            }
        }

        return text.IsEmpty ? EvidenceFields.Bad(field, "empty") : Encoding.ASCII.GetString(text);
    }
}
