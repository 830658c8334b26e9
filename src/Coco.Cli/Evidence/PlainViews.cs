// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.EventLogs;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;

namespace Coco.Cli.EvidenceCommands;

/// <summary>What is no evidence but belongs to it: certificates, revocation lists, certificate tables, tokens.</summary>
internal static class PlainViews
{
    /// <summary>The view; null when the file is none of these.</summary>
    public static Result<ShownNode>? TryShow(EvidenceFile file)
    {
        if (RawViews.TryShow(file) is { } raw)
        {
            return raw;
        }

        if (file.Json is not null)
        {
            return null;
        }

        if (DerCertificate.ParseAll(file.Bytes).TryGet(out ImmutableArray<DerCertificate> certificates, out _))
        {
            return certificates.Length == 1
                ? CertificateView.Of(certificates[0])
                : certificates.Aggregate(new ShownNode("certificates"), (node, c) => node.Add(CertificateView.Of(c)));
        }

        if (CertificateRevocationList.ParseAny(file.Bytes).TryGet(out CertificateRevocationList? list, out _))
        {
            return CertificateView.Of(list);
        }

        if (TryTable(file.Bytes) is { } entries)
        {
            return entries.Aggregate(new ShownNode("certificate table"), (node, e) => node.Add(SnpFormat.ShowEntry(e)));
        }

        if (TpmQuote.Parse(file.Bytes).TryGet(out TpmQuote? quote, out _))
        {
            return TpmView.Of(quote);
        }

        if (CcEventLog.Parse(file.Bytes).TryGet(out CcEventLog? log, out _) && log.Events.Count > 0)
        {
            return EventLogView.Of(log);
        }

        return TryToken(file.Bytes.Span);
    }

    /// <summary>The entries of a certificate table; null when it is none, or names nothing known (an SNP report parses as a table of nothing).</summary>
    internal static ImmutableArray<SnpCertificateEntry>? TryTable(ReadOnlyMemory<byte> bytes) =>
        SnpCertificateTable.Parse(bytes).TryGet(out ImmutableArray<SnpCertificateEntry> entries, out _)
        && entries.Any(e => e.Type is not (SnpCertificateType.Other or SnpCertificateType.Empty) && !e.Data.IsEmpty)
            ? entries
            : null;

    private static Result<ShownNode>? TryToken(ReadOnlySpan<byte> bytes)
    {
        string[] parts = Encoding.Latin1.GetString(bytes).Trim().Split('.');
        if (parts.Length != 3 || Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } payload)
        {
            return null;
        }

        return new ShownNode("token", "not verified").Add(ShownNode.FromJson("header", header)).Add(ShownNode.FromJson("payload", payload)).Add("signature", parts[2]);
    }

    private static JsonNode? Decode(string part)
    {
        try
        {
            return JsonNode.Parse(Base64Url.DecodeFromChars(part));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }
}
