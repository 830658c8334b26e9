// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Rego;

namespace Coco.Attestation.Decisions;

/// <summary>The stored form of a decision about a release.</summary>
internal static class ReleaseRecord
{
    public static void Write(Utf8JsonWriter json, string id, ReleaseDecision decision)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteString("kind"u8, "release"u8);
        json.WriteString("time"u8, decision.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("outcome"u8, decision.Refusal is null ? "released"u8 : "refused"u8);
        json.WriteString("request"u8, decision.Request);
        json.WriteString("request_id"u8, decision.RequestId);
        json.WriteString("tee"u8, decision.Tee);
        json.WriteNumber("elapsed_us"u8, decision.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        json.WriteString("token_sha256"u8, decision.TokenSha256);
        json.WriteString("token_issued_at"u8, decision.TokenIssuedAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteString("policy_id"u8, decision.PolicyId);
        json.WriteString("policy_sha384"u8, decision.PolicySha384);
        if (decision.Refusal is { } why)
        {
            json.WriteStartObject("refusal"u8);
            json.WriteString("code"u8, why.Code.ToString());
            json.WriteString("detail"u8, why.Detail);
            json.WriteEndObject();
            WriteUnmet(json, decision);
        }

        json.WriteEndObject();
    }

    private static void WriteUnmet(Utf8JsonWriter json, ReleaseDecision decision)
    {
        ImmutableArray<Finding> found = decision.Explain?.Invoke() is { } explanation ? PolicyFindings.Of(explanation, "release", [], []) : [];
        if (found.IsEmpty)
        {
            return;
        }

        json.WriteStartArray("unmet"u8);
        foreach (Finding finding in found)
        {
            finding.ToJson().WriteTo(json);
        }

        json.WriteEndArray();
    }
}
