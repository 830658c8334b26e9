// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Coco;

/// <summary>AES key wrap with the default initial value (RFC 3394; not the padded form of RFC 5649, which is all that the base library has).</summary>
public static class AesKeyWrap
{
    private const ulong InitialValue = 0xA6A6A6A6A6A6A6A6;
    private const int Overhead = 8;

    /// <summary>Wraps a key of 16 to 64 bytes, a multiple of 8, under a key of 16, 24 or 32 bytes.</summary>
    /// <returns>Eight bytes more than <paramref name="key"/>.</returns>
    /// <exception cref="ArgumentException">A length that key wrap does not have.</exception>
    public static byte[] Wrap(ReadOnlySpan<byte> kek, ReadOnlySpan<byte> key)
    {
        byte[] wrapped = new byte[key.Length + Overhead];
        Wrap(kek, key, wrapped);
        return wrapped;
    }

    /// <summary>Wraps into <paramref name="wrapped"/>, which has eight bytes more than <paramref name="key"/>.</summary>
    /// <exception cref="ArgumentException">A length that key wrap does not have.</exception>
    public static void Wrap(ReadOnlySpan<byte> kek, ReadOnlySpan<byte> key, Span<byte> wrapped)
    {
        CheckLengths(kek.Length, key.Length);
        if (wrapped.Length != key.Length + Overhead)
        {
            throw new ArgumentException("must have eight bytes more than the key", nameof(wrapped));
        }

        if (OpenSsl.TryKeyWrap(kek, key, wrapped))
        {
            return;
        }

        WrapManaged(kek, key, wrapped);
    }

    /// <summary>The same, on the base library's block cipher.</summary>
    [SuppressMessage("Security", "CA5358:Review cipher mode usage with cryptography experts", Justification = "RFC 3394 is defined on single blocks")]
    internal static void WrapManaged(ReadOnlySpan<byte> kek, ReadOnlySpan<byte> key, Span<byte> wrapped)
    {
        using Aes aes = Block(kek);
        using ICryptoTransform cipher = aes.CreateEncryptor();
        key.CopyTo(wrapped[Overhead..]);
        byte[] block = new byte[16];
        ulong a = InitialValue;
        int n = key.Length / 8;
        for (int j = 0; j < 6; j++)
        {
            for (int i = 1; i <= n; i++)
            {
                Span<byte> r = wrapped.Slice(i * 8, 8);
                BinaryPrimitives.WriteUInt64BigEndian(block, a);
                r.CopyTo(block.AsSpan(8));
                cipher.TransformBlock(block, 0, 16, block, 0);
                a = BinaryPrimitives.ReadUInt64BigEndian(block) ^ (ulong)((n * j) + i);
                block.AsSpan(8).CopyTo(r);
            }
        }

        BinaryPrimitives.WriteUInt64BigEndian(wrapped, a);
        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>Opens a wrapped key. Refused: a length that key wrap does not produce, a failed integrity check.</summary>
    /// <exception cref="ArgumentException">The key-encryption key has not 16, 24 or 32 bytes.</exception>
    [SuppressMessage("Security", "CA5358:Review cipher mode usage with cryptography experts", Justification = "RFC 3394 is defined on single blocks")]
    public static Result<Secret> Unwrap(ReadOnlySpan<byte> kek, ReadOnlySpan<byte> wrapped)
    {
        if (wrapped.Length is < 24 or > 72 || wrapped.Length % 8 != 0)
        {
            return new Refusal(RefusalCode.Malformed, $"a wrapped key has 24 to 72 bytes in steps of 8, not {wrapped.Length}");
        }

        using Aes aes = Block(kek);
        using ICryptoTransform cipher = aes.CreateDecryptor();
        byte[] r = wrapped[Overhead..].ToArray();
        byte[] block = new byte[16];
        ulong a = BinaryPrimitives.ReadUInt64BigEndian(wrapped);
        int n = r.Length / 8;
        try
        {
            for (int j = 5; j >= 0; j--)
            {
                for (int i = n; i >= 1; i--)
                {
                    BinaryPrimitives.WriteUInt64BigEndian(block, a ^ (ulong)((n * j) + i));
                    r.AsSpan((i - 1) * 8, 8).CopyTo(block.AsSpan(8));
                    cipher.TransformBlock(block, 0, 16, block, 0);
                    a = BinaryPrimitives.ReadUInt64BigEndian(block);
                    block.AsSpan(8).CopyTo(r.AsSpan((i - 1) * 8));
                }
            }

            BinaryPrimitives.WriteUInt64BigEndian(block, a);
            Span<byte> expected = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(expected, InitialValue);
            return CryptographicOperations.FixedTimeEquals(block.AsSpan(0, 8), expected)
                ? Secret.CopyOf(r)
                : new Refusal(RefusalCode.BadSignature, "key unwrap: integrity check failed");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(r);
            CryptographicOperations.ZeroMemory(block);
        }
    }

    [SuppressMessage("Security", "CA5358:Review cipher mode usage with cryptography experts", Justification = "RFC 3394 is defined on single blocks")]
    private static Aes Block(ReadOnlySpan<byte> kek)
    {
        if (kek.Length is not (16 or 24 or 32))
        {
            throw new ArgumentException("must have 16, 24 or 32 bytes", nameof(kek));
        }

        Aes aes = Aes.Create();
        aes.Mode = CipherMode.ECB;
        aes.Padding = PaddingMode.None;
        aes.SetKey(kek);
        return aes;
    }

    private static void CheckLengths(int kek, int key)
    {
        if (kek is not (16 or 24 or 32))
        {
            throw new ArgumentException("must have 16, 24 or 32 bytes", nameof(kek));
        }

        if (key is < 16 or > 64 || key % 8 != 0)
        {
            throw new ArgumentException("must have 16 to 64 bytes in steps of 8", nameof(key));
        }
    }
}
