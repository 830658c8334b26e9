// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>The forms in which a JWE for one recipient is written.</summary>
public enum JweSerialization
{
    /// <summary>Flattened JSON (RFC 7516 section 7.2.2) with <c>protected, encrypted_key, iv, ciphertext, tag</c> in this order.</summary>
    Flattened,

    /// <summary>Compact (RFC 7516 section 7.1).</summary>
    Compact,

    /// <summary>The body of protocol 0.1.x (kbs.md 4.5): header as plain text and not authenticated, tag at the end of the ciphertext. RSA1_5 only.</summary>
    Legacy,
}
