// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>The choice of a hash for runtime data (kbs.md 2.6).</summary>
public static class HashNegotiation
{
    private const string SupportedHashes = "supported-hash-algorithms";

    /// <summary>The hash that a service needs, when the guest lists its own; empty when the guest lists none and therefore is told none.</summary>
    /// <returns>A refusal when the guest's list lacks it, is empty, or is no list.</returns>
    public static Result<string> Select(JsonElement extraParameters, string needed)
    {
        if (extraParameters.ValueKind != JsonValueKind.Object || !extraParameters.TryGetProperty(SupportedHashes, out JsonElement supported))
        {
            return string.Empty;
        }

        return supported.ValueKind == JsonValueKind.Array
            && supported.EnumerateArray().Any(n => n.ValueKind == JsonValueKind.String && string.Equals(n.GetString(), needed, StringComparison.OrdinalIgnoreCase))
            ? needed
            : new Refusal(RefusalCode.Unsupported, $"{SupportedHashes} must be a list that holds {needed}");
    }
}
