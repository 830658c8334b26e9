// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Nvidia;

/// <summary>The attestation report of an NVIDIA GPU or switch: SPDM 1.1 GET_MEASUREMENTS and the signed answer. Not verified here.</summary>
/// <remarks>Source: DMTF DSP0274 1.1, sections 10.11; tee-evidence.md 11.1. Lengths are little-endian.</remarks>
public sealed class SpdmReport
{
    /// <summary>Length of the request.</summary>
    public const int RequestSize = 37;

    /// <summary>Length of the signature: r ‖ s of P-384.</summary>
    public const int SignatureSize = 96;

    private const byte Spdm11 = 0x11;
    private const byte GetMeasurements = 0xE0;
    private const byte Measurements = 0x60;
    private const int Longest = 64 * 1024;

    private SpdmReport()
    {
    }

    /// <summary>The request's nonce, 32 bytes: the expected report data.</summary>
    public ReadOnlyMemory<byte> RequestNonce { get; private init; }

    /// <summary>The answer's own nonce, 32 bytes.</summary>
    public ReadOnlyMemory<byte> ResponseNonce { get; private init; }

    /// <summary>Measurements by index, in the order of the report.</summary>
    public ImmutableArray<SpdmMeasurement> MeasurementBlocks { get; private init; }

    /// <summary>Opaque data, read.</summary>
    public NvidiaOpaqueData Opaque { get; private init; } = NvidiaOpaqueData.Empty;

    /// <summary>Request and answer up to the signature: what is signed.</summary>
    public ReadOnlyMemory<byte> SignedBytes { get; private init; }

    /// <summary>r ‖ s, 96 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>Reads it. One real report has a byte after the signature: what follows it is not looked at.</summary>
    public static Result<SpdmReport> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"SPDM report: {bytes.Length} bytes, at most {Longest} accepted") { Field = "SPDM report" };
        }

        var reader = new ByteReader(bytes.Span);
        if (!reader.TryRead(RequestSize, out ReadOnlySpan<byte> request) || request[0] != Spdm11 || request[1] != GetMeasurements)
        {
            return Refusal.Malformed("SPDM request", 0, "not GET_MEASUREMENTS of SPDM 1.1");
        }

        int at = reader.Offset;
        if (!reader.TryRead(4, out ReadOnlySpan<byte> head) || head[0] != Spdm11 || head[1] != Measurements)
        {
            return Refusal.Malformed("SPDM response", at, "not MEASUREMENTS of SPDM 1.1");
        }

        if (!reader.TryReadByte(out byte blocks) || !reader.TryRead(3, out ReadOnlySpan<byte> length)
            || !reader.TryReadRegion(length[0] | length[1] << 8 | length[2] << 16, out ByteReader record))
        {
            return Refusal.Malformed("SPDM response.MeasurementRecordLength", at + 5, "over the end");
        }

        if (!ReadMeasurements(ref record, blocks, bytes).TryGet(out ImmutableArray<SpdmMeasurement> measurements, out Refusal? refusal))
        {
            return refusal;
        }

        int nonceAt = reader.Offset;
        if (!reader.TrySkip(32) || !reader.TryReadPrefixed16LittleEndian(out ByteReader opaque))
        {
            return Refusal.Malformed("SPDM response.OpaqueDataLength", reader.Offset, "over the end");
        }

        if (!NvidiaOpaqueData.Parse(bytes.Slice(opaque.Offset, opaque.Remaining), opaque.Offset).TryGet(out NvidiaOpaqueData? read, out refusal))
        {
            return refusal;
        }

        int signatureAt = reader.Offset;
        if (reader.Remaining < SignatureSize)
        {
            return Refusal.Malformed("SPDM response.Signature", signatureAt, $"{SignatureSize} bytes wanted");
        }

        return new SpdmReport
        {
            RequestNonce = bytes.Slice(4, 32),
            ResponseNonce = bytes.Slice(nonceAt, 32),
            MeasurementBlocks = measurements,
            Opaque = read,
            SignedBytes = bytes[..signatureAt],
            Signature = bytes.Slice(signatureAt, SignatureSize),
        };
    }

    private static Result<ImmutableArray<SpdmMeasurement>> ReadMeasurements(ref ByteReader record, int blocks, ReadOnlyMemory<byte> all)
    {
        var list = ImmutableArray.CreateBuilder<SpdmMeasurement>(blocks);
        Span<bool> seen = stackalloc bool[256];
        for (int i = 0; i < blocks; i++)
        {
            int at = record.Offset;
            if (!record.TryReadByte(out byte index) || !record.TryReadByte(out byte specification) || !record.TryReadPrefixed16LittleEndian(out ByteReader block))
            {
                return Refusal.Malformed("MeasurementRecord", at, "a block goes over the end");
            }

            if (specification != 1)
            {
                return new Refusal(RefusalCode.Unsupported, $"MeasurementSpecification at offset {at + 1}: {specification} is not DMTF") { Field = "MeasurementSpecification", Offset = at + 1 };
            }

            if (!block.TryReadByte(out byte type) || !block.TryReadPrefixed16LittleEndian(out ByteReader value) || block.Remaining != 0)
            {
                return Refusal.Malformed("DMTFSpecMeasurementValueSize", at + 5, "does not fill its block");
            }

            if (seen[index])
            {
                return Refusal.Malformed("MeasurementRecord.Index", at, $"measurement {index} occurs twice");
            }

            seen[index] = true;
            list.Add(new SpdmMeasurement(index, type, all.Slice(value.Offset, value.Remaining)));
        }

        return record.Remaining == 0
            ? list.ToImmutable()
            : Refusal.Malformed("MeasurementRecord", record.Offset, $"{record.Remaining} bytes after the last block");
    }
}
