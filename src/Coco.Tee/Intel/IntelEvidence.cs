// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>The evidence JSON of the tees <c>tdx</c> and <c>sgx</c>.</summary>
/// <remarks>Source: tee-evidence.md 3.9: <c>{"cc_eventlog": base64|null, "quote": base64}</c>; SGX without event log.</remarks>
/// <param name="Quote">The quote's bytes; not empty.</param>
/// <param name="EventLog">The event log's bytes; null when none, or an empty text, was given.</param>
/// <param name="Collateral">Collateral that came along, as an object; null when none did. Whether it is used is the verifier's choice.</param>
public sealed record IntelEvidence(ReadOnlyMemory<byte> Quote, ReadOnlyMemory<byte>? EventLog, JsonElement? Collateral)
{
    /// <summary>Reads the evidence of a TD.</summary>
    public static Result<IntelEvidence> ParseTdx(JsonElement body) => Parse(body, "TDX Quote is empty.", withEventLog: true);

    /// <summary>Reads the evidence of an enclave.</summary>
    public static Result<IntelEvidence> ParseSgx(JsonElement body) => Parse(body, "SGX Quote is empty.", withEventLog: false);

    private static Result<IntelEvidence> Parse(JsonElement body, string whenEmpty, bool withEventLog)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "evidence is not a JSON object");
        }

        if (!body.TryGetProperty("quote", out JsonElement quoteMember) || quoteMember.ValueKind != JsonValueKind.String
            || !quoteMember.TryGetBytesFromBase64(out byte[]? quote))
        {
            return new Refusal(RefusalCode.Malformed, "quote: missing, or not base64") { Field = "quote" };
        }

        if (quote.Length == 0)
        {
            return new Refusal(RefusalCode.Malformed, whenEmpty) { Field = "quote" };
        }

        byte[]? log = null;
        if (withEventLog && body.TryGetProperty("cc_eventlog", out JsonElement logMember) && logMember.ValueKind != JsonValueKind.Null
            && (logMember.ValueKind != JsonValueKind.String || !logMember.TryGetBytesFromBase64(out log)))
        {
            return new Refusal(RefusalCode.Malformed, "cc_eventlog: not base64") { Field = "cc_eventlog" };
        }

        JsonElement? collateral = body.TryGetProperty("collateral", out JsonElement c) && c.ValueKind == JsonValueKind.Object ? c : null;
        return new IntelEvidence(quote, log is { Length: > 0 } ? log : (ReadOnlyMemory<byte>?)null, collateral);
    }
}
