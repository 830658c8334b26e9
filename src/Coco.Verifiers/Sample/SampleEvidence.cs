// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Verifiers.Sample;

/// <summary>Evidence of the sample TEE and the sample device: <c>{"svn": text, "report_data": base64}</c>.</summary>
/// <param name="Svn">As received.</param>
/// <param name="ReportData">Base64, as received; empty when absent.</param>
internal sealed record SampleEvidence(string Svn, string ReportData)
{
    private const int MaximumReportData = 4096;

    internal static Result<SampleEvidence> Verify(BoundEvidence evidence, string tee, VerificationRecord? record)
    {
        if (!Parse(evidence.Evidence.Body).TryGet(out (SampleEvidence Evidence, byte[] ReportData) read, out Refusal? refusal))
        {
            return record.Note(tee + ".format", refusal)!;
        }

        record?.Passed(tee + ".format");
        if (evidence.ReportData.IsNotChecked)
        {
            record?.Skipped(tee + ".report-data", "the caller expects no value");
            return read.Evidence;
        }

        refusal = evidence.CheckReportDataExactly(read.ReportData);
        return record.Note(tee + ".report-data", refusal?.Within("REPORT_DATA is different from that in Sample Quote")) ?? (Result<SampleEvidence>)read.Evidence;
    }

    private static Result<(SampleEvidence Evidence, byte[] ReportData)> Parse(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("svn", out JsonElement svn) || svn.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "svn: missing, or not a text") { Field = "svn" };
        }

        string reportData = string.Empty;
        string level;
        try
        {
            level = svn.GetString()!;
            if (body.TryGetProperty("report_data", out JsonElement data))
            {
                if (data.ValueKind != JsonValueKind.String)
                {
                    return new Refusal(RefusalCode.Malformed, "report_data: not a text") { Field = "report_data" };
                }

                reportData = data.GetString()!;
            }
        }
        catch (InvalidOperationException)
        {
            return new Refusal(RefusalCode.Malformed, "svn or report_data: not Unicode");
        }

        byte[] decoded = new byte[reportData.Length / 4 * 3];
        if (reportData.Length > MaximumReportData
            || reportData.AsSpan().ContainsAny(" \t\r\n")
            || !Convert.TryFromBase64String(reportData, decoded, out int written))
        {
            return new Refusal(RefusalCode.Malformed, "report_data: not base64, or too long") { Field = "report_data" };
        }

        return (new SampleEvidence(level, reportData), decoded[..written]);
    }
}
