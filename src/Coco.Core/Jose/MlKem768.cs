// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Kems;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace Coco;

/// <summary>ML-KEM-768 (FIPS 203) and the key derivation of draft-ietf-jose-pqc-kem-05.</summary>
internal static class MlKem768
{
    public const int CiphertextBytes = 1088;
    public const int SeedBytes = 64;
    public const int KeyWrapKeyBytes = 24;
    private const int SecretBytes = 32;

    /// <summary>Null when the encoding does not pass FIPS 203's check of an encapsulation key.</summary>
    public static MLKemPublicKeyParameters? ImportPublic(byte[] encoding)
    {
        try
        {
            return MLKemPublicKeyParameters.FromEncoding(MLKemParameters.ml_kem_768, encoding);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public static MLKemPrivateKeyParameters ImportSeed(byte[] seed) => MLKemPrivateKeyParameters.FromSeed(MLKemParameters.ml_kem_768, seed);

    /// <summary>Encapsulates and derives the key-wrap key.</summary>
    public static byte[] Encapsulate(MLKemPublicKeyParameters key, Span<byte> keyWrapKey)
    {
        var encapsulator = new MLKemEncapsulator(MLKemParameters.ml_kem_768);
        encapsulator.Init(new ParametersWithRandom(key, new SecureRandom()));
        byte[] ciphertext = new byte[CiphertextBytes];
        byte[] secret = new byte[SecretBytes];
        encapsulator.Encapsulate(ciphertext, 0, ciphertext.Length, secret, 0, secret.Length);
        DeriveKey(secret, keyWrapKey);
        return ciphertext;
    }

    /// <summary>Decapsulates and derives the key-wrap key. A wrong ciphertext gives another key (implicit rejection).</summary>
    public static void Decapsulate(MLKemPrivateKeyParameters key, byte[] ciphertext, Span<byte> keyWrapKey)
    {
        var decapsulator = new MLKemDecapsulator(MLKemParameters.ml_kem_768);
        decapsulator.Init(key);
        byte[] secret = new byte[SecretBytes];
        decapsulator.Decapsulate(ciphertext, 0, ciphertext.Length, secret, 0, secret.Length);
        DeriveKey(secret, keyWrapKey);
    }

    private static void DeriveKey(byte[] secret, Span<byte> keyWrapKey)
    {
        byte[] name = Encoding.ASCII.GetBytes(JweAlgorithmNames.MlKem768A192Kw);
        byte[] context = new byte[4 + name.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(context, name.Length);
        name.CopyTo(context, 4);
        BinaryPrimitives.WriteInt32BigEndian(context.AsSpan(4 + name.Length), KeyWrapKeyBytes * 8);
        var kmac = new KMac(256, []);
        kmac.Init(new KeyParameter(secret));
        kmac.BlockUpdate(context, 0, context.Length);
        byte[] key = new byte[KeyWrapKeyBytes];
        kmac.OutputFinal(key, 0, key.Length);
        key.CopyTo(keyWrapKey);
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(key);
    }
}
