// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.ShangMi;

namespace Coco;

/// <summary>Names and computation of <see cref="DigestAlgorithm"/>.</summary>
public static class Digests
{
    /// <summary>The algorithm of a wire name (<c>sha256</c>, <c>sha384</c>, <c>sha512</c>, <c>sm3</c>: no hyphen).</summary>
    /// <param name="name">The name.</param>
    /// <param name="ignoreCase">Whether upper-case letters are accepted, as in the negotiation of kbs.md 2.6.</param>
    /// <param name="algorithm">The algorithm.</param>
    public static bool TryParse(string? name, bool ignoreCase, out DigestAlgorithm algorithm)
    {
        StringComparison how = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        foreach (DigestAlgorithm one in (ReadOnlySpan<DigestAlgorithm>)[DigestAlgorithm.Sha256, DigestAlgorithm.Sha384, DigestAlgorithm.Sha512, DigestAlgorithm.Sm3])
        {
            if (string.Equals(name, one.ToWireName(), how))
            {
                algorithm = one;
                return true;
            }
        }

        algorithm = default;
        return false;
    }

    /// <summary>The name as protocols write it.</summary>
    public static string ToWireName(this DigestAlgorithm algorithm) => algorithm switch
    {
        DigestAlgorithm.Sha256 => "sha256",
        DigestAlgorithm.Sha384 => "sha384",
        DigestAlgorithm.Sha512 => "sha512",
        DigestAlgorithm.Sm3 => "sm3",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>Length of a digest in bytes.</summary>
    public static int Length(this DigestAlgorithm algorithm) => algorithm switch
    {
        DigestAlgorithm.Sha256 or DigestAlgorithm.Sm3 => 32,
        DigestAlgorithm.Sha384 => 48,
        DigestAlgorithm.Sha512 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>The digest of <paramref name="data"/>.</summary>
    public static byte[] Compute(this DigestAlgorithm algorithm, ReadOnlySpan<byte> data)
    {
        switch (algorithm)
        {
            case DigestAlgorithm.Sha256:
                return SHA256.HashData(data);
            case DigestAlgorithm.Sha384:
                return SHA384.HashData(data);
            case DigestAlgorithm.Sha512:
                return SHA512.HashData(data);
            case DigestAlgorithm.Sm3:
                return Sm3.HashData(data);
            default:
                throw new ArgumentOutOfRangeException(nameof(algorithm));
        }
    }
}
