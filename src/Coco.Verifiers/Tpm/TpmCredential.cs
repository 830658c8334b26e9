// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Verifiers.Tpm;

/// <summary>TPM2_MakeCredential outside a TPM: a secret that only the TPM with the endorsement key gives out, and only for the named key.</summary>
/// <param name="CredentialBlob">TPM2B_ID_OBJECT: integrity HMAC and encrypted identity.</param>
/// <param name="EncryptedSecret">TPM2B_ENCRYPTED_SECRET: the seed, encrypted to the endorsement key.</param>
/// <remarks>Source: TPM 2.0 Library, Part 1, 24 (credential protection), annex B.10.4 (RSA seeds), 11.4.10.2 (KDFa).</remarks>
public sealed record TpmCredential(byte[] CredentialBlob, byte[] EncryptedSecret)
{
    private const int SeedSize = 32;
    private const int AesBits = 128;

    /// <summary>Makes one for an RSA endorsement key of the standard template (SHA-256 names, AES-128 CFB).</summary>
    /// <param name="endorsementKey">The endorsement key.</param>
    /// <param name="objectName">Name of the attestation key.</param>
    /// <param name="secret">What the TPM gives out, at most 32 bytes.</param>
    public static TpmCredential Make(RSA endorsementKey, ReadOnlySpan<byte> objectName, ReadOnlySpan<byte> secret)
    {
        ArgumentNullException.ThrowIfNull(endorsementKey);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(secret.Length, SeedSize);
        byte[] seed = RandomNumberGenerator.GetBytes(SeedSize);
        byte[] symmetricKey = DeriveKey(seed, "STORAGE", objectName, AesBits);
        byte[] integrityKey = DeriveKey(seed, "INTEGRITY", [], 256);
        try
        {
            byte[] encryptedSeed = EncryptOaepWithLabel(endorsementKey, seed, "IDENTITY\0"u8);
            byte[] identity = new byte[2 + secret.Length];
            BinaryPrimitives.WriteUInt16BigEndian(identity, (ushort)secret.Length);
            secret.CopyTo(identity.AsSpan(2));
            EncryptCfb(symmetricKey, identity);
            byte[] integrity = HMACSHA256.HashData(integrityKey, (byte[])[.. identity, .. objectName]);
            return new TpmCredential(Sized([.. Sized(integrity), .. identity]), Sized(encryptedSeed));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
            CryptographicOperations.ZeroMemory(symmetricKey);
            CryptographicOperations.ZeroMemory(integrityKey);
        }
    }

    private static byte[] Sized(byte[] bytes)
    {
        byte[] sized = new byte[2 + bytes.Length];
        BinaryPrimitives.WriteUInt16BigEndian(sized, (ushort)bytes.Length);
        bytes.CopyTo(sized, 2);
        return sized;
    }

    /// <summary>KDFa with SHA-256 for at most one block of output.</summary>
    private static byte[] DeriveKey(ReadOnlySpan<byte> seed, string label, ReadOnlySpan<byte> contextU, int bits)
    {
        byte[] labelBytes = Encoding.ASCII.GetBytes(label);
        byte[] message = new byte[4 + labelBytes.Length + 1 + contextU.Length + 4];
        BinaryPrimitives.WriteUInt32BigEndian(message, 1);
        labelBytes.CopyTo(message, 4);
        contextU.CopyTo(message.AsSpan(4 + labelBytes.Length + 1));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(message.Length - 4), (uint)bits);
        return HMACSHA256.HashData(seed, message)[..(bits / 8)];
    }

    /// <summary>AES-CFB with a zero IV over the whole block size, in place; the last block may be short.</summary>
    private static void EncryptCfb(byte[] key, Span<byte> data)
    {
        using Aes aes = Aes.Create();
        aes.Key = key;
        Span<byte> feedback = stackalloc byte[16];
        Span<byte> stream = stackalloc byte[16];
        feedback.Clear();
        for (int at = 0; at < data.Length; at += 16)
        {
            aes.EncryptEcb(feedback, stream, PaddingMode.None);
            Span<byte> block = data[at..Math.Min(at + 16, data.Length)];
            for (int i = 0; i < block.Length; i++)
            {
                block[i] ^= stream[i];
            }

            block.CopyTo(feedback);
        }
    }

    /// <summary>RSAES-OAEP with SHA-256 and a label (RFC 8017 section 7.1.1): the platform's own OAEP has no label.</summary>
    private static byte[] EncryptOaepWithLabel(RSA key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label)
    {
        const int Hash = 32;
        RSAParameters parameters = key.ExportParameters(includePrivateParameters: false);
        int k = parameters.Modulus!.Length;
        byte[] encoded = new byte[k];
        Span<byte> seed = encoded.AsSpan(1, Hash);
        Span<byte> block = encoded.AsSpan(1 + Hash);
        SHA256.HashData(label, block);
        block[^(message.Length + 1)] = 1;
        message.CopyTo(block[^message.Length..]);
        RandomNumberGenerator.Fill(seed);
        Mask(seed, block);
        Mask(block, seed);
        var n = new System.Numerics.BigInteger(parameters.Modulus, isUnsigned: true, isBigEndian: true);
        var e = new System.Numerics.BigInteger(parameters.Exponent!, isUnsigned: true, isBigEndian: true);
        var m = new System.Numerics.BigInteger(encoded, isUnsigned: true, isBigEndian: true);
        byte[] c = System.Numerics.BigInteger.ModPow(m, e, n).ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] padded = new byte[k];
        c.CopyTo(padded, k - c.Length);
        CryptographicOperations.ZeroMemory(encoded);
        return padded;
    }

    /// <summary>XORs MGF1-SHA-256 of <paramref name="seed"/> over <paramref name="target"/>.</summary>
    private static void Mask(ReadOnlySpan<byte> seed, Span<byte> target)
    {
        byte[] input = new byte[seed.Length + 4];
        seed.CopyTo(input);
        for (int at = 0, counter = 0; at < target.Length; at += 32, counter++)
        {
            BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(seed.Length), counter);
            byte[] mask = SHA256.HashData(input);
            for (int i = 0; i < 32 && at + i < target.Length; i++)
            {
                target[at + i] ^= mask[i];
            }
        }
    }
}
