// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Trustee;

/// <summary>The hash that a guest of SE is told to use (kbs.md 2.6): always SHA-512, named only to clients that negotiate.</summary>
internal static class HashNegotiation
{
    private const string Supported = "supported-hash-algorithms";

    /// <summary><c>sha512</c>; empty when nothing is to be named; refused when the client cannot do it.</summary>
    public static Result<string> Sha512(JsonElement parameters)
    {
        if (parameters.ValueKind != JsonValueKind.Object || !parameters.TryGetProperty(Supported, out JsonElement supported))
        {
            return string.Empty;
        }

        return supported.ValueKind == JsonValueKind.Array
            && supported.EnumerateArray().Any(n => n.ValueKind == JsonValueKind.String && string.Equals(n.GetString(), "sha512", StringComparison.OrdinalIgnoreCase))
                ? "sha512"
                : new Refusal(RefusalCode.Unsupported, $"{Supported} must be a list that holds sha512");
    }
}
