// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.Intel;

namespace Coco.Conformance;

/// <summary>Compares the member <c>fields</c> of a manifest with a quote.</summary>
internal static class IntelFields
{
    /// <summary>The first difference; null when all fields that both know are equal.</summary>
    public static string? FindDifference(JsonElement fields, IntelQuote quote)
    {
        JsonObject ours = Describe(quote);
        foreach (JsonProperty field in fields.EnumerateObject())
        {
            if (field.Name == "pck_validity")
            {
                DateTimeOffset?[] given = [.. field.Value.EnumerateArray().Select(t => VectorEntry.Instant(t.GetString()))];
                DateTimeOffset?[] found = [.. ours[field.Name]!.AsArray().Select(t => VectorEntry.Instant(t!.GetValue<string>()))];
                if (!given.SequenceEqual(found))
                {
                    return $"pck_validity is {ours[field.Name]!.ToJsonString()}";
                }
            }
            else if (!ours.TryGetPropertyValue(field.Name, out JsonNode? value))
            {
                return $"nothing is known of field {field.Name}";
            }
            else if (!JsonNode.DeepEquals(JsonNode.Parse(field.Value.GetRawText()), value))
            {
                return $"{field.Name}: expected {field.Value.GetRawText()}, got {value?.ToJsonString()}";
            }
        }

        return null;
    }

    private static JsonObject Describe(IntelQuote quote)
    {
        var json = new JsonObject
        {
            ["quote_version"] = quote.Version,
            ["body_type"] = quote.Enclave is not null ? 1 : quote.TrustDomain!.Raw.Length switch { TdReportBody.Length10 => 2, TdReportBody.Length15 => 3, _ => 4 },
            ["tee_type"] = string.Create(CultureInfo.InvariantCulture, $"0x{(uint)quote.Tee:x}"),
            ["certification_data_type"] = (int)quote.CertificationType,
            ["trailing_bytes"] = quote.TrailingLength,
        };
        if (DerCertificate.ParseAll(quote.CertificationData).TryGet(out ImmutableArray<DerCertificate> chain, out _)
            && chain[0].FindExtension(PckExtension.Oid) is { } value && PckExtension.Parse(value).TryGet(out PckExtension? pck, out _))
        {
            json["fmspc"] = Hex(pck.Fmspc.Span);
            json["pceid"] = Hex(pck.PceId.Span);
            json["pck_ca"] = chain[0].IssuerCommonName;
            json["pck_validity"] = new JsonArray(chain[0].NotBefore.ToString("O", CultureInfo.InvariantCulture), chain[0].NotAfter.ToString("O", CultureInfo.InvariantCulture));
            json["pck_tcb_components"] = new JsonArray([.. pck.Components.ToArray().Select(b => (JsonNode)(int)b)]);
            json["pcesvn"] = (int)pck.PceSvn;
        }

        if (quote.TrustDomain is { } td)
        {
            json["tee_tcb_svn"] = Hex(td.TeeTcbSvn);
            json["td_attributes"] = Hex(td.Raw.Span.Slice(120, 8));
            json["mr_td"] = Hex(td.MrTd);
            json["mr_config_id"] = Hex(td.MrConfigId);
            json["rtmr"] = new JsonArray([.. Enumerable.Range(0, 4).Select(i => (JsonNode)Hex(td.Rtmr(i)))]);
            json["report_data"] = Hex(td.ReportData);
            json["debug"] = td.IsDebug;
            json["septve_disable"] = ((td.TdAttributes >> 28) & 1) != 0;
            if (td.Is15)
            {
                json["tee_tcb_svn2"] = Hex(td.TeeTcbSvn2);
                json["mr_servicetd"] = Hex(td.MrServiceTd);
            }
        }

        if (quote.Enclave is { } enclave)
        {
            json["mr_enclave"] = Hex(enclave.MrEnclave);
            json["mr_signer"] = Hex(enclave.MrSigner);
            json["attributes_flags"] = Hex(enclave.Attributes[..8]);
            json["report_data"] = Hex(enclave.ReportData);
        }

        return json;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
