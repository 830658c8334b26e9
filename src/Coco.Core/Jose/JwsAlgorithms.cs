// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>A set of JWS signature algorithms (RFC 7518 section 3.1, RFC 8037). HMAC and <c>none</c> have no value here, so no allow-list can contain them.</summary>
[Flags]
public enum JwsAlgorithms
{
    /// <summary>The empty set: refuses every signature.</summary>
    None = 0,

    /// <summary>ECDSA P-256 with SHA-256.</summary>
    ES256 = 1,

    /// <summary>ECDSA P-384 with SHA-384.</summary>
    ES384 = 2,

    /// <summary>ECDSA P-521 with SHA-512.</summary>
    ES512 = 4,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-256.</summary>
    RS256 = 8,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-384.</summary>
    RS384 = 16,

    /// <summary>RSASSA-PKCS1-v1_5 with SHA-512.</summary>
    RS512 = 32,

    /// <summary>RSASSA-PSS with SHA-256.</summary>
    PS256 = 64,

    /// <summary>RSASSA-PSS with SHA-384.</summary>
    PS384 = 128,

    /// <summary>RSASSA-PSS with SHA-512.</summary>
    PS512 = 256,

    /// <summary>Ed25519.</summary>
    EdDSA = 512,

    /// <summary>All RSA algorithms.</summary>
    Rsa = RS256 | RS384 | RS512 | PS256 | PS384 | PS512,

    /// <summary>What an attestation token of a foreign issuer may be signed with (kbs.md 5.1).</summary>
    AttestationToken = ES256 | ES384 | RS256 | RS384 | PS256 | PS384,

    /// <summary>What an administrator's token may be signed with (kbs.md 6.2).</summary>
    AdminToken = EdDSA | ES256 | ES384 | RS256 | RS384 | RS512 | PS256 | PS384 | PS512,
}
