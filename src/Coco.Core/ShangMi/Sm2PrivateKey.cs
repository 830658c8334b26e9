// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using ECPoint = Org.BouncyCastle.Math.EC.ECPoint;

namespace Coco.ShangMi;

/// <summary>A private key on sm2p256v1, for simulated vendors only: nothing that serves signs with SM2.</summary>
public sealed class Sm2PrivateKey
{
    private readonly ECPrivateKeyParameters _key;

    private Sm2PrivateKey(BigInteger d)
    {
        _key = new ECPrivateKeyParameters(d, Sm2PublicKey.Domain);
        ECPoint q = Sm2PublicKey.Domain.G.Multiply(d).Normalize();
        X = q.AffineXCoord.GetEncoded();
        Y = q.AffineYCoord.GetEncoded();
    }

    /// <summary>The public point's x, 32 bytes big-endian.</summary>
    public ReadOnlyMemory<byte> X { get; }

    /// <summary>The public point's y, 32 bytes big-endian.</summary>
    public ReadOnlyMemory<byte> Y { get; }

    /// <summary>A fresh key.</summary>
    public static Sm2PrivateKey Generate()
    {
        while (true)
        {
            var d = new BigInteger(1, RandomNumberGenerator.GetBytes(Sm2PublicKey.FieldSize));
            if (d.SignValue > 0 && d.CompareTo(Sm2PublicKey.Domain.N.Subtract(BigInteger.One)) < 0)
            {
                return new Sm2PrivateKey(d);
            }
        }
    }

    /// <summary>r ‖ s (64 bytes, big-endian) over <paramref name="message"/> under the signer's identifier.</summary>
    public byte[] SignData(ReadOnlySpan<byte> message, ReadOnlySpan<byte> userId)
    {
        var signer = new SM2Signer(PlainDsaEncoding.Instance, new SM3Digest());
        signer.Init(true, new ParametersWithID(new ParametersWithRandom(_key, new SecureRandom()), userId.ToArray()));
        signer.BlockUpdate(message);
        return signer.GenerateSignature();
    }
}
