// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>Signature algorithms of certificates and revocation lists; as flags, the allow-list of a purpose.</summary>
[Flags]
public enum CertificateSignatureAlgorithms
{
    /// <summary>None: refuses every signature.</summary>
    None = 0,

    /// <summary>ECDSA with SHA-256 (1.2.840.10045.4.3.2).</summary>
    EcdsaSha256 = 1,

    /// <summary>ECDSA with SHA-384 (1.2.840.10045.4.3.3).</summary>
    EcdsaSha384 = 2,

    /// <summary>ECDSA with SHA-512 (1.2.840.10045.4.3.4).</summary>
    EcdsaSha512 = 4,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256 (1.2.840.113549.1.1.11).</summary>
    RsaPkcs1Sha256 = 8,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-384 (1.2.840.113549.1.1.12).</summary>
    RsaPkcs1Sha384 = 16,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-512 (1.2.840.113549.1.1.13).</summary>
    RsaPkcs1Sha512 = 32,

    /// <summary>RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt length 32.</summary>
    RsaPssSha256 = 64,

    /// <summary>RSASSA-PSS with SHA-384, MGF1 with SHA-384, salt length 48.</summary>
    RsaPssSha384 = 128,

    /// <summary>RSASSA-PSS with SHA-512, MGF1 with SHA-512, salt length 64.</summary>
    RsaPssSha512 = 256,
}
