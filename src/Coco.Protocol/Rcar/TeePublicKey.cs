// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>The key that a guest made for its answers (kbs.md 2.5): checked to be usable, with the texts as the guest sent them.</summary>
public sealed class TeePublicKey
{
    private readonly (string Name, string Value)[] _sent;
    private readonly (string Name, string Value)[] _normal;

    private TeePublicKey((string Name, string Value)[] sent, (string Name, string Value)[] normal, bool isRsa15, bool hasType)
    {
        _sent = sent;
        _normal = normal;
        IsRsa15 = isRsa15;
        HasType = hasType;
    }

    /// <summary>Whether answers to it would use PKCS #1 v1.5.</summary>
    public bool IsRsa15 { get; }

    /// <summary>Whether the guest sent <c>kty</c>; the oldest do not.</summary>
    public bool HasType { get; }

    /// <summary>Modulus and exponent as they were sent, one after the other; empty for other keys.</summary>
    public string ConcatenatedRsaTexts { get; private init; } = string.Empty;

    /// <summary>The form that tokens carry: with <c>kty</c>, values in base64url, members in the protocol's order.</summary>
    public JsonObject ToJwk() => ToObject(_normal);

    /// <summary>The members as the guest spelled their values (with <c>kty</c>), in the protocol's order.</summary>
    public JsonObject ToJwkAsSent() => ToObject(_sent);

    /// <summary>Reads the key of an <c>attest</c> body.</summary>
    /// <param name="element">The member.</param>
    /// <param name="version">0.1.0 guests may leave out <c>kty</c>, write <c>k-mod</c> and <c>k-exp</c>, and use either base64 alphabet.</param>
    public static Result<TeePublicKey> Parse(JsonElement element, ProtocolVersion version)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return Bad("is not an object");
        }

        bool oldest = version == ProtocolVersion.V0_1_0;
        string kty;
        bool hasType = element.TryGetProperty("kty", out _);
        if (hasType)
        {
            if (!HostileJson.RequireString(element, "kty").TryGet(out string? text, out Refusal? refusal))
            {
                return refusal.Within("tee-pubkey");
            }

            kty = text;
        }
        else if (oldest)
        {
            kty = "RSA";
        }
        else
        {
            return Bad("has no 'kty'");
        }

        if (!HostileJson.RequireString(element, "alg").TryGet(out string? alg, out Refusal? why))
        {
            return why.Within("tee-pubkey");
        }

        return kty switch
        {
            "RSA" => ParseRsa(element, alg, oldest, hasType),
            "EC" => ParseEc(element, alg),
            "AKP" => ParseAkp(element, alg),
            _ => new Refusal(RefusalCode.Unsupported, "tee-pubkey: key type is none of RSA, EC, AKP") { Field = "kty" },
        };
    }

    private static Result<TeePublicKey> ParseRsa(JsonElement element, string alg, bool oldest, bool hasType)
    {
        if (alg is not ("RSA1_5" or "RSA-OAEP-256"))
        {
            return new Refusal(RefusalCode.Unsupported, "tee-pubkey: algorithm of an RSA key is none of RSA1_5, RSA-OAEP-256") { Field = "alg" };
        }

        string modulusName = oldest && element.TryGetProperty("k-mod", out _) ? "k-mod" : "n";
        string exponentName = oldest && element.TryGetProperty("k-exp", out _) ? "k-exp" : "e";
        if (!HostileJson.RequireString(element, modulusName).TryGet(out string? n, out Refusal? refusal)
            || !HostileJson.RequireString(element, exponentName).TryGet(out string? e, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        Result<byte[]> modulusResult = oldest ? StrictBase64.DecodeLenient(n) : StrictBase64.DecodeUrl(n);
        Result<byte[]> exponentResult = oldest ? StrictBase64.DecodeLenient(e) : StrictBase64.DecodeUrl(e);
        if (!modulusResult.TryGet(out byte[]? modulus, out refusal) || !exponentResult.TryGet(out byte[]? exponent, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        ReadOnlySpan<byte> m = modulus.AsSpan().TrimStart((byte)0);
        ReadOnlySpan<byte> x = exponent.AsSpan().TrimStart((byte)0);
        if (CheckUsable(Jwk.FromRsa(m, x, alg)) is { } unusable)
        {
            return unusable;
        }

        return new TeePublicKey(
            [("kty", "RSA"), ("alg", alg), ("n", n), ("e", e)],
            [("kty", "RSA"), ("alg", alg), ("n", StrictBase64.EncodeUrl(m)), ("e", StrictBase64.EncodeUrl(x))],
            alg == "RSA1_5",
            hasType)
        { ConcatenatedRsaTexts = n + e };
    }

    private static Result<TeePublicKey> ParseEc(JsonElement element, string alg)
    {
        if (!HostileJson.RequireString(element, "crv").TryGet(out string? crv, out Refusal? refusal)
            || !HostileJson.RequireString(element, "x").TryGet(out string? x, out refusal)
            || !HostileJson.RequireString(element, "y").TryGet(out string? y, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        if (!Jwk.Parse(element).TryGet(out Jwk? jwk, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        if (CheckUsable(jwk) is { } unusable)
        {
            return unusable;
        }

        (string, string)[] members = [("kty", "EC"), ("crv", crv), ("alg", alg), ("x", x), ("y", y)];
        return new TeePublicKey(members, members, isRsa15: false, hasType: true);
    }

    private static Result<TeePublicKey> ParseAkp(JsonElement element, string alg)
    {
        if (!HostileJson.RequireString(element, "pub").TryGet(out string? pub, out Refusal? refusal) || !Jwk.Parse(element).TryGet(out Jwk? jwk, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        if (CheckUsable(jwk) is { } unusable)
        {
            return unusable;
        }

        (string, string)[] members = [("kty", "AKP"), ("alg", alg), ("pub", pub)];
        return new TeePublicKey(members, members, isRsa15: false, hasType: true);
    }

    // Whatever could not be answered to later is refused now (kbs.md 2.5): algorithm and key fit, the point is on its curve, RSA has 2048 bits.
    private static Refusal? CheckUsable(Jwk jwk)
    {
        if (!JweRecipient.Create(jwk, JweAlgorithms.KeyBroker | JweAlgorithms.Rsa15 | JweAlgorithms.MlKem768A192Kw).TryGet(out JweRecipient? recipient, out Refusal? refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        recipient.Dispose();
        return null;
    }

    private static JsonObject ToObject((string Name, string Value)[] members)
    {
        var result = new JsonObject();
        foreach ((string name, string value) in members)
        {
            result.Add(name, JsonValue.Create(value));
        }

        return result;
    }

    private static Refusal Bad(string what) => new(RefusalCode.Malformed, "tee-pubkey " + what) { Field = "tee-pubkey" };
}
