// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco;

/// <summary>A P-256 public key that is kept, since importing one costs more than a verification with it. Thread-safe.</summary>
public sealed class P256VerifyingKey
{
    /// <summary>Length of the bare point <c>X ‖ Y</c>.</summary>
    public const int PointLength = 64;

    /// <summary>Length of a signature <c>r ‖ s</c>.</summary>
    public const int SignatureLength = 64;

    private readonly EcdsaKeyPool _keys;

    private P256VerifyingKey(EcdsaKeyPool keys) => _keys = keys;

    // DER of a SubjectPublicKeyInfo for an uncompressed P-256 point has one form only (RFC 5480): this, then X and Y.
    private static ReadOnlySpan<byte> PublicKeyInfoHeader =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    /// <summary>The key of a point; a refusal when the point is not on the curve.</summary>
    /// <param name="point">64 bytes, X and Y in big-endian order.</param>
    public static Result<P256VerifyingKey> FromPoint(ReadOnlySpan<byte> point)
    {
        if (point.Length != PointLength)
        {
            return new Refusal(RefusalCode.Malformed, $"a P-256 point has {PointLength} bytes, not {point.Length}");
        }

        byte[] info = new byte[PublicKeyInfoHeader.Length + PointLength];
        PublicKeyInfoHeader.CopyTo(info);
        point.CopyTo(info.AsSpan(PublicKeyInfoHeader.Length));
        try
        {
            return new P256VerifyingKey(new EcdsaKeyPool(info));
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "the point is not on the curve P-256");
        }
    }

    /// <summary>The key of a SubjectPublicKeyInfo; a refusal when it is none of P-256 in the uncompressed form.</summary>
    /// <param name="publicKeyInfo">DER.</param>
    public static Result<P256VerifyingKey> FromPublicKeyInfo(ReadOnlySpan<byte> publicKeyInfo) =>
        publicKeyInfo.Length == PublicKeyInfoHeader.Length + PointLength && publicKeyInfo.StartsWith(PublicKeyInfoHeader)
            ? FromPoint(publicKeyInfo[PublicKeyInfoHeader.Length..])
            : new Refusal(RefusalCode.Unsupported, "the public key is not a P-256 key in the uncompressed form");

    /// <summary>Checks an ECDSA signature with SHA-256 in the form <c>r ‖ s</c>, big-endian.</summary>
    public bool VerifyRaw(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureLength && Verify(data, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    /// <summary>Checks an ECDSA signature with SHA-256 in DER, as certificates and revocation lists carry it.</summary>
    public bool VerifyDer(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => Verify(data, signature, DSASignatureFormat.Rfc3279DerSequence);

    private bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, DSASignatureFormat format)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, digest);
        return _keys.VerifyHash(digest, signature, format);
    }
}
