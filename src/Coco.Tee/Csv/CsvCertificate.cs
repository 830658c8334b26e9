// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>A CSV certificate (CEK, PEK, OCA, PDH), 2084 bytes, little-endian. Not verified here.</summary>
/// <remarks>Source: tee-evidence.md 9.1.</remarks>
public sealed class CsvCertificate
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 2084;

    /// <summary>Length of the signed part.</summary>
    public const int SignedSize = 1044;

    private const int KeyAt = 16;
    private const int BlockSize = 520;

    private CsvCertificate(HygonKey key) => Key = key;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Raw { get; private init; }

    /// <summary>Its key.</summary>
    public HygonKey Key { get; }

    /// <summary>What is signed.</summary>
    public ReadOnlyMemory<byte> SignedBytes => Raw[..SignedSize];

    /// <summary>The two signature blocks.</summary>
    public ImmutableArray<CsvSignatureBlock> Signatures { get; private init; }

    /// <summary>Reads exactly 2084 bytes.</summary>
    public static Result<CsvCertificate> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            return Refusal.Malformed("CSV certificate", 0, $"{bytes.Length} bytes, {Size} wanted");
        }

        ReadOnlySpan<byte> span = bytes.Span;
        var usage = (HygonKeyUsage)BinaryPrimitives.ReadUInt32LittleEndian(span[8..]);
        uint algorithm = BinaryPrimitives.ReadUInt32LittleEndian(span[12..]);
        if (!HygonKey.Read(bytes, KeyAt, usage, algorithm).TryGet(out HygonKey? key, out Refusal? refusal))
        {
            return refusal;
        }

        var blocks = ImmutableArray.CreateBuilder<CsvSignatureBlock>(2);
        for (int i = 0; i < 2; i++)
        {
            int at = SignedSize + (i * BlockSize);
            if (!HygonKey.ReadSignature(span, at + 8).TryGet(out ReadOnlyMemory<byte> signature, out refusal))
            {
                return refusal;
            }

            blocks.Add(new CsvSignatureBlock(
                (HygonKeyUsage)BinaryPrimitives.ReadUInt32LittleEndian(span[at..]), BinaryPrimitives.ReadUInt32LittleEndian(span[(at + 4)..]), signature));
        }

        return new CsvCertificate(key) { Raw = bytes, Signatures = blocks.ToImmutable() };
    }

    /// <summary>Reads the JSON form that evidence uses, by way of the bytes.</summary>
    public static Result<CsvCertificate> Parse(JsonElement json)
    {
        var writer = new HygonCertificateWriter(Size);
        if (!EvidenceFields.Object(json, "body").TryGet(out JsonElement body, out Refusal? refusal)
            || !EvidenceFields.Object(body, "data").TryGet(out JsonElement data, out refusal)
            || !EvidenceFields.Object(data, "firmware").TryGet(out JsonElement firmware, out refusal)
            || !EvidenceFields.Object(data, "pubkey").TryGet(out JsonElement pubkey, out refusal)
            || !EvidenceFields.Object(pubkey, "key").TryGet(out JsonElement key, out refusal)
            || !EvidenceFields.Array(json, "sigs", 2).TryGet(out JsonElement signatures, out refusal))
        {
            return refusal;
        }

        if (signatures.GetArrayLength() != 2)
        {
            return EvidenceFields.Bad("sigs", "two blocks wanted");
        }

        refusal = writer.UInt32(body, "ver") ?? writer.Byte(firmware, "major") ?? writer.Byte(firmware, "minor") ?? writer.UInt16(data, "reserved1")
            ?? writer.UInt32(pubkey, "usage") ?? writer.UInt32(pubkey, "algo") ?? writer.UInt32(key, "g") ?? writer.Bytes(key, "x", 72) ?? writer.Bytes(key, "y", 72)
            ?? writer.UInt16(data, "uid_size") ?? writer.Bytes(data, "user_id", 254) ?? writer.Bytes(data, "sid", 16) ?? writer.Bytes(data, "reserved2", 608);
        foreach (JsonElement block in signatures.EnumerateArray())
        {
            if (refusal is not null)
            {
                return refusal;
            }

            if (!EvidenceFields.Object(block, "signature").TryGet(out JsonElement signature, out refusal))
            {
                return refusal;
            }

            refusal = writer.UInt32(block, "usage") ?? writer.UInt32(block, "algo") ?? writer.Bytes(signature, "r", 72) ?? writer.Bytes(signature, "s", 72)
                ?? writer.Bytes(block, "_reserved", 368);
        }

        return refusal is null ? Parse(writer.Written) : refusal;
    }

    /// <summary>Whether one of the two blocks is <paramref name="signer"/>'s signature: its usage, its algorithm, and a signature that verifies.</summary>
    public bool IsSignedBy(HygonKey signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        foreach (CsvSignatureBlock block in Signatures)
        {
            // Certificates of CAs name no algorithm; they sign with SM2.
            uint algorithm = signer.Algorithm == 0 ? CsvSignatureBlock.Sm2Signature : signer.Algorithm;
            if (block.Usage != HygonKeyUsage.None && block.Usage == signer.Usage && block.Algorithm == algorithm && signer.Verify(SignedBytes.Span, block.Signature.Span))
            {
                return true;
            }
        }

        return false;
    }
}
