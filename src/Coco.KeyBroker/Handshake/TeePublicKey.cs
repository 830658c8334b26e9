// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.KeyBroker;

/// <summary>The key that a guest made for its answers (kbs.md 2.5): checked to be usable, with the texts as the guest sent them.</summary>
internal sealed class TeePublicKey
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
        if (m.Length is < 256 or > 1024 || (m[0] & 0x80) == 0 && m.Length == 256 || (m[^1] & 1) == 0)
        {
            return Bad("RSA modulus is not an odd number of 2048 to 8192 bits");
        }

        if (x.Length is 0 or > 4 || (x[^1] & 1) == 0 || (x.Length == 1 && x[0] < 3))
        {
            return Bad("RSA exponent is not an odd number from 3 on");
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

        if (alg != "ECDH-ES+A256KW")
        {
            return new Refusal(RefusalCode.Unsupported, "tee-pubkey: algorithm of an EC key is not ECDH-ES+A256KW") { Field = "alg" };
        }

        if (NistCurve.Find(crv) is not { } curve)
        {
            return new Refusal(RefusalCode.Unsupported, "tee-pubkey: curve is none of P-256, P-521") { Field = "crv" };
        }

        if (!StrictBase64.DecodeUrl(x).TryGet(out byte[]? xBytes, out refusal) || !StrictBase64.DecodeUrl(y).TryGet(out byte[]? yBytes, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        if (!curve.IsOnCurve(xBytes, yBytes))
        {
            return Bad("coordinates are no point of the curve in its fixed length");
        }

        (string, string)[] members = [("kty", "EC"), ("crv", crv), ("alg", alg), ("x", x), ("y", y)];
        return new TeePublicKey(members, members, isRsa15: false, hasType: true);
    }

    private static Result<TeePublicKey> ParseAkp(JsonElement element, string alg)
    {
        if (!HostileJson.RequireString(element, "pub").TryGet(out string? pub, out Refusal? refusal)
            || !StrictBase64.DecodeUrl(pub).TryGet(out byte[]? bytes, out refusal))
        {
            return refusal.Within("tee-pubkey");
        }

        if (alg != "ML-KEM-768+A192KW" || bytes.Length != 1184)
        {
            return new Refusal(RefusalCode.Unsupported, "tee-pubkey: an AKP key is ML-KEM-768+A192KW with 1184 bytes") { Field = "alg" };
        }

        (string, string)[] members = [("kty", "AKP"), ("alg", alg), ("pub", pub)];
        return new TeePublicKey(members, members, isRsa15: false, hasType: true);
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
