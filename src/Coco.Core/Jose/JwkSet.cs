// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco;

/// <summary>A JWK set (RFC 7517 section 5).</summary>
/// <param name="Keys">The keys that this library understands, in their order.</param>
public sealed record JwkSet(ImmutableArray<Jwk> Keys)
{
    private const int MaxKeys = 256;

    /// <summary>Reads the document. Keys of unknown type, curve or form are left out, as RFC 7517 section 5 demands; a document of another shape is refused.</summary>
    public static Result<JwkSet> Parse(JsonElement document)
    {
        if (document.ValueKind != JsonValueKind.Object || !document.TryGetProperty("keys", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "a JWK set is an object with an array 'keys'") { Field = "keys" };
        }

        if (list.GetArrayLength() > MaxKeys)
        {
            return new Refusal(RefusalCode.TooLarge, $"a JWK set may hold {MaxKeys} keys");
        }

        ImmutableArray<Jwk>.Builder keys = ImmutableArray.CreateBuilder<Jwk>();
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (Jwk.Parse(item).TryGet(out Jwk? key, out _))
            {
                keys.Add(key);
            }
        }

        return new JwkSet(keys.ToImmutable());
    }

    /// <summary>Reads the document from UTF-8.</summary>
    public static Result<JwkSet> Parse(ReadOnlySpan<byte> utf8) =>
        HostileJson.ParseObject(utf8).TryGet(out JsonElement document, out Refusal? refusal) ? Parse(document) : refusal;

    /// <summary>The first key with that <c>kid</c>; null when there is none.</summary>
    public Jwk? Find(string keyId)
    {
        foreach (Jwk key in Keys)
        {
            if (string.Equals(key.KeyId, keyId, StringComparison.Ordinal))
            {
                return key;
            }
        }

        return null;
    }

    /// <summary>The document.</summary>
    public JsonObject ToJson() => new() { ["keys"] = new JsonArray([.. Keys.Select(k => (JsonNode)k.ToJson())]) };
}
