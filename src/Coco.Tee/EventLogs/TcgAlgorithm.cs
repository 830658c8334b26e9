// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.ShangMi;

namespace Coco.Tee.EventLogs;

/// <summary>Algorithm identifiers of event logs (TCG algorithm registry). Values are the wire's.</summary>
public enum TcgAlgorithm : ushort
{
    /// <summary>RSA.</summary>
    Rsa = 0x1,

    /// <summary>Triple DES.</summary>
    Tdes = 0x3,

    /// <summary>SHA-1.</summary>
    Sha1 = 0x4,

    /// <summary>SHA-256.</summary>
    Sha256 = 0xB,

    /// <summary>SHA-384.</summary>
    Sha384 = 0xC,

    /// <summary>SHA-512.</summary>
    Sha512 = 0xD,

    /// <summary>SM3.</summary>
    Sm3 = 0x12,
}

/// <summary>Names, lengths and computation of <see cref="TcgAlgorithm"/>.</summary>
public static class TcgAlgorithms
{
    /// <summary>Longest digest of those that are computed here.</summary>
    public const int MaxDigestLength = 64;

    /// <summary>Whether logs may name it.</summary>
    public static bool IsKnown(ushort value) => ToName((TcgAlgorithm)value) is not null;

    /// <summary>The name in claims; null for an identifier that logs may not name.</summary>
    public static string? ToName(this TcgAlgorithm algorithm) => algorithm switch
    {
        TcgAlgorithm.Rsa => "RSA",
        TcgAlgorithm.Tdes => "TDES",
        TcgAlgorithm.Sha1 => "SHA-1",
        TcgAlgorithm.Sha256 => "SHA-256",
        TcgAlgorithm.Sha384 => "SHA-384",
        TcgAlgorithm.Sha512 => "SHA-512",
        TcgAlgorithm.Sm3 => "SM3",
        _ => null,
    };

    /// <summary>Length of its digest in bytes; 0 for what is no hash.</summary>
    public static int DigestLength(this TcgAlgorithm algorithm) => algorithm switch
    {
        TcgAlgorithm.Sha1 => 20,
        TcgAlgorithm.Sha256 or TcgAlgorithm.Sm3 => 32,
        TcgAlgorithm.Sha384 => 48,
        TcgAlgorithm.Sha512 => 64,
        _ => 0,
    };

    /// <summary>Whether digests of it are computed here. SHA-1 is not: a log that rests on it proves nothing.</summary>
    public static bool IsComputed(this TcgAlgorithm algorithm) =>
        algorithm is TcgAlgorithm.Sha256 or TcgAlgorithm.Sha384 or TcgAlgorithm.Sha512 or TcgAlgorithm.Sm3;

    /// <summary>Writes the digest of <paramref name="data"/> and gives its length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not <see cref="IsComputed"/>.</exception>
    public static int HashData(this TcgAlgorithm algorithm, ReadOnlySpan<byte> data, Span<byte> digest)
    {
        switch (algorithm)
        {
            case TcgAlgorithm.Sha256:
                return SHA256.HashData(data, digest);
            case TcgAlgorithm.Sha384:
                return SHA384.HashData(data, digest);
            case TcgAlgorithm.Sha512:
                return SHA512.HashData(data, digest);
            case TcgAlgorithm.Sm3:
                Sm3.HashData(data, digest);
                return Sm3.HashSize;
            default:
                throw new ArgumentOutOfRangeException(nameof(algorithm));
        }
    }
}
