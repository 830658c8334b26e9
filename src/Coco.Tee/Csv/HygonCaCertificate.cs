// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>A Hygon root or signing certificate (HRK, HSK), 832 bytes, little-endian. Not verified here.</summary>
/// <remarks>Source: tee-evidence.md 9.1.</remarks>
public sealed class HygonCaCertificate
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 832;

    /// <summary>Length of the signed part.</summary>
    public const int SignedSize = 576;

    private const int KeyAt = 64;

    private HygonCaCertificate(HygonKey key) => Key = key;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Raw { get; private init; }

    /// <summary>Identifier of its key, 16 bytes.</summary>
    public ReadOnlyMemory<byte> KeyId => Raw.Slice(4, 16);

    /// <summary>Identifier of the key that signed it, 16 bytes.</summary>
    public ReadOnlyMemory<byte> SigningKeyId => Raw.Slice(20, 16);

    /// <summary>Its key.</summary>
    public HygonKey Key { get; }

    /// <summary>What is signed.</summary>
    public ReadOnlyMemory<byte> SignedBytes => Raw[..SignedSize];

    /// <summary>r ‖ s, 64 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>Reads exactly 832 bytes.</summary>
    public static Result<HygonCaCertificate> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            return Refusal.Malformed("Hygon CA certificate", 0, $"{bytes.Length} bytes, {Size} wanted");
        }

        var usage = (HygonKeyUsage)BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span[36..]);
        if (!HygonKey.Read(bytes, KeyAt, usage, 0).TryGet(out HygonKey? key, out Refusal? refusal)
            || !HygonKey.ReadSignature(bytes.Span, SignedSize).TryGet(out ReadOnlyMemory<byte> signature, out refusal))
        {
            return refusal;
        }

        return new HygonCaCertificate(key) { Raw = bytes, Signature = signature };
    }

    /// <summary>Reads the JSON form that evidence uses, by way of the bytes.</summary>
    public static Result<HygonCaCertificate> Parse(JsonElement json)
    {
        var writer = new HygonCertificateWriter(Size);
        if (!EvidenceFields.Object(json, "body").TryGet(out JsonElement body, out Refusal? refusal)
            || !EvidenceFields.Object(body, "preamble").TryGet(out JsonElement preamble, out refusal)
            || !EvidenceFields.Object(preamble, "data").TryGet(out JsonElement data, out refusal)
            || !EvidenceFields.Object(body, "pubkey").TryGet(out JsonElement pubkey, out refusal)
            || !EvidenceFields.Object(json, "signature").TryGet(out JsonElement signature, out refusal))
        {
            return refusal;
        }

        refusal = writer.UInt32(preamble, "ver") ?? writer.Bytes(data, "kid", 16) ?? writer.Bytes(data, "sid", 16) ?? writer.UInt32(data, "usage")
            ?? writer.Bytes(data, "reserved", 24) ?? writer.UInt32(pubkey, "g") ?? writer.Bytes(pubkey, "x", 72) ?? writer.Bytes(pubkey, "y", 72)
            ?? writer.UInt16(body, "uid_size") ?? writer.Bytes(body, "user_id", 254) ?? writer.Bytes(body, "reserved", 108)
            ?? writer.Bytes(signature, "r", 72) ?? writer.Bytes(signature, "s", 72) ?? writer.Bytes(json, "_reserved", 112);
        return refusal is null ? Parse(writer.Written) : refusal;
    }
}
