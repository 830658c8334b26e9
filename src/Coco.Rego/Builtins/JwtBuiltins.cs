// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Builtins.Crypto;
using Coco.Rego.Builtins.Json;
using Coco.Rego.Builtins.Text;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>JSON Web Tokens.</summary>
internal static class JwtBuiltins
{
    private const int MaxNesting = 16;
    private const int VerifySteps = 1_000;
    private const int SignSteps = 10_000;

    internal static IEnumerable<Builtin> All() =>
    [
        new("io.jwt.decode", [Str], static (c, a) => Decode(c, a[0].TextOf())),
        new("io.jwt.decode_verify", [Str, Obj], static (c, a) => DecodeVerify(c, a[0].TextOf(), (RegoObject)a[1])),
        new("io.jwt.encode_sign", [Obj, Obj, Obj], static (c, a) => EncodeSign(c, JsonText.Write(c, a[0], JsonText.Style.Compact), JsonText.Write(c, a[1], JsonText.Style.Compact), a[2])),
        new("io.jwt.encode_sign_raw", [Str, Str, Str], static (c, a) => EncodeSign(c, a[0].TextOf(), a[1].TextOf(), a[2])),
        .. from name in (string[])["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
           select new Builtin("io.jwt.verify_" + name.ToLowerInvariant(), [Str, Str], (c, a) => Verify(c, name, a[0].TextOf(), a[1].TextOf(), isSecret: false)),
        .. from name in (string[])["HS256", "HS384", "HS512"]
           select new Builtin("io.jwt.verify_" + name.ToLowerInvariant(), [Str, Str], (c, a) => Verify(c, name, a[0].TextOf(), a[1].TextOf(), isSecret: true)),
    ];

    private static RegoValue? Decode(BuiltinContext context, string text)
    {
        for (var level = 0; level < MaxNesting; level++)
        {
            context.Charge(text.Length / 16);
            if (!JwtToken.TryParse(text, out var token, out var error)
                || !token.TryReadPayload(out var claims, out var nested, out error)
                || !token.TryReadSignature(out var signature, out error))
            {
                return context.Fail(error);
            }

            if (nested is null)
            {
                return RegoArray.Of(token.Header, claims, Convert.ToHexStringLower(signature));
            }

            text = nested;
        }

        return context.Fail("tokens nest too deeply");
    }

    private static RegoValue? Verify(BuiltinContext context, string name, string text, string keyText, bool isSecret)
    {
        context.Charge((text.Length + keyText.Length) / 16);
        if (!JwtToken.TryParse(text, out var token, out var error) || !token.TryReadSignature(out var signature, out error))
        {
            return context.Fail(error);
        }

        List<JwtKey> keys = isSecret ? [JwtKey.OfSecret(keyText)] : [];
        if (!isSecret && !JwtKey.TryReadPublic(keyText, out keys, out error))
        {
            return context.Fail(error);
        }

        try
        {
            context.Charge((long)keys.Count * VerifySteps);
            var bytes = token.SignedBytes;
            return JwtAlgorithm.TryParse(name, out var algorithm)
                && token.Algorithm == name
                && keys.Exists(key => (key.Algorithm.Length == 0 || key.Algorithm == name) && key.Verify(algorithm, bytes, signature));
        }
        finally
        {
            keys.ForEach(static key => key.Dispose());
        }
    }

    private static RegoValue? DecodeVerify(BuiltinContext context, string text, RegoObject constraintMembers)
    {
        using var constraints = JwtConstraints.Read(context, constraintMembers);
        if (constraints is null)
        {
            return null;
        }

        var unverified = RegoArray.Of(false, RegoObject.Empty, RegoObject.Empty);
        for (var level = 0; level < MaxNesting; level++)
        {
            context.Charge(VerifySteps + (text.Length / 16));
            if (!JwtToken.TryParse(text, out var token, out var error) || !token.TryReadSignature(out var signature, out error))
            {
                return context.Fail(error);
            }

            // No extension is understood here, so none that is critical may be there (RFC 7515 section 4.1.11).
            if (token.Algorithm.Length == 0 || token.Header.Get("crit") is not null || !constraints.Allows(token.Algorithm))
            {
                return unverified;
            }

            if (!JwtAlgorithm.TryParse(token.Algorithm, out var algorithm))
            {
                return context.Fail($"unknown JWS algorithm: {token.Algorithm}");
            }

            if (!constraints.Verify(token, algorithm, signature))
            {
                return unverified;
            }

            if (!token.TryReadPayload(out var claims, out var nested, out error))
            {
                return context.Fail(error);
            }

            if (nested is null)
            {
                return constraints.Meets(context, claims) is { } meets ? (meets ? RegoArray.Of(true, token.Header, claims) : unverified) : null;
            }

            text = nested;
        }

        return context.Fail("tokens nest too deeply");
    }

    private static RegoValue? EncodeSign(BuiltinContext context, string headerText, string payload, RegoValue keyValue)
    {
        context.Charge(SignSteps + ((headerText.Length + payload.Length) / 16));
        var header = RegoValue.ParseJson(headerText).TryGet(out var headerValue, out _) ? headerValue as RegoObject : null;
        if (header?.Get("alg") is not RegoString algorithmName)
        {
            return context.Fail("missing or invalid 'alg' header: jwsbb: header \"alg\" not found");
        }

        if (!JwtAlgorithm.TryParse(algorithmName.Value, out var algorithm))
        {
            return context.Fail($"unknown JWS algorithm: {algorithmName.Value}");
        }

        if (header.Get("typ") is RegoString { Value: "JWT" } && RegoValue.ParseJson(payload).Refusal is not null)
        {
            return context.Fail("type is JWT but payload is not JSON");
        }

        var jwk = keyValue as RegoObject
            ?? (keyValue is RegoString text && RegoValue.ParseJson(text.Value).TryGet(out var parsed, out _) ? parsed as RegoObject : null);
        using var key = jwk is null ? null : JwtKey.OfJwk(jwk, isPrivate: true);
        if (key is null)
        {
            return context.Fail("failed to parse the JWK key");
        }

        var signed = Encode(headerText) + "." + Encode(payload);
        return key.Sign(algorithm, Encoding.ASCII.GetBytes(signed)) is { } signature
            ? context.Output(signed + "." + Base64Text.EncodeUrl(signature, padded: false))
            : context.Fail($"the key does not sign with {algorithmName.Value}");
    }

    private static string Encode(string text) => Base64Text.EncodeUrl(Encoding.UTF8.GetBytes(text), padded: false);
}
