// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Tee.Tpm;

/// <summary>TPM_ALG_ID values (TPM 2.0 Library, Part 2, section 6.3).</summary>
public enum TpmAlgorithm : ushort
{
    /// <summary>No value.</summary>
    Error = 0x0000,

    /// <summary>RSA.</summary>
    Rsa = 0x0001,

    /// <summary>SHA-1.</summary>
    Sha1 = 0x0004,

    /// <summary>AES.</summary>
    Aes = 0x0006,

    /// <summary>SHA-256.</summary>
    Sha256 = 0x000B,

    /// <summary>SHA-384.</summary>
    Sha384 = 0x000C,

    /// <summary>SHA-512.</summary>
    Sha512 = 0x000D,

    /// <summary>None.</summary>
    Null = 0x0010,

    /// <summary>SM3 with 256 bits.</summary>
    Sm3 = 0x0012,

    /// <summary>RSASSA-PKCS1-v1_5.</summary>
    RsaSsa = 0x0014,

    /// <summary>RSAES-PKCS1-v1_5.</summary>
    RsaEs = 0x0015,

    /// <summary>RSASSA-PSS.</summary>
    RsaPss = 0x0016,

    /// <summary>RSAES-OAEP.</summary>
    Oaep = 0x0017,

    /// <summary>ECDSA.</summary>
    EcDsa = 0x0018,

    /// <summary>Elliptic curves.</summary>
    Ecc = 0x0023,
}

/// <summary>What the hashes among <see cref="TpmAlgorithm"/> are elsewhere.</summary>
public static class TpmAlgorithms
{
    /// <summary>Digest length in bytes; 0 for what is no hash known here.</summary>
    public static int DigestSize(this TpmAlgorithm algorithm) => algorithm switch
    {
        TpmAlgorithm.Sha1 => 20,
        TpmAlgorithm.Sha256 or TpmAlgorithm.Sm3 => 32,
        TpmAlgorithm.Sha384 => 48,
        TpmAlgorithm.Sha512 => 64,
        _ => 0,
    };

    /// <summary>The platform's name of a hash that may carry a signature here; false for SHA-1, SM3 and everything else.</summary>
    public static bool TryGetSignatureHash(this TpmAlgorithm algorithm, out HashAlgorithmName name)
    {
        name = algorithm switch
        {
            TpmAlgorithm.Sha256 => HashAlgorithmName.SHA256,
            TpmAlgorithm.Sha384 => HashAlgorithmName.SHA384,
            TpmAlgorithm.Sha512 => HashAlgorithmName.SHA512,
            _ => default,
        };
        return name.Name is not null;
    }
}
