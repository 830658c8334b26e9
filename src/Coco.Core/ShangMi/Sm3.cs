// SPDX-License-Identifier: Apache-2.0
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace Coco.ShangMi;

/// <summary>The hash SM3 (GB/T 32905-2016) and its HMAC; the platform's own cryptography lacks both.</summary>
public static class Sm3
{
    /// <summary>Length of a digest in bytes.</summary>
    public const int HashSize = 32;

    /// <summary>The digest of <paramref name="data"/>.</summary>
    public static byte[] HashData(ReadOnlySpan<byte> data)
    {
        byte[] digest = new byte[HashSize];
        HashData(data, digest);
        return digest;
    }

    /// <summary>Writes the digest of <paramref name="data"/> to the first 32 bytes of <paramref name="destination"/>.</summary>
    public static void HashData(ReadOnlySpan<byte> data, Span<byte> destination)
    {
        var digest = new SM3Digest();
        digest.BlockUpdate(data);
        digest.DoFinal(destination);
    }

    /// <summary>The digest of the two parts one after the other (a register's extend).</summary>
    public static byte[] Extend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        byte[] result = new byte[HashSize];
        var digest = new SM3Digest();
        digest.BlockUpdate(first);
        digest.BlockUpdate(second);
        digest.DoFinal(result);
        return result;
    }

    /// <summary>HMAC-SM3.</summary>
    public static byte[] Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        var mac = new HMac(new SM3Digest());
        mac.Init(new KeyParameter(key));
        mac.BlockUpdate(data);
        byte[] result = new byte[HashSize];
        mac.DoFinal(result);
        return result;
    }
}
