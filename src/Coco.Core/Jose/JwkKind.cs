// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>The <c>kty</c> of a JWK.</summary>
public enum JwkKind
{
    /// <summary><c>EC</c>: P-256, P-384 or P-521 (RFC 7518 section 6.2).</summary>
    EllipticCurve,

    /// <summary><c>RSA</c> (RFC 7518 section 6.3).</summary>
    Rsa,

    /// <summary><c>OKP</c> with Ed25519 (RFC 8037).</summary>
    OctetKeyPair,

    /// <summary><c>AKP</c>, here ML-KEM-768 (draft-ietf-jose-pqc-kem-05).</summary>
    AlgorithmKeyPair,
}
