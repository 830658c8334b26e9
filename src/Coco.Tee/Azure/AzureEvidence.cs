// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using Coco.Tee.Json;
using Coco.Tee.Tpm;

namespace Coco.Tee.Azure;

/// <summary>Evidence of an Azure confidential VM: the vTPM's quote, the paravisor's report, and what the hardware vendor signed.</summary>
/// <param name="Version">0 (unversioned), 1 or 2.</param>
/// <param name="Quote">The vTPM's quote.</param>
/// <param name="HclReport">The paravisor's report, bytes.</param>
/// <param name="Endorsement">SNP: the VCEK, DER or PEM. TDX: the TD quote.</param>
/// <remarks>Source: tee-evidence.md 6.4.</remarks>
public sealed record AzureEvidence(int Version, TpmQuoteEvidence Quote, ReadOnlyMemory<byte> HclReport, ReadOnlyMemory<byte> Endorsement)
{
    private const int LongestReport = 64 * 1024;
    private const int LongestVcek = 16 * 1024;
    private const int LongestTdQuote = 64 * 1024;

    /// <summary>Reads evidence of the TEE <c>az-snp-vtpm</c>.</summary>
    public static Result<AzureEvidence> ParseSnp(JsonElement body) => Parse(body, "vcek", LongestVcek);

    /// <summary>Reads evidence of the TEE <c>az-tdx-vtpm</c>.</summary>
    public static Result<AzureEvidence> ParseTdx(JsonElement body) => Parse(body, "td_quote", LongestTdQuote);

    private static Result<AzureEvidence> Parse(JsonElement body, string endorsementName, int longestEndorsement)
    {
        bool snp = endorsementName == "vcek";
        if (body.ValueKind == JsonValueKind.Object && !body.TryGetProperty("version", out _))
        {
            return ParseUnversioned(body, snp, longestEndorsement);
        }

        if (!EvidenceFields.UInt32(body, "version").TryGet(out uint version, out Refusal? refusal))
        {
            return refusal;
        }

        if (version is not (1 or 2))
        {
            return new Refusal(RefusalCode.Unsupported, $"version: {version} is neither 1 nor 2") { Field = "version" };
        }

        if (!EvidenceFields.Object(body, "tpm_quote").TryGet(out JsonElement quoteJson, out refusal)
            || !TpmQuoteEvidence.ParseHex(quoteJson).TryGet(out TpmQuoteEvidence? quote, out refusal)
            || !EvidenceFields.Base64Url(body, "hcl_report", LongestReport).TryGet(out ReadOnlyMemory<byte> report, out refusal)
            || !EvidenceFields.Base64Url(body, endorsementName, longestEndorsement).TryGet(out ReadOnlyMemory<byte> endorsement, out refusal))
        {
            return refusal;
        }

        return new AzureEvidence((int)version, quote, report, endorsement);
    }

    private static Result<AzureEvidence> ParseUnversioned(JsonElement body, bool snp, int longestEndorsement)
    {
        if (!EvidenceFields.Object(body, snp ? "quote" : "tpm_quote").TryGet(out JsonElement quoteJson, out Refusal? refusal)
            || !TpmQuoteEvidence.ParseArrays(quoteJson).TryGet(out TpmQuoteEvidence? quote, out refusal)
            || !EvidenceFields.ByteArray(body, snp ? "report" : "hcl_report", LongestReport).TryGet(out ReadOnlyMemory<byte> report, out refusal))
        {
            return refusal;
        }

        ReadOnlyMemory<byte> endorsement;
        if (snp)
        {
            if (!EvidenceFields.Text(body, "vcek").TryGet(out string? pem, out refusal))
            {
                return refusal;
            }

            if (pem.Length > longestEndorsement)
            {
                return new Refusal(RefusalCode.TooLarge, $"vcek: {pem.Length} characters") { Field = "vcek" };
            }

            endorsement = Encoding.UTF8.GetBytes(pem);
        }
        else if (!EvidenceFields.ByteArray(body, "td_quote", longestEndorsement).TryGet(out endorsement, out refusal))
        {
            return refusal;
        }

        return new AzureEvidence(0, quote, report, endorsement);
    }
}
