// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>A set of JWE key management algorithms (RFC 7518 section 4.1). The content encryption is always A256GCM.</summary>
[Flags]
public enum JweAlgorithms
{
    /// <summary>The empty set: refuses everything.</summary>
    None = 0,

    /// <summary><c>RSA-OAEP-256</c>.</summary>
    RsaOaep256 = 1,

    /// <summary><c>ECDH-ES+A256KW</c>.</summary>
    EcdhEsA256Kw = 2,

    /// <summary><c>ML-KEM-768+A192KW</c> (draft-ietf-jose-pqc-kem-05): experimental.</summary>
    MlKem768A192Kw = 4,

    /// <summary><c>RSA1_5</c>: for guests of protocol 0.1.x, which know nothing else.</summary>
    Rsa15 = 8,

    /// <summary><c>RSA-OAEP</c> (with SHA-1): encrypted images made with RSA keys (images.md 4).</summary>
    RsaOaep = 16,

    /// <summary>What a key broker's answer is sealed with (kbs.md 4.2).</summary>
    KeyBroker = RsaOaep256 | EcdhEsA256Kw,

    /// <summary>What encrypted images use (images.md 4).</summary>
    Image = RsaOaep | RsaOaep256 | EcdhEsA256Kw,
}
