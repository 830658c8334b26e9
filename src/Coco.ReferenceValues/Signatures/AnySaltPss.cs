// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Security.Cryptography;

namespace Coco.ReferenceValues.Signatures;

/// <summary>EMSA-PSS verification (RFC 8017 section 9.1.2) that takes the salt's length from the encoded message.</summary>
internal static class AnySaltPss
{
    public static bool Verify(
        ReadOnlySpan<byte> modulus,
        ReadOnlySpan<byte> exponent,
        ReadOnlySpan<byte> digest,
        ReadOnlySpan<byte> signature,
        HashAlgorithmName hash)
    {
        if (signature.Length != modulus.Length)
        {
            return false;
        }

        var n = new BigInteger(modulus, isUnsigned: true, isBigEndian: true);
        var s = new BigInteger(signature, isUnsigned: true, isBigEndian: true);
        if (s >= n)
        {
            return false;
        }

        // Public values only: timing tells nothing.
        BigInteger m = BigInteger.ModPow(s, new BigInteger(exponent, isUnsigned: true, isBigEndian: true), n);
        int emBits = (int)n.GetBitLength() - 1;
        int emLength = (emBits + 7) / 8;
        byte[] em = new byte[emLength];
        byte[] raw = m.ToByteArray(isUnsigned: true, isBigEndian: true);
        if (raw.Length > emLength)
        {
            return false;
        }

        raw.CopyTo(em, emLength - raw.Length);
        int h = digest.Length;
        if (emLength < h + 2 || em[^1] != 0xbc)
        {
            return false;
        }

        int dbLength = emLength - h - 1;
        Span<byte> db = em.AsSpan(0, dbLength);
        ReadOnlySpan<byte> hashed = em.AsSpan(dbLength, h);
        int unused = (8 * emLength) - emBits;
        if ((db[0] & ~(0xff >> unused) & 0xff) != 0)
        {
            return false;
        }

        Mask(db, hashed, hash);
        db[0] &= (byte)(0xff >> unused);
        int one = db.IndexOfAnyExcept((byte)0);
        if (one < 0 || db[one] != 1)
        {
            return false;
        }

        byte[] prime = new byte[8 + h + (dbLength - one - 1)];
        digest.CopyTo(prime.AsSpan(8));
        db[(one + 1)..].CopyTo(prime.AsSpan(8 + h));
        return CryptographicOperations.FixedTimeEquals(SignerKey.Hash(hash, prime), hashed);
    }

    private static void Mask(Span<byte> db, ReadOnlySpan<byte> seed, HashAlgorithmName hash)
    {
        byte[] block = new byte[seed.Length + 4];
        seed.CopyTo(block);
        int at = 0;
        for (int counter = 0; at < db.Length; counter++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(block.AsSpan(seed.Length), counter);
            foreach (byte b in SignerKey.Hash(hash, block))
            {
                if (at == db.Length)
                {
                    break;
                }

                db[at++] ^= b;
            }
        }
    }
}
