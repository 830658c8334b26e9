// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>What a guest hashes into its evidence (kbs.md 2.6, 2.8). The digest is over <see cref="CanonicalJson"/> of the object.</summary>
public static class RuntimeDataForms
{
    /// <summary>For a device, and for the primary evidence before protocol 0.3.0: <c>nonce</c> and <c>tee-pubkey</c>.</summary>
    public static JsonObject Device(string nonce, Jwk key) => new() { ["nonce"] = nonce, ["tee-pubkey"] = Members(key) };

    /// <summary>For the primary evidence from protocol 0.3.0 on: <c>additional-evidence</c> besides, as the very text that the message carries; empty without devices.</summary>
    public static JsonObject Primary(string nonce, Jwk key, string additionalEvidence) =>
        new() { ["additional-evidence"] = additionalEvidence, ["nonce"] = nonce, ["tee-pubkey"] = Members(key) };

    /// <summary>For the clients of 2023 (protocol 0.1.0): nonce, modulus and exponent as base64 texts, one after the other.</summary>
    /// <param name="nonce">The challenge's nonce.</param>
    /// <param name="key">The <c>tee-pubkey</c> as sent, with <c>n</c>, <c>e</c> or <c>k-mod</c>, <c>k-exp</c>.</param>
    public static Result<string> Concatenated(string nonce, JsonElement key)
    {
        if (!Text(key, "k-mod", "n").TryGet(out string? modulus, out Refusal? refusal) || !Text(key, "k-exp", "e").TryGet(out string? exponent, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        return nonce + modulus + exponent;
    }

    // The server drops what the protocol does not list before it hashes (kbs.md 2.5), so the guest must, too.
    private static JsonObject Members(Jwk key)
    {
        JsonObject json = key.ToJson();
        foreach (string name in (ReadOnlySpan<string>)["kid", "use", "x5u", "x5c"])
        {
            json.Remove(name);
        }

        return json;
    }

    private static Result<string> Text(JsonElement key, string oldest, string name) =>
        HostileJson.RequireString(key, key.ValueKind == JsonValueKind.Object && key.TryGetProperty(oldest, out _) ? oldest : name);
}
