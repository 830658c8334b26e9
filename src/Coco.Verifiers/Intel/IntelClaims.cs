// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>The claims that a quote itself gives (attestation-service.md 6.4, 6.5): raw bytes as hexadecimal, in the order of the wire.</summary>
public static class IntelClaims
{
    /// <summary>Claims of a quote about a TD: <c>quote</c>, <c>td_attributes</c>, <c>report_data</c>, <c>init_data</c>.</summary>
    public static JsonObject OfTrustDomain(IntelQuote quote)
    {
        ArgumentNullException.ThrowIfNull(quote);
        TdReportBody td = quote.TrustDomain ?? throw new ArgumentException("the quote is not about a TD", nameof(quote));
        var inner = new JsonObject
        {
            ["header"] = ToObject(IntelQuote.HeaderFields4, quote.Header.Span),
            ["body"] = ToObject(td.Fields, td.Raw.Span),
        };
        if (quote.Version == 5)
        {
            inner["type"] = Hex(quote.BodyDescriptor.Span[..2]);
            inner["size"] = Hex(quote.BodyDescriptor.Span[2..]);
        }

        ulong attributes = td.TdAttributes;
        return new JsonObject
        {
            ["quote"] = inner,
            ["td_attributes"] = new JsonObject
            {
                ["debug"] = IsSet(attributes, 0),
                ["septve_disable"] = IsSet(attributes, 28),
                ["protection_keys"] = IsSet(attributes, 30),
                ["key_locker"] = IsSet(attributes, 31),
                ["perfmon"] = IsSet(attributes, 63),
            },
            ["report_data"] = Hex(td.ReportData),
            ["init_data"] = Hex(td.MrConfigId),
        };
    }

    /// <summary>Claims of a quote about an enclave: <c>header</c>, <c>body</c>, <c>report_data</c>, <c>init_data</c>.</summary>
    public static JsonObject OfEnclave(IntelQuote quote)
    {
        ArgumentNullException.ThrowIfNull(quote);
        SgxReportBody enclave = quote.Enclave ?? throw new ArgumentException("the quote is not about an enclave", nameof(quote));
        return new JsonObject
        {
            ["header"] = ToObject(IntelQuote.HeaderFields3, quote.Header.Span),
            ["body"] = ToObject(SgxReportBody.Fields, enclave.Raw.Span),
            ["report_data"] = Hex(enclave.ReportData),
            ["init_data"] = Hex(enclave.ConfigId),
        };
    }

    private static JsonObject ToObject(ImmutableArray<LayoutField> fields, ReadOnlySpan<byte> structure)
    {
        var json = new JsonObject();
        foreach (LayoutField field in fields)
        {
            json[field.ClaimName] = Hex(structure.Slice(field.Offset, field.Length));
        }

        return json;
    }

    private static bool IsSet(ulong value, int bit) => ((value >> bit) & 1) != 0;

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
