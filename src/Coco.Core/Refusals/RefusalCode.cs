// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>The kind of a <see cref="Refusal"/>. Tests and error mappers look at this, never at the text.</summary>
public enum RefusalCode
{
    /// <summary>The bytes do not have the form that their format demands.</summary>
    Malformed,

    /// <summary>Well-formed, but of a version, algorithm or kind that is not accepted here.</summary>
    Unsupported,

    /// <summary>A size, count, depth or step limit was reached.</summary>
    TooLarge,

    /// <summary>A signature, MAC or authenticated decryption did not verify.</summary>
    BadSignature,

    /// <summary>The signer is not reached from a trusted root, or a root is not trusted here.</summary>
    Untrusted,

    /// <summary>Outside its time of validity.</summary>
    Expired,

    /// <summary>Revoked by its issuer.</summary>
    Revoked,

    /// <summary>Two values that must be equal are not (nonce, report data, digest, identity).</summary>
    Mismatch,

    /// <summary>A policy said no, or could not be evaluated.</summary>
    PolicyDenied,

    /// <summary>No acceptable proof of identity came with the request.</summary>
    Unauthenticated,

    /// <summary>The identity is known and may not do this.</summary>
    Forbidden,

    /// <summary>There is no such thing.</summary>
    NotFound,

    /// <summary>It exists already, or somebody changed it in between.</summary>
    Conflict,
}
