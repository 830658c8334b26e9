// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>The <c>alg</c> names of <see cref="JweAlgorithms"/>.</summary>
public static class JweAlgorithmNames
{
    internal const string MlKem768A192Kw = "ML-KEM-768+A192KW";
    internal const string EcdhEsA256Kw = "ECDH-ES+A256KW";
    internal const string Encryption = "A256GCM";

    /// <summary>The algorithm of a name; false for unknown ones.</summary>
    public static bool TryParse(string? name, out JweAlgorithms algorithm)
    {
        algorithm = name switch
        {
            "RSA-OAEP-256" => JweAlgorithms.RsaOaep256,
            EcdhEsA256Kw => JweAlgorithms.EcdhEsA256Kw,
            MlKem768A192Kw => JweAlgorithms.MlKem768A192Kw,
            "RSA1_5" => JweAlgorithms.Rsa15,
            "RSA-OAEP" => JweAlgorithms.RsaOaep,
            _ => JweAlgorithms.None,
        };
        return algorithm != JweAlgorithms.None;
    }

    /// <summary>The name of a single algorithm.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not exactly one.</exception>
    public static string ToName(this JweAlgorithms algorithm) => algorithm switch
    {
        JweAlgorithms.RsaOaep256 => "RSA-OAEP-256",
        JweAlgorithms.EcdhEsA256Kw => EcdhEsA256Kw,
        JweAlgorithms.MlKem768A192Kw => MlKem768A192Kw,
        JweAlgorithms.Rsa15 => "RSA1_5",
        JweAlgorithms.RsaOaep => "RSA-OAEP",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    internal static System.Security.Cryptography.RSAEncryptionPadding RsaPadding(this JweAlgorithms algorithm) => algorithm switch
    {
        JweAlgorithms.RsaOaep256 => System.Security.Cryptography.RSAEncryptionPadding.OaepSHA256,
        JweAlgorithms.RsaOaep => System.Security.Cryptography.RSAEncryptionPadding.OaepSHA1,
        JweAlgorithms.Rsa15 => System.Security.Cryptography.RSAEncryptionPadding.Pkcs1,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };
}
