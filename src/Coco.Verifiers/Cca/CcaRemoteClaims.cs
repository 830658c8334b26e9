// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Verifiers.Cca;

/// <summary>Turns what a remote verification service says of a token into the claims of this TEE.</summary>
/// <remarks>Source: tee-evidence.md 8.2; attestation-service.md 6.12: only these members survive.</remarks>
public static class CcaRemoteClaims
{
    private static readonly string[] RealmTexts =
        ["cca-realm-personalization-value", "cca-realm-initial-measurement", "cca-realm-hash-algo-id", "cca-realm-challenge"];

    private static readonly string[] PlatformTexts = ["cca-platform-instance-id", "cca-platform-implementation-id"];

    /// <summary>Maps <c>{"realm": {…}, "platform": {…}}</c>.</summary>
    public static Result<JsonObject> Map(JsonElement evidence)
    {
        if (!Part(evidence, "realm", RealmTexts).TryGet(out JsonObject? realm, out Refusal? refusal)
            || !Part(evidence, "platform", PlatformTexts).TryGet(out JsonObject? platform, out refusal))
        {
            return refusal;
        }

        JsonElement realmJson = evidence.GetProperty("realm");
        if (!realmJson.TryGetProperty("cca-realm-extensible-measurements", out JsonElement measurements) || measurements.ValueKind != JsonValueKind.Array
            || measurements.EnumerateArray().Any(m => m.ValueKind != JsonValueKind.String))
        {
            return new Refusal(RefusalCode.Malformed, "cca-realm-extensible-measurements: missing, or not an array of texts");
        }

        realm["cca-realm-extensible-measurements"] = new JsonArray([.. measurements.EnumerateArray().Select(m => (JsonNode)JsonValue.Create(m.GetString()!))]);
        if (!Bytes(realm, "cca-realm-challenge").TryGet(out byte[]? challenge, out refusal) || !Bytes(realm, "cca-realm-personalization-value").TryGet(out byte[]? value, out refusal))
        {
            return refusal;
        }

        return new JsonObject
        {
            ["realm"] = realm,
            ["platform"] = platform,
            ["report_data"] = Convert.ToHexStringLower(challenge),
            ["init_data"] = Convert.ToHexStringLower(value),
        };
    }

    private static Result<JsonObject> Part(JsonElement evidence, string name, string[] texts)
    {
        if (evidence.ValueKind != JsonValueKind.Object || !evidence.TryGetProperty(name, out JsonElement part) || part.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, name + ": missing, or not an object") { Field = name };
        }

        var result = new JsonObject();
        foreach (string text in texts)
        {
            if (!part.TryGetProperty(text, out JsonElement e) || e.ValueKind != JsonValueKind.String)
            {
                return new Refusal(RefusalCode.Malformed, text + ": missing, or not a text") { Field = text };
            }

            result[text] = e.GetString();
        }

        return result;
    }

    private static Result<byte[]> Bytes(JsonObject part, string name)
    {
        string text = part[name]!.GetValue<string>();
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int written) ? bytes[..written] : new Refusal(RefusalCode.Malformed, name + ": not base64") { Field = name };
    }
}
