// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Tee.Csv;
using Coco.Tee.Intel;
using Coco.Tee.Nvidia;
using Coco.Tee.SecureExecution;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Raw structures of vendors that are no evidence by themselves: Hygon's certificates and reports, TDREPORTs, boot headers, device reports, statements.</summary>
internal static class RawViews
{
    /// <summary>The view; null when the file is none of these.</summary>
    public static ShownNode? TryShow(EvidenceFile file)
    {
        if (file.Json is not null)
        {
            return file.HasMembers("tcbInfo") ? Statement(file, "TCB info") : file.HasMembers("enclaveIdentity") ? Statement(file, "enclave identity") : null;
        }

        return TryHygon(file.Bytes) ?? TryHeader(file.Bytes) ?? TryDeviceReport(file.Bytes) ?? TryTdReport(file.Bytes);
    }

    /// <summary>The bytes, or those that hexadecimal text stands for.</summary>
    public static ReadOnlyMemory<byte> BytesOf(ReadOnlyMemory<byte> file) =>
        Hex.Decode(Encoding.Latin1.GetString(file.Span).Trim()).TryGet(out byte[]? decoded, out _) ? decoded : file;

    private static ShownNode Statement(EvidenceFile file, string name) => ShownNode.FromJson(name, JsonNode.Parse(file.Bytes.Span));

    private static ShownNode? TryHygon(ReadOnlyMemory<byte> bytes)
    {
        const int Both = HygonCaCertificate.Size + CsvCertificate.Size;
        switch (bytes.Length)
        {
            case HygonCaCertificate.Size when HygonCaCertificate.Parse(bytes).TryGet(out HygonCaCertificate? authority, out _):
                return Of(authority);
            case CsvCertificate.Size when CsvCertificate.Parse(bytes).TryGet(out CsvCertificate? certificate, out _):
                return Of(certificate);
            case Both when HygonCaCertificate.Parse(bytes[..HygonCaCertificate.Size]).TryGet(out HygonCaCertificate? hsk, out _)
                && CsvCertificate.Parse(bytes[HygonCaCertificate.Size..]).TryGet(out CsvCertificate? cek, out _):
                return new ShownNode("HSK and CEK").Add(Of(hsk)).Add(Of(cek));
            case CsvReport.Version1Size + CsvReport.SignerSize when CsvReport.Parse(bytes, 1).TryGet(out CsvReport? first, out _):
                return DeviceViews.Of(first);
            case CsvReport.Version2Size + CsvReport.SignerSize when CsvReport.Parse(bytes, 2).TryGet(out CsvReport? second, out _):
                return DeviceViews.Of(second);
            default:
                return null;
        }
    }

    private static ShownNode Of(HygonCaCertificate certificate) => AddKey(new ShownNode("Hygon authority certificate", certificate.Key.Usage.ToString()), certificate.Key)
        .Add("key id", certificate.KeyId)
        .Add("signing key id", certificate.SigningKeyId)
        .Add("signature", certificate.Signature);

    private static ShownNode Of(CsvCertificate certificate)
    {
        ShownNode node = AddKey(new ShownNode("CSV certificate", certificate.Key.Usage.ToString()), certificate.Key);
        foreach (CsvSignatureBlock block in certificate.Signatures)
        {
            node.Open("signature", $"by usage 0x{block.Usage:x}, algorithm {block.Algorithm}");
        }

        return node;
    }

    private static ShownNode AddKey(ShownNode node, HygonKey key) => node
        .Add("user id", Encoding.UTF8.GetString(key.UserId.Span))
        .Add("x", key.X)
        .Add("y", key.Y);

    private static ShownNode? TryHeader(ReadOnlyMemory<byte> bytes) => SeImageHeader.Parse(bytes).TryGet(out SeImageHeader? header, out _)
        ? new ShownNode("Secure Execution boot header")
            .Add("PLD", header.Tags[..64])
            .Add("ALD", header.Tags.Slice(64, 64))
            .Add("TLD", header.Tags.Slice(128, 64))
            .Add("tag", header.Tags[192..])
        : null;

    private static ShownNode? TryDeviceReport(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> raw = BytesOf(bytes);
        return SpdmReport.Parse(raw).TryGet(out SpdmReport? report, out _)
            ? DeviceViews.Add(new ShownNode("SPDM report", raw.Length.ToString(CultureInfo.InvariantCulture) + " bytes"), report)
            : null;
    }

    private static ShownNode? TryTdReport(ReadOnlyMemory<byte> bytes)
    {
        if (!TdReport.Parse(bytes).TryGet(out TdReport? report, out _))
        {
            return null;
        }

        var node = new ShownNode("TDREPORT", "Intel TDX, not signed");
        foreach (LayoutField field in TdReport.Fields)
        {
            node.Add(field.Name, report.Raw.Slice(field.Offset, field.Length));
        }

        return node;
    }
}
