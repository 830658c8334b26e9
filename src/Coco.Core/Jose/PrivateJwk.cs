// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;

namespace Coco;

/// <summary>The private members of a JWK (RFC 7518 sections 6.2.2 and 6.3.2). The caller clears what it gets.</summary>
internal static class PrivateJwk
{
    public static Result<byte[]> Bytes(JsonElement element, string name)
    {
        if (!HostileJson.RequireString(element, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal.Within("private key");
        }

        return StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out refusal) ? bytes : refusal.Within("private key: " + name);
    }

    public static Result<ECParameters> Ec(JsonElement element, Jwk jwk)
    {
        if (!Bytes(element, "d").TryGet(out byte[]? d, out Refusal? refusal))
        {
            return refusal;
        }

        if (d.Length != NamedCurve.OfName(jwk.Curve)!.FieldBytes)
        {
            return new Refusal(RefusalCode.Malformed, "private key: 'd' has the wrong length");
        }

        ECParameters p = jwk.EcParameters();
        p.D = d;
        return p;
    }

    /// <summary>Two primes; keys with more are refused by the missing match of their numbers.</summary>
    public static Result<RSAParameters> Rsa(JsonElement element, Jwk jwk)
    {
        if (!Bytes(element, "d").TryGet(out byte[]? d, out Refusal? refusal) || !Bytes(element, "p").TryGet(out byte[]? p, out refusal)
            || !Bytes(element, "q").TryGet(out byte[]? q, out refusal) || !Bytes(element, "dp").TryGet(out byte[]? dp, out refusal)
            || !Bytes(element, "dq").TryGet(out byte[]? dq, out refusal) || !Bytes(element, "qi").TryGet(out byte[]? qi, out refusal))
        {
            return refusal;
        }

        RSAParameters numbers = jwk.RsaParameters();
        if (VerificationKey.CheckRsa(numbers) is { } weak)
        {
            return weak;
        }

        (numbers.D, numbers.P, numbers.Q, numbers.DP, numbers.DQ, numbers.InverseQ) = (d, p, q, dp, dq, qi);
        return numbers;
    }

    public static void Clear(RSAParameters p)
    {
        foreach (byte[]? part in (byte[]?[])[p.D, p.P, p.Q, p.DP, p.DQ, p.InverseQ])
        {
            CryptographicOperations.ZeroMemory(part);
        }
    }
}
