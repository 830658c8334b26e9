// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>Kinds of signature of tokens.</summary>
internal enum JwtFamily : byte
{
    Hmac,
    RsaPkcs1,
    RsaPss,
    Ecdsa,
    EdDsa,
}

/// <summary>A signature algorithm of RFC 7518 or RFC 8037.</summary>
/// <param name="Family">Its kind.</param>
/// <param name="Hash">The digest.</param>
internal readonly record struct JwtAlgorithm(JwtFamily Family, HashAlgorithmName Hash)
{
    /// <summary>The curve that an ECDSA algorithm stands for, by its size.</summary>
    public int CurveBits => Hash == HashAlgorithmName.SHA256 ? 256 : Hash == HashAlgorithmName.SHA384 ? 384 : 521;

    /// <summary>The algorithm of a name; there is none for <c>none</c>.</summary>
    public static bool TryParse(string name, out JwtAlgorithm algorithm)
    {
        algorithm = default;
        if (name == "EdDSA")
        {
            algorithm = new JwtAlgorithm(JwtFamily.EdDsa, HashAlgorithmName.SHA512);
            return true;
        }

        if (name.Length != 5)
        {
            return false;
        }

        JwtFamily? family = name[..2] switch
        {
            "HS" => JwtFamily.Hmac,
            "RS" => JwtFamily.RsaPkcs1,
            "PS" => JwtFamily.RsaPss,
            "ES" => JwtFamily.Ecdsa,
            _ => null,
        };
        HashAlgorithmName? hash = name[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            "512" => HashAlgorithmName.SHA512,
            _ => null,
        };
        if (family is null || hash is null)
        {
            return false;
        }

        algorithm = new JwtAlgorithm(family.Value, hash.Value);
        return true;
    }
}
