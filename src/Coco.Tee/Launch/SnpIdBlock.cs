// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>The identity block of an SNP guest and its authentication: the guest's owner signs which digest may be launched.</summary>
/// <remarks>Source: publication 56860, tables "ID Block Structure" and "ID Authentication Information Structure"; kubernetes.md 4.8.</remarks>
/// <param name="Block">The block, 96 bytes (QEMU <c>id-block</c>, base64).</param>
/// <param name="Authentication">Signatures and public keys, 4096 bytes (QEMU <c>id-auth</c>, base64).</param>
/// <param name="IdKeyDigest">SHA-384 of the identity key, as ID_KEY_DIGEST in reports.</param>
/// <param name="AuthorKeyDigest">SHA-384 of the author key, as AUTHOR_KEY_DIGEST in reports; empty without one.</param>
public sealed record SnpIdBlock(byte[] Block, byte[] Authentication, byte[] IdKeyDigest, byte[] AuthorKeyDigest)
{
    private const int KeyLength = 1028;
    private const int NumberLength = 72;
    private const uint EcdsaP384Sha384 = 1;
    private const uint CurveP384 = 2;

    /// <summary>Makes and signs a block.</summary>
    /// <param name="measurement">The launch digest, 48 bytes.</param>
    /// <param name="idKey">Identity key on P-384, with its private part.</param>
    /// <param name="authorKey">Author key on P-384, with its private part; null for none.</param>
    /// <param name="familyId">FAMILY_ID, at most 16 bytes.</param>
    /// <param name="imageId">IMAGE_ID, at most 16 bytes.</param>
    /// <param name="guestSvn">GUEST_SVN.</param>
    /// <param name="policy">POLICY; 0x30000 is the ordinary one.</param>
    public static Result<SnpIdBlock> Create(
        ReadOnlySpan<byte> measurement,
        ECDsa idKey,
        ECDsa? authorKey = null,
        ReadOnlySpan<byte> familyId = default,
        ReadOnlySpan<byte> imageId = default,
        uint guestSvn = 0,
        ulong policy = 0x30000)
    {
        ArgumentNullException.ThrowIfNull(idKey);
        if (measurement.Length != 48 || familyId.Length > 16 || imageId.Length > 16)
        {
            return new Refusal(RefusalCode.Malformed, "a measurement has 48 bytes, family and image id at most 16");
        }

        if (idKey.KeySize != 384 || authorKey is { KeySize: not 384 })
        {
            return new Refusal(RefusalCode.Unsupported, "identity and author key must be on P-384");
        }

        byte[] block = new byte[96];
        measurement.CopyTo(block);
        familyId.CopyTo(block.AsSpan(48));
        imageId.CopyTo(block.AsSpan(64));
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(80), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(84), guestSvn);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(88), policy);

        byte[] id = Encode(idKey);
        byte[] authentication = new byte[4096];
        BinaryPrimitives.WriteUInt32LittleEndian(authentication, EcdsaP384Sha384);
        Sign(idKey, block, authentication.AsSpan(0x40));
        id.CopyTo(authentication, 0x240);
        byte[] authorDigest = [];
        if (authorKey is not null)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(authentication.AsSpan(4), EcdsaP384Sha384);
            Sign(authorKey, id, authentication.AsSpan(0x680));
            byte[] author = Encode(authorKey);
            author.CopyTo(authentication, 0x880);
            authorDigest = SHA384.HashData(author);
        }

        return new SnpIdBlock(block, authentication, SHA384.HashData(id), authorDigest);
    }

    private static byte[] Encode(ECDsa key)
    {
        ECPoint point = key.ExportParameters(includePrivateParameters: false).Q;
        byte[] encoded = new byte[KeyLength];
        BinaryPrimitives.WriteUInt32LittleEndian(encoded, CurveP384);
        Reversed(point.X!, encoded.AsSpan(4, NumberLength));
        Reversed(point.Y!, encoded.AsSpan(4 + NumberLength, NumberLength));
        return encoded;
    }

    private static void Sign(ECDsa key, byte[] data, Span<byte> destination)
    {
        byte[] signature = key.SignData(data, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        Reversed(signature.AsSpan(0, 48), destination[..NumberLength]);
        Reversed(signature.AsSpan(48, 48), destination.Slice(NumberLength, NumberLength));
    }

    private static void Reversed(ReadOnlySpan<byte> bigEndian, Span<byte> destination)
    {
        bigEndian.CopyTo(destination);
        destination[..bigEndian.Length].Reverse();
    }
}
