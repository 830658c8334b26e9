// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>The hash functions of the protocols. Wire names and computation: <see cref="Digests"/>.</summary>
public enum DigestAlgorithm
{
    /// <summary>SHA-256.</summary>
    Sha256,

    /// <summary>SHA-384.</summary>
    Sha384,

    /// <summary>SHA-512.</summary>
    Sha512,

    /// <summary>SM3 (GB/T 32905), 32 bytes.</summary>
    Sm3,
}
