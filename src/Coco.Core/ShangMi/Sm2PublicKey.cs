// SPDX-License-Identifier: Apache-2.0
using Org.BouncyCastle.Asn1.GM;
using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Coco.ShangMi;

/// <summary>A public key on sm2p256v1 (GB/T 32918.5-2017); checks SM2 signatures with SM3. Immutable and thread-safe.</summary>
public sealed class Sm2PublicKey
{
    /// <summary>Length of a coordinate, and of r and s, in bytes.</summary>
    public const int FieldSize = 32;

    private readonly ECPublicKeyParameters _key;

    private Sm2PublicKey(ECPublicKeyParameters key) => _key = key;

    internal static ECDomainParameters Domain { get; } = MakeDomain();

    /// <summary>The key with these coordinates (32 bytes each, big-endian); refused when the point is not on the curve.</summary>
    public static Result<Sm2PublicKey> Parse(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != FieldSize || y.Length != FieldSize)
        {
            return Refusal.Malformed("SM2 public key", 0, $"coordinates of {x.Length} and {y.Length} bytes, 32 each wanted");
        }

        Span<byte> encoded = stackalloc byte[1 + (2 * FieldSize)];
        encoded[0] = 4;
        x.CopyTo(encoded[1..]);
        y.CopyTo(encoded[(1 + FieldSize)..]);
        try
        {
            return new Sm2PublicKey(new ECPublicKeyParameters(Domain.Curve.DecodePoint(encoded.ToArray()), Domain));
        }
        catch (ArgumentException)
        {
            return Refusal.Malformed("SM2 public key", 0, "the point is not on sm2p256v1");
        }
    }

    /// <summary>Whether r ‖ s (64 bytes, big-endian) is this key's signature over <paramref name="message"/>.</summary>
    /// <param name="message">What was signed, not hashed.</param>
    /// <param name="signature">r and s, 32 bytes each.</param>
    /// <param name="userId">The signer's distinguishing identifier, which goes into Z.</param>
    public bool VerifyData(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> userId)
    {
        if (signature.Length != 2 * FieldSize || userId.Length > ushort.MaxValue / 8)
        {
            return false;
        }

        var signer = new SM2Signer(PlainDsaEncoding.Instance, new SM3Digest());
        signer.Init(false, new ParametersWithID(_key, userId.ToArray()));
        signer.BlockUpdate(message);
        return signer.VerifySignature(signature.ToArray());
    }

    private static ECDomainParameters MakeDomain()
    {
        X9ECParameters curve = GMNamedCurves.GetByName("sm2p256v1");
        return new ECDomainParameters(curve.Curve, curve.G, curve.N, curve.H);
    }
}
