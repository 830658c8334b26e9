// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Azure;

/// <summary>The report of Azure's paravisor (HCL): the hardware report, and the variable data whose digest that report holds.</summary>
/// <remarks>Source: tee-evidence.md 6.3. Read from the vTPM's NV index 0x01400001. Numbers are little-endian.</remarks>
public sealed class HclReport
{
    /// <summary>Length of the header before the hardware report.</summary>
    public const int HeaderSize = 32;

    /// <summary>Length of the area for the hardware report.</summary>
    public const int HardwareReportSize = 1184;

    /// <summary>Length of a TDREPORT, at the start of that area.</summary>
    public const int TdReportSize = 1024;

    private const int RuntimeHeader = HeaderSize + HardwareReportSize;
    private const int VariableDataAt = RuntimeHeader + 20;
    private const int Longest = 64 * 1024;
    private const int MostKeys = 16;

    private HclReport()
    {
    }

    /// <summary>Version of the header: 1 or 2.</summary>
    public uint Version { get; private init; }

    /// <summary>Kind of request that it answers.</summary>
    public uint RequestType { get; private init; }

    /// <summary>Kind of the hardware report.</summary>
    public HclReportType ReportType { get; private init; }

    /// <summary>The area with the hardware report, 1184 bytes.</summary>
    public ReadOnlyMemory<byte> HardwareReport { get; private init; }

    /// <summary>The variable data exactly as they are hashed: JSON.</summary>
    public ReadOnlyMemory<byte> VariableData { get; private init; }

    /// <summary>Modulus of the attestation key (<c>HCLAkPub</c>), big-endian.</summary>
    public ReadOnlyMemory<byte> AkModulus { get; private init; }

    /// <summary>Public exponent of the attestation key, big-endian.</summary>
    public ReadOnlyMemory<byte> AkExponent { get; private init; }

    /// <summary><c>user-data</c> of the variable data as bytes; empty when it is missing.</summary>
    public ReadOnlyMemory<byte> UserData { get; private init; }

    /// <summary>The report data field of a TDREPORT (64 bytes at offset 128).</summary>
    public ReadOnlyMemory<byte> TdReportData => HardwareReport.Slice(128, 64);

    /// <summary>SHA-256 of the variable data, which the first half of the hardware's report data must hold.</summary>
    public byte[] HashVariableData() => SHA256.HashData(VariableData.Span);

    /// <summary>Reads it. What follows the variable data is padding of the NV index and is not looked at.</summary>
    public static Result<HclReport> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"HCL report: {bytes.Length} bytes, at most {Longest} accepted") { Field = "HCL report" };
        }

        var reader = new ByteReader(bytes.Span);
        if (!reader.TryRead(4, out ReadOnlySpan<byte> signature) || !signature.SequenceEqual("HCLA"u8))
        {
            return Refusal.Malformed("HCL report.signature", 0, "not HCLA");
        }

        if (!reader.TryReadUInt32LittleEndian(out uint version) || version is not (1 or 2))
        {
            return new Refusal(RefusalCode.Unsupported, $"HCL report.version: {version}") { Field = "HCL report.version", Offset = 4 };
        }

        if (!reader.TryReadUInt32LittleEndian(out _) || !reader.TryReadUInt32LittleEndian(out uint request) || !reader.TrySkip(16 + HardwareReportSize)
            || !reader.TryReadUInt32LittleEndian(out _) || !reader.TryReadUInt32LittleEndian(out _) || !reader.TryReadUInt32LittleEndian(out uint type)
            || !reader.TryReadUInt32LittleEndian(out uint hash) || !reader.TryReadUInt32LittleEndian(out uint size))
        {
            return Refusal.Malformed("HCL report", bytes.Length, $"ends too early: {VariableDataAt} bytes wanted before the variable data");
        }

        if (type is not ((uint)HclReportType.Snp or (uint)HclReportType.Tdx))
        {
            return new Refusal(RefusalCode.Unsupported, $"HCL report.report_type: {type} is neither SNP nor TDX") { Field = "HCL report.report_type", Offset = RuntimeHeader + 8 };
        }

        if (hash != 1)
        {
            return new Refusal(RefusalCode.Unsupported, $"HCL report.hash_type: {hash} is not SHA-256") { Field = "HCL report.hash_type", Offset = RuntimeHeader + 12 };
        }

        if (size > (uint)reader.Remaining)
        {
            return Refusal.Malformed("HCL report.variable_data_size", RuntimeHeader + 16, $"{size} bytes, {reader.Remaining} are left");
        }

        ReadOnlyMemory<byte> variable = bytes.Slice(VariableDataAt, (int)size);
        if (!ReadVariableData(variable).TryGet(out HclReport? keys, out Refusal? refusal))
        {
            return refusal;
        }

        return new HclReport
        {
            Version = version,
            RequestType = request,
            ReportType = (HclReportType)type,
            HardwareReport = bytes.Slice(HeaderSize, HardwareReportSize),
            VariableData = variable,
            AkModulus = keys.AkModulus,
            AkExponent = keys.AkExponent,
            UserData = keys.UserData,
        };
    }

    private static Result<HclReport> ReadVariableData(ReadOnlyMemory<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            return Refusal.Malformed("HCL report.variable_data", VariableDataAt, "not JSON: " + e.Message);
        }

        using (document)
        {
            JsonElement root = document.RootElement;
            if (!EvidenceFields.Array(root, "keys", MostKeys).TryGet(out JsonElement keys, out Refusal? refusal))
            {
                return refusal;
            }

            JsonElement? ak = null;
            foreach (JsonElement key in keys.EnumerateArray())
            {
                if (key.ValueKind == JsonValueKind.Object && key.TryGetProperty("kid", out JsonElement kid) && kid.ValueKind == JsonValueKind.String
                    && kid.ValueEquals("HCLAkPub"u8))
                {
                    // Two keys of this name would leave it to the reader which one signs.
                    if (ak is not null)
                    {
                        return EvidenceFields.Bad("keys", "HCLAkPub occurs twice");
                    }

                    ak = key;
                }
            }

            if (ak is not { } found)
            {
                return EvidenceFields.Bad("keys", "HCLAkPub is missing");
            }

            if (!EvidenceFields.Text(found, "kty").TryGet(out string? kty, out refusal))
            {
                return refusal;
            }

            if (kty != "RSA")
            {
                return new Refusal(RefusalCode.Unsupported, "HCLAkPub.kty: not RSA") { Field = "kty" };
            }

            if (!UrlText(found, "n", 512).TryGet(out ReadOnlyMemory<byte> n, out refusal) || !UrlText(found, "e", 8).TryGet(out ReadOnlyMemory<byte> e, out refusal))
            {
                return refusal;
            }

            ReadOnlyMemory<byte> user = default;
            if (!EvidenceFields.IsAbsent(root, "user-data") && !EvidenceFields.Hex(root, "user-data", 64).TryGet(out user, out refusal))
            {
                return refusal;
            }

            return new HclReport { AkModulus = n, AkExponent = e, UserData = user };
        }
    }

    private static Result<ReadOnlyMemory<byte>> UrlText(JsonElement key, string name, int limit)
    {
        if (!EvidenceFields.Text(key, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal;
        }

        if (text.Length > (limit * 4 / 3) + 2)
        {
            return EvidenceFields.Bad(name, "too long");
        }

        return StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out refusal) && bytes.Length > 0
            ? (ReadOnlyMemory<byte>)bytes
            : EvidenceFields.Bad(name, "not base64url, or empty");
    }
}
