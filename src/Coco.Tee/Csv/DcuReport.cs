// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>The report of a Hygon DCU: 252 signed bytes, little-endian, and a signature. Not verified here.</summary>
/// <remarks>Source: tee-evidence.md 9.3.</remarks>
public sealed class DcuReport
{
    /// <summary>Length of the signed part.</summary>
    public const int BodySize = 252;

    private const int MostReports = 64;

    private DcuReport(ReadOnlyMemory<byte> body) => Body = body;

    /// <summary>What is signed.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Version of the report.</summary>
    public uint Version => BinaryPrimitives.ReadUInt32LittleEndian(Body.Span);

    /// <summary>Chip id, 16 bytes of text.</summary>
    public ReadOnlyMemory<byte> ChipId => Body.Slice(4, 16);

    /// <summary>The chip id as text.</summary>
    public string ChipIdText { get; private init; } = string.Empty;

    /// <summary>User data, 64 bytes: the expected report data.</summary>
    public ReadOnlyMemory<byte> UserData => Body.Slice(20, 64);

    /// <summary>Measurement, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Measure => Body.Slice(84, 32);

    /// <summary>Reserved, 128 bytes.</summary>
    public ReadOnlyMemory<byte> Reserved => Body.Slice(116, 128);

    /// <summary>Usage of the key that signed it.</summary>
    public uint SignatureUsage => BinaryPrimitives.ReadUInt32LittleEndian(Body.Span[244..]);

    /// <summary>Algorithm of the signature.</summary>
    public uint SignatureAlgorithm => BinaryPrimitives.ReadUInt32LittleEndian(Body.Span[248..]);

    /// <summary>r ‖ s, 64 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>Reads evidence of the TEE <c>hygondcu</c>: at least one report.</summary>
    public static Result<ImmutableArray<DcuReport>> ParseEvidence(JsonElement body)
    {
        if (!EvidenceFields.Array(body, "attestation_reports", MostReports).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        if (array.GetArrayLength() == 0)
        {
            return EvidenceFields.Bad("attestation_reports", "empty");
        }

        var reports = ImmutableArray.CreateBuilder<DcuReport>();
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (!Parse(one).TryGet(out DcuReport? report, out refusal))
            {
                return refusal;
            }

            reports.Add(report);
        }

        return reports.ToImmutable();
    }

    /// <summary>Reads one report in its JSON form.</summary>
    public static Result<DcuReport> Parse(JsonElement json)
    {
        var writer = new HygonCertificateWriter(BodySize + 144);
        if (!EvidenceFields.Object(json, "body").TryGet(out JsonElement body, out Refusal? refusal)
            || !EvidenceFields.Object(json, "sig").TryGet(out JsonElement signature, out refusal))
        {
            return refusal;
        }

        refusal = writer.UInt32(body, "version") ?? writer.Bytes(body, "chip_id", 16) ?? writer.Bytes(body, "user_data", 64) ?? writer.Bytes(body, "measure", 32)
            ?? writer.Bytes(body, "reserved", 128) ?? writer.UInt32(body, "sig_usage") ?? writer.UInt32(body, "sig_algo")
            ?? writer.Bytes(signature, "r", 72) ?? writer.Bytes(signature, "s", 72);
        if (refusal is not null)
        {
            return refusal;
        }

        ReadOnlyMemory<byte> bytes = writer.Written;
        if (!HygonKey.ReadSignature(bytes.Span, BodySize).TryGet(out ReadOnlyMemory<byte> rs, out refusal)
            || !CsvEvidence.ReadSerial(bytes.Span.Slice(4, 16), "chip_id").TryGet(out string? chip, out refusal))
        {
            return refusal;
        }

        return new DcuReport(bytes[..BodySize]) { Signature = rs, ChipIdText = chip };
    }
}
