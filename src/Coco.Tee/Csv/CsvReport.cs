// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.ShangMi;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>A CSV attestation report: TeeInfo of version 1 or 2, and the signer part that follows it. Not verified here.</summary>
/// <remarks>
/// Source: tee-evidence.md 9.2. In version 1 every field before anonce, and the signer part, is stored masked with anonce; the properties give
/// the plain values, and what is signed are the stored ones.
/// </remarks>
public sealed class CsvReport
{
    /// <summary>Length of TeeInfo, version 1.</summary>
    public const int Version1Size = 0x150;

    /// <summary>Length of TeeInfo, version 2.</summary>
    public const int Version2Size = 0x490;

    /// <summary>Length of the signer part: PEK certificate, serial number, reserved, MAC.</summary>
    public const int SignerSize = CsvCertificate.Size + 64 + 32 + 32;

    private const int Longest = 4096;
    private const int AnonceAt = 0xBC;
    private const int SignedVersion1 = 0xB4;
    private const int SignedVersion2 = 0x400;

    private readonly byte[] _plain;

    private CsvReport(ReadOnlyMemory<byte> raw, int version, byte[] plain)
    {
        Raw = raw;
        Version = version;
        _plain = plain;
    }

    /// <summary>The bytes as they came.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>1 or 2.</summary>
    public int Version { get; }

    /// <summary>Digest of the guest owner's public key, 32 bytes.</summary>
    public ReadOnlyMemory<byte> UserPublicKeyDigest => _plain.AsMemory(0, 32);

    /// <summary>VM id, 16 bytes.</summary>
    public ReadOnlyMemory<byte> VmId => _plain.AsMemory(0x20, 16);

    /// <summary>VM version, 16 bytes.</summary>
    public ReadOnlyMemory<byte> VmVersion => _plain.AsMemory(0x30, 16);

    /// <summary>Report data, 64 bytes.</summary>
    public ReadOnlyMemory<byte> ReportData => _plain.AsMemory(0x40, 64);

    /// <summary>The guest's own nonce, 16 bytes: key of the MAC.</summary>
    public ReadOnlyMemory<byte> Mnonce => _plain.AsMemory(0x80, 16);

    /// <summary>Launch measurement, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Measure => _plain.AsMemory(0x90, 32);

    /// <summary>Guest policy.</summary>
    public uint Policy => BinaryPrimitives.ReadUInt32LittleEndian(_plain.AsSpan(0xB0));

    /// <summary>Usage of the key that signed the report.</summary>
    public uint SignatureUsage => BinaryPrimitives.ReadUInt32LittleEndian(_plain.AsSpan(0xB4));

    /// <summary>Algorithm of the report's signature.</summary>
    public uint SignatureAlgorithm => BinaryPrimitives.ReadUInt32LittleEndian(_plain.AsSpan(0xB8));

    /// <summary>Version 1: the mask. Version 2: the build number stands there.</summary>
    public uint AnonceOrBuild => BinaryPrimitives.ReadUInt32LittleEndian(_plain.AsSpan(AnonceAt));

    /// <summary>Version 2: version of the runtime registers.</summary>
    public ushort RtmrVersion => Version == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(_plain.AsSpan(0xC0)) : (ushort)0;

    /// <summary>Version 2: 14 reserved bytes.</summary>
    public ReadOnlyMemory<byte> Reserved0 => Version == 2 ? _plain.AsMemory(0xC2, 14) : default;

    /// <summary>Version 2: the five runtime registers, 32 bytes each.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Rtmrs { get; private init; } = [];

    /// <summary>Version 2: 656 reserved bytes.</summary>
    public ReadOnlyMemory<byte> Reserved1 => Version == 2 ? _plain.AsMemory(0x170, 656) : default;

    /// <summary>What is signed: the stored bytes.</summary>
    public ReadOnlyMemory<byte> SignedBytes => Raw[..(Version == 1 ? SignedVersion1 : SignedVersion2)];

