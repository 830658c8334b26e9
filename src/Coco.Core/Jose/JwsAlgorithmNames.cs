// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco;

/// <summary>The <c>alg</c> names of <see cref="JwsAlgorithms"/>.</summary>
public static class JwsAlgorithmNames
{
    /// <summary>The algorithm of a name; false for unknown ones, <c>none</c> and HMAC. <c>Ed25519</c> (RFC 9864) means the same as <c>EdDSA</c> here.</summary>
    public static bool TryParse(string? name, out JwsAlgorithms algorithm)
    {
        algorithm = name switch
        {
            "ES256" => JwsAlgorithms.ES256,
            "ES384" => JwsAlgorithms.ES384,
            "ES512" => JwsAlgorithms.ES512,
            "RS256" => JwsAlgorithms.RS256,
            "RS384" => JwsAlgorithms.RS384,
            "RS512" => JwsAlgorithms.RS512,
            "PS256" => JwsAlgorithms.PS256,
            "PS384" => JwsAlgorithms.PS384,
            "PS512" => JwsAlgorithms.PS512,
            "EdDSA" or "Ed25519" => JwsAlgorithms.EdDSA,
            _ => JwsAlgorithms.None,
        };
        return algorithm != JwsAlgorithms.None;
    }

    /// <summary>The name of a single algorithm.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not exactly one.</exception>
    public static string ToName(this JwsAlgorithms algorithm) => algorithm switch
    {
        JwsAlgorithms.ES256 => "ES256",
        JwsAlgorithms.ES384 => "ES384",
        JwsAlgorithms.ES512 => "ES512",
        JwsAlgorithms.RS256 => "RS256",
        JwsAlgorithms.RS384 => "RS384",
        JwsAlgorithms.RS512 => "RS512",
        JwsAlgorithms.PS256 => "PS256",
        JwsAlgorithms.PS384 => "PS384",
        JwsAlgorithms.PS512 => "PS512",
        JwsAlgorithms.EdDSA => "EdDSA",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    internal static HashAlgorithmName Hash(this JwsAlgorithms algorithm) => algorithm switch
    {
        JwsAlgorithms.ES256 or JwsAlgorithms.RS256 or JwsAlgorithms.PS256 => HashAlgorithmName.SHA256,
        JwsAlgorithms.ES384 or JwsAlgorithms.RS384 or JwsAlgorithms.PS384 => HashAlgorithmName.SHA384,
        JwsAlgorithms.ES512 or JwsAlgorithms.RS512 or JwsAlgorithms.PS512 => HashAlgorithmName.SHA512,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    internal static RSASignaturePadding RsaPadding(this JwsAlgorithms algorithm) =>
        (algorithm & (JwsAlgorithms.PS256 | JwsAlgorithms.PS384 | JwsAlgorithms.PS512)) != JwsAlgorithms.None ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;

    internal static JwsAlgorithms OfCurve(NamedCurve curve) => curve.FieldBytes switch
    {
        32 => JwsAlgorithms.ES256,
        48 => JwsAlgorithms.ES384,
        _ => JwsAlgorithms.ES512,
    };
}
