// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>What <c>io.jwt.decode_verify</c> demands of a token.</summary>
internal sealed class JwtConstraints : IDisposable
{
    private List<JwtKey>? _keys;
    private JwtKey? _secret;
    private RegoNumber _time = RegoNumber.Zero;

    private JwtConstraints()
    {
    }

    private string? Algorithm { get; set; }

    private string? Issuer { get; set; }

    private string? Audience { get; set; }

    /// <summary>Reads the object; null after a failure.</summary>
    public static JwtConstraints? Read(BuiltinContext context, RegoObject members)
    {
        var constraints = new JwtConstraints();
        for (var i = 0; i < members.Count; i++)
        {
            if (constraints.Member(members.Keys[i].ToDisplayString(), members.Values[i]) is { } error)
            {
                constraints.Dispose();
                context.Fail(error);
                return null;
            }
        }

        if ((constraints._keys is null) == (constraints._secret is null))
        {
            context.Fail(constraints._keys is null ? "no key constraint" : "duplicate key constraints");
            constraints.Dispose();
            return null;
        }

        if (members.Get("time") is null)
        {
            constraints._time = RegoNumber.Of(context.NowNanoseconds);
        }

        return constraints;
    }

    /// <summary>Whether the algorithm is the one demanded, where one is.</summary>
    public bool Allows(string algorithm) => Algorithm is null || Algorithm == algorithm;

    /// <summary>Whether one of the keys made the signature. The key that the token names is tried alone.</summary>
    public bool Verify(JwtToken token, JwtAlgorithm algorithm, byte[] signature)
    {
        var text = token.SignedBytes;
        if (_secret is not null)
        {
            return algorithm.Family == JwtFamily.Hmac && _secret.Verify(algorithm, text, signature);
        }

        if (algorithm.Family == JwtFamily.Hmac)
        {
            // A public key is no secret: a token "signed" with it proves nothing.
            return false;
        }

        var named = token.KeyId.Length == 0 ? null : _keys!.Find(key => key.Id == token.KeyId);
        return (named is null ? _keys! : [named]).Exists(key =>
            (key.Algorithm.Length == 0 || key.Algorithm == token.Algorithm) && key.Verify(algorithm, text, signature));
    }

    /// <summary>Whether the claims meet the demands; null after a failure.</summary>
    public bool? Meets(BuiltinContext context, RegoObject claims)
    {
        if (Issuer is not null && !(claims.Get("iss") is RegoString issuer && issuer.Value == Issuer))
        {
            return false;
        }

        if (!IsAudience(claims.Get("aud")))
        {
            return false;
        }

        // Claims are in seconds, the constraint in nanoseconds.
        var seconds = RegoNumber.Divide(_time, RegoNumber.Of(1_000_000_000));
        if (claims.Get("exp") is { } expiry)
        {
            if (expiry is not RegoNumber until)
            {
                context.Fail("exp value must be a number");
                return null;
            }

            if (seconds.CompareTo(until) >= 0)
            {
                return false;
            }
        }

        if (claims.Get("nbf") is { } notBefore)
        {
            if (notBefore is not RegoNumber from)
            {
                context.Fail("nbf value must be a number");
                return null;
            }

            if (seconds.CompareTo(from) < 0)
            {
                return false;
            }
        }

        return true;
    }

    public void Dispose()
    {
        _keys?.ForEach(static key => key.Dispose());
        _secret?.Dispose();
    }

    private bool IsAudience(RegoValue? audience) => audience switch
    {
        null => Audience is null,
        RegoString one => one.Value == Audience,
        RegoArray many => Audience is not null && many.Items.Contains(RegoString.Of(Audience)),
        _ => false,
    };

    private string? Member(string name, RegoValue value)
    {
        if (name == "time")
        {
            if (value is not RegoNumber time)
            {
                return "token time constraint: must be a number";
            }

            _time = time;
            return null;
        }

        if (name is not ("cert" or "secret" or "alg" or "iss" or "aud"))
        {
            return $"unknown token validation constraint: {name}";
        }

        if (value is not RegoString text)
        {
            return $"{name} constraint: must be a string";
        }

        switch (name)
        {
            case "cert":
                if (!JwtKey.TryReadPublic(text.Value, out var keys, out var error))
                {
                    return error;
                }

                _keys = keys;
                break;
            case "secret":
                _secret = JwtKey.OfSecret(text.Value);
                break;
            case "alg":
                Algorithm = text.Value;
                break;
            case "iss":
                Issuer = text.Value;
                break;
            default:
                Audience = text.Value;
                break;
        }

        return null;
    }
}