    /// <summary>r ‖ s, 64 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>The signer part as delivered; empty when the report was cut before it.</summary>
    public ReadOnlyMemory<byte> Signer { get; private init; }

    /// <summary>Reads the wrapper of evidence: magic, flags, data.</summary>
    public static Result<CsvReport> Parse(JsonElement wrapper)
    {
        if (!EvidenceFields.ByteArray(wrapper, "magic", 16, 16).TryGet(out ReadOnlyMemory<byte> magic, out Refusal? refusal)
            || !EvidenceFields.UInt32(wrapper, "flags").TryGet(out uint flags, out refusal)
            || !EvidenceFields.ByteArray(wrapper, "data", Longest).TryGet(out ReadOnlyMemory<byte> data, out refusal))
        {
            return refusal;
        }

        int version;
        if (magic.Span.IndexOfAnyExcept((byte)0) < 0)
        {
            version = 1;
        }
        else if (magic.Span.SequenceEqual("ATTESTATION_EXT\0"u8) && flags is 0 or 1)
        {
            version = (int)flags + 1;
        }
        else
        {
            return new Refusal(RefusalCode.Unsupported, "attestation_report.magic: no known report, or flags other than 0 and 1") { Field = "attestation_report.magic" };
        }

        return Parse(data, version);
    }

    /// <summary>Reads TeeInfo of the given version and the signer part when it follows.</summary>
    public static Result<CsvReport> Parse(ReadOnlyMemory<byte> bytes, int version)
    {
        int size = version == 1 ? Version1Size : Version2Size;
        if (bytes.Length < size)
        {
            return Refusal.Malformed("TeeInfo", bytes.Length, $"ends too early: {size} bytes wanted");
        }

        byte[] plain = bytes[..size].ToArray();
        if (version == 1)
        {
            Unmask(plain.AsSpan(0, AnonceAt), bytes.Span.Slice(AnonceAt, 4));
        }

        if (!HygonKey.ReadSignature(bytes.Span, version == 1 ? 0xC0 : 0x400).TryGet(out ReadOnlyMemory<byte> signature, out Refusal? refusal))
        {
            return refusal;
        }

        return new CsvReport(bytes, version, plain)
        {
            Signature = signature,
            Rtmrs = version == 2 ? [.. Enumerable.Range(0, 5).Select(i => (ReadOnlyMemory<byte>)plain.AsMemory(0xD0 + (32 * i), 32))] : [],
            Signer = bytes.Length >= size + SignerSize ? bytes.Slice(size, SignerSize) : default,
        };
    }

    /// <summary>The PEK certificate of the signer part; null when the report was cut before it.</summary>
    public Result<CsvCertificate> ReadPek()
    {
        if (Signer.IsEmpty)
        {
            return Refusal.Malformed("PEK certificate", Raw.Length, "the report ends before it");
        }

        byte[] pek = Signer[..CsvCertificate.Size].ToArray();
        UnmaskSigner(pek);
        return CsvCertificate.Parse(pek);
    }

    /// <summary>The chip's serial number of the signer part (64 bytes); empty when the report was cut before it.</summary>
    public ReadOnlyMemory<byte> ReadSerialNumber()
    {
        if (Signer.IsEmpty)
        {
            return default;
        }

        byte[] serial = Signer.Slice(CsvCertificate.Size, 64).ToArray();
        UnmaskSigner(serial);
        return serial;
    }

    /// <summary>Whether the MAC over the signer part is right. Its key is in the report: it shows damage, not origin.</summary>
    public bool HasIntactSigner() => !Signer.IsEmpty
        && CryptographicOperations.FixedTimeEquals(Sm3.Hmac(Mnonce.Span, Signer.Span[..^Sm3.HashSize]), Signer.Span[^Sm3.HashSize..]);

    private static void Unmask(Span<byte> field, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < field.Length; i++)
        {
            field[i] ^= mask[i % 4];
        }
    }

    private void UnmaskSigner(Span<byte> field)
    {
        if (Version == 1)
        {
            Unmask(field, Raw.Span.Slice(AnonceAt, 4));
        }
    }
}
