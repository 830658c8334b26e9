// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Pipeline;

/// <summary>Gives claims the shape in which policies and tokens see them (attestation-service.md 5.5).</summary>
internal static class ClaimShaper
{
    /// <summary>The name under which a TEE's claims stand.</summary>
    public static string ClaimKey(TeeType tee) => tee == TeeType.NvidiaDpu ? "nvidia-dpu" : tee.ToWireName();

    /// <summary>Takes the claims over: <c>init_data</c> and <c>report_data</c> move up, each with the claims that stand behind it.</summary>
    public static Result<JsonObject> Shape(VerifiedClaims verified, JsonNode? initDataClaims, JsonNode? runtimeDataClaims, bool verbose)
    {
        JsonObject claims = verified.Claims;
        if (CheckIntegers(claims, 0) is { } bad)
        {
            return bad;
        }

        var members = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        if (TakeText(claims, "init_data") is { } initData)
        {
            members["init_data"] = initData;
            members["init_data_claims"] = initDataClaims?.DeepClone();
        }

        if (TakeText(claims, "report_data") is { } reportData)
        {
            JsonNode? runtime = runtimeDataClaims?.DeepClone();
            if (!verbose && runtime is JsonObject o)
            {
                o.Remove("additional-evidence");
            }

            members["report_data"] = reportData;
            members["runtime_data_claims"] = runtime;
        }

        members[ClaimKey(verified.Tee)] = claims;
        var shaped = new JsonObject();
        foreach ((string name, JsonNode? value) in members)
        {
            shaped[name] = value;
        }

        return shaped;
    }

    /// <summary>Whether every integer fits in 64 signed bits, which is all that policies and tokens carry.</summary>
    public static Refusal? CheckIntegers(JsonNode? node, int depth)
    {
        if (depth > 64)
        {
            return new Refusal(RefusalCode.TooLarge, "claims are nested deeper than 64");
        }

        switch (node)
        {
            case JsonObject o:
                foreach ((string name, JsonNode? value) in o)
                {
                    if (CheckIntegers(value, depth + 1) is { } bad)
                    {
                        return bad with { Field = bad.Field is null ? name : $"{name}.{bad.Field}" };
                    }
                }

                return null;
            case JsonArray a:
                foreach (JsonNode? item in a)
                {
                    if (CheckIntegers(item, depth + 1) is { } bad)
                    {
                        return bad;
                    }
                }

                return null;
            case JsonValue v when v.GetValueKind() == JsonValueKind.Number && !v.TryGetValue(out long _) && !v.TryGetValue(out int _):
                string text = v.ToJsonString();
                return text.AsSpan().ContainsAny('.', 'e', 'E') || long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out _)
                    ? null
                    : new Refusal(RefusalCode.Unsupported, $"the integer {text} does not fit in 64 signed bits");
            default:
                return null;
        }
    }

    private static JsonNode? TakeText(JsonObject claims, string name)
    {
        if (!claims.TryGetPropertyValue(name, out JsonNode? value) || value is not JsonValue v || v.GetValueKind() != JsonValueKind.String)
        {
            return null;
        }

        claims.Remove(name);
        return value;
    }
}
