// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Coco.Simulator.Amd;

namespace Coco.Load;

/// <summary>Makes evidence as the agent in a guest would. Used by one connection at a time.</summary>
internal interface IEvidenceSource
{
    /// <summary>Writes the evidence, JSON.</summary>
    void Write(ReadOnlySpan<byte> reportData, ArrayBufferWriter<byte> output);
}

/// <summary>Evidence of tee <c>sample</c>.</summary>
internal sealed class SampleEvidence : IEvidenceSource
{
    public void Write(ReadOnlySpan<byte> reportData, ArrayBufferWriter<byte> output)
    {
        output.Write("{\"svn\":\"1\",\"report_data\":\""u8);
        Base64.EncodeToUtf8(reportData, output.GetSpan(128), out _, out int written);
        output.Advance(written);
        output.Write("\"}"u8);
    }
}

/// <summary>
/// Evidence of a simulated SNP guest. A report is copied and signed again each time, as the firmware does; its JSON is made once, and only what
/// differs from report to report (report data and signature) is written anew.
/// </summary>
internal sealed class SnpEvidence : IEvidenceSource
{
    private const int ReportData = 0x50, ReportDataLength = 64, SignatureR = 0x2A0, SignatureS = 0x2E8, SignatureLength = 72;

    private readonly SimulatedSnpGuest _guest;
    private readonly byte[] _report;
    private readonly byte[][] _between;

    public SnpEvidence(SimulatedSnpGuest guest)
    {
        _guest = guest;
        byte[] marked = new byte[ReportDataLength];
        marked.AsSpan().Fill(0xA5);
        _report = guest.GetReport(marked);
        string json = guest.GetEvidence(marked).ToJsonString();
        string mark = "[" + string.Join(',', Enumerable.Repeat(0xA5, ReportDataLength)) + "]";
        int data = json.IndexOf(mark, StringComparison.Ordinal);
        int signature = json.IndexOf("\"signature\":", StringComparison.Ordinal);
        int r = json.IndexOf("\"r\":", signature, StringComparison.Ordinal) + 4, rEnd = json.IndexOf(']', r) + 1;
        int s = json.IndexOf("\"s\":", signature, StringComparison.Ordinal) + 4, sEnd = json.IndexOf(']', s) + 1;
        if (data < 0 || signature < data || r < signature || s < rEnd)
        {
            throw new InvalidOperationException("the JSON of SNP evidence has not the form that this program knows");
        }

        _between = [Ascii(json[..data]), Ascii(json[(data + mark.Length)..r]), Ascii(json[rEnd..s]), Ascii(json[sEnd..])];
    }

    public void Write(ReadOnlySpan<byte> reportData, ArrayBufferWriter<byte> output)
    {
        Span<byte> field = _report.AsSpan(ReportData, ReportDataLength);
        field.Clear();
        reportData.CopyTo(field);
        _guest.Sign(_report);
        output.Write(_between[0]);
        WriteNumbers(field, output);
        output.Write(_between[1]);
        WriteNumbers(_report.AsSpan(SignatureR, SignatureLength), output);
        output.Write(_between[2]);
        WriteNumbers(_report.AsSpan(SignatureS, SignatureLength), output);
        output.Write(_between[3]);
    }

    private static void WriteNumbers(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> output)
    {
        Span<byte> text = output.GetSpan((4 * bytes.Length) + 2);
        int at = 0;
        foreach (byte b in bytes)
        {
            text[at] = at == 0 ? (byte)'[' : (byte)',';
            Utf8Formatter.TryFormat(b, text[(at + 1)..], out int digits);
            at += 1 + digits;
        }

        text[at++] = (byte)']';
        output.Advance(at);
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
