// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.Json;

namespace Coco.Tee.Snp;

/// <summary>Evidence of tee <c>snp</c>: a report and, mostly, certificates. Nothing is verified. Immutable, thread-safe.</summary>
/// <remarks>
/// Source: tee-evidence.md 2.11. The JSON has the report's members one by one; the 1184 bytes are rebuilt from them with reserved bytes zero, and
/// only the signature says whether that is what the firmware wrote.
/// </remarks>
public sealed class SnpEvidence
{
    private const int MaximumCertificates = 16;
    private const int MaximumCertificateLength = 64 * 1024;

    /// <summary>A report with certificates.</summary>
    /// <param name="report">The report.</param>
    /// <param name="certificates">The certificates in their order; null when the evidence has no list at all, so that the VCEK is to be fetched.</param>
    public SnpEvidence(SnpReport report, ImmutableArray<SnpCertificateEntry>? certificates)
    {
        ArgumentNullException.ThrowIfNull(report);
        Report = report;
        Certificates = certificates;
    }

    /// <summary>The report.</summary>
    public SnpReport Report { get; }

    /// <summary>The certificates; null when there is no list at all (an empty list is not null).</summary>
    public ImmutableArray<SnpCertificateEntry>? Certificates { get; }

    /// <summary>Reads the current JSON shape. Members that are not known are passed over, as the reference does; known ones must have their exact form.</summary>
    public static Result<SnpEvidence> Parse(JsonElement json) => Parse(json, legacy: false);

    /// <summary>
    /// Reads the older JSON shape (members <c>_reserved*</c>, <c>_author_key_en</c>, flat <c>current_build</c> …), for display and for
    /// evidence kept from old guests. The reference refuses it; so do verifiers here unless told otherwise.
    /// </summary>
    public static Result<SnpEvidence> ParseLegacy(JsonElement json) => Parse(json, legacy: true);

    /// <summary>Whether JSON has the older shape.</summary>
    public static bool IsLegacy(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object
        && json.TryGetProperty("attestation_report", out JsonElement report)
        && report.ValueKind == JsonValueKind.Object
        && report.TryGetProperty("current_build", out _)
        && !report.TryGetProperty("current", out _);

    /// <summary>A report as configfs-tsm or the sev-guest device gives it, with its certificate table.</summary>
    /// <param name="report">1184 bytes (<c>outblob</c>).</param>
    /// <param name="table">The table (<c>auxblob</c>); empty when there is none.</param>
    public static Result<SnpEvidence> FromDevice(ReadOnlyMemory<byte> report, ReadOnlyMemory<byte> table)
    {
        if (!SnpReport.Parse(report).TryGet(out SnpReport? parsed, out Refusal? refusal))
        {
            return refusal;
        }

        if (table.IsEmpty)
        {
            return new SnpEvidence(parsed, null);
        }

        return SnpCertificateTable.Parse(table).TryGet(out ImmutableArray<SnpCertificateEntry> entries, out refusal)
            ? new SnpEvidence(parsed, entries.Length == 0 ? null : entries)
            : refusal;
    }

    /// <summary>Writes the current JSON shape.</summary>
    public JsonObject ToJson()
    {
        SnpReport r = Report;
        var report = new JsonObject
        {
            ["version"] = r.Version,
            ["guest_svn"] = r.GuestSvn,
            ["policy"] = r.Policy.Value,
            ["family_id"] = Numbers(r.FamilyId.Span),
            ["image_id"] = Numbers(r.ImageId.Span),
            ["vmpl"] = r.Vmpl,
            ["sig_algo"] = r.SignatureAlgorithm,
            ["current_tcb"] = TcbJson(r.CurrentTcb),
            ["plat_info"] = r.PlatformInfo.Value,
            ["key_info"] = r.KeyInfo.Value,
            ["report_data"] = Numbers(r.ReportData.Span),
            ["measurement"] = Numbers(r.Measurement.Span),
            ["host_data"] = Numbers(r.HostData.Span),
            ["id_key_digest"] = Numbers(r.IdKeyDigest.Span),
            ["author_key_digest"] = Numbers(r.AuthorKeyDigest.Span),
            ["report_id"] = Numbers(r.ReportId.Span),
            ["report_id_ma"] = Numbers(r.ReportIdMa.Span),
            ["reported_tcb"] = TcbJson(r.ReportedTcb),
            ["cpuid_fam_id"] = (int?)r.CpuFamily,
            ["cpuid_mod_id"] = (int?)r.CpuModel,
            ["cpuid_step"] = (int?)r.CpuStepping,
            ["chip_id"] = Numbers(r.ChipId.Span),
            ["committed_tcb"] = TcbJson(r.CommittedTcb),
            ["current"] = FirmwareJson(r.Current),
            ["committed"] = FirmwareJson(r.Committed),
            ["launch_tcb"] = TcbJson(r.LaunchTcb),
            ["launch_mit_vector"] = r.LaunchMitigationVector,
            ["current_mit_vector"] = r.CurrentMitigationVector,
            ["signature"] = new JsonObject { ["r"] = Numbers(r.SignatureR.Span), ["s"] = Numbers(r.SignatureS.Span) },
        };
        JsonArray? chain = null;
        if (Certificates is { } certificates)
        {
            chain = [];
            foreach (SnpCertificateEntry entry in certificates)
            {
                string? name = SnpCertificateEntry.JsonNameOf(entry.Type);
                chain.Add((JsonNode)new JsonObject
                {
                    ["cert_type"] = name is null ? new JsonObject { ["OTHER"] = entry.Id.ToString() } : JsonValue.Create(name),
                    ["data"] = Numbers(entry.Data.Span),
                });
            }
        }

        return new JsonObject { ["attestation_report"] = report, ["cert_chain"] = chain };
    }

    private static Result<SnpEvidence> Parse(JsonElement json, bool legacy)
    {
        if (!EvidenceFields.Object(json, "attestation_report").TryGet(out JsonElement report, out Refusal? refusal))
        {
            return refusal;
        }

        byte[] raw = new byte[SnpReport.Length];
        if (FillReport(report, raw, legacy) is { } bad)
        {
            return bad;
        }

        if (!SnpReport.Parse(raw).TryGet(out SnpReport? parsed, out refusal))
        {
            return refusal;
        }

        if (EvidenceFields.IsAbsent(json, "cert_chain"))
        {
            return new SnpEvidence(parsed, null);
        }

        return ReadCertificates(json).TryGet(out ImmutableArray<SnpCertificateEntry> certificates, out refusal)
            ? new SnpEvidence(parsed, certificates)
            : refusal;
    }

    private static Refusal? FillReport(JsonElement report, Span<byte> raw, bool legacy)
    {
        if (!EvidenceFields.UInt32(report, "version").TryGet(out uint version, out Refusal? refusal)
            || !EvidenceFields.UInt32(report, "guest_svn").TryGet(out uint guestSvn, out refusal)
            || !EvidenceFields.UInt64(report, "policy").TryGet(out ulong policy, out refusal)
            || !EvidenceFields.UInt32(report, "vmpl").TryGet(out uint vmpl, out refusal)
            || !EvidenceFields.UInt32(report, "sig_algo").TryGet(out uint algorithm, out refusal)
            || !EvidenceFields.UInt64(report, "plat_info").TryGet(out ulong platform, out refusal)
            || !EvidenceFields.UInt32(report, legacy ? "_author_key_en" : "key_info").TryGet(out uint keyInfo, out refusal))
        {
            return refusal;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(raw[SnpReportLayout.Version..], version);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[SnpReportLayout.GuestSvn..], guestSvn);
        BinaryPrimitives.WriteUInt64LittleEndian(raw[SnpReportLayout.Policy..], policy);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[SnpReportLayout.Vmpl..], vmpl);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[SnpReportLayout.SignatureAlgorithm..], algorithm);
        BinaryPrimitives.WriteUInt64LittleEndian(raw[SnpReportLayout.PlatformInfo..], platform);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[SnpReportLayout.KeyInfo..], keyInfo);

        if (!EvidenceFields.Object(report, "signature").TryGet(out JsonElement signature, out refusal))
        {
            return refusal;
        }

        return EvidenceFields.FillBytes(report, "family_id", raw.Slice(SnpReportLayout.FamilyId, 16))
            ?? EvidenceFields.FillBytes(report, "image_id", raw.Slice(SnpReportLayout.ImageId, 16))
            ?? EvidenceFields.FillBytes(report, "report_data", raw.Slice(SnpReportLayout.ReportData, 64))
            ?? EvidenceFields.FillBytes(report, "measurement", raw.Slice(SnpReportLayout.Measurement, 48))
            ?? EvidenceFields.FillBytes(report, "host_data", raw.Slice(SnpReportLayout.HostData, 32))
            ?? EvidenceFields.FillBytes(report, "id_key_digest", raw.Slice(SnpReportLayout.IdKeyDigest, 48))
            ?? EvidenceFields.FillBytes(report, "author_key_digest", raw.Slice(SnpReportLayout.AuthorKeyDigest, 48))
            ?? EvidenceFields.FillBytes(report, "report_id", raw.Slice(SnpReportLayout.ReportId, 32))
            ?? EvidenceFields.FillBytes(report, "report_id_ma", raw.Slice(SnpReportLayout.ReportIdMa, 32))
            ?? EvidenceFields.FillBytes(report, "chip_id", raw.Slice(SnpReportLayout.ChipId, 64))
            ?? EvidenceFields.FillBytes(signature, "r", raw.Slice(SnpReportLayout.SignatureR, SnpReportLayout.SignatureComponent))
            ?? EvidenceFields.FillBytes(signature, "s", raw.Slice(SnpReportLayout.SignatureS, SnpReportLayout.SignatureComponent))
            ?? FillTcb(report, "current_tcb", raw.Slice(SnpReportLayout.CurrentTcb, 8))
            ?? FillTcb(report, "reported_tcb", raw.Slice(SnpReportLayout.ReportedTcb, 8))
            ?? FillTcb(report, "committed_tcb", raw.Slice(SnpReportLayout.CommittedTcb, 8))
            ?? FillTcb(report, "launch_tcb", raw.Slice(SnpReportLayout.LaunchTcb, 8))
            ?? FillFirmware(report, "current", raw.Slice(SnpReportLayout.CurrentBuild, 3), legacy)
            ?? FillFirmware(report, "committed", raw.Slice(SnpReportLayout.CommittedBuild, 3), legacy)
            ?? FillVersioned(report, raw, version);
    }

    /// <summary>Members that exist from a version on: null or absent below it, a number from it on.</summary>
    private static Refusal? FillVersioned(JsonElement report, Span<byte> raw, uint version)
    {
        ReadOnlySpan<(string Name, int Offset)> cpuid =
        [
            ("cpuid_fam_id", SnpReportLayout.CpuFamily),
            ("cpuid_mod_id", SnpReportLayout.CpuModel),
            ("cpuid_step", SnpReportLayout.CpuStepping),
        ];
        foreach ((string name, int offset) in cpuid)
        {
            if (EvidenceFields.IsAbsent(report, name))
            {
                if (version >= 3)
                {
                    return EvidenceFields.Bad(name, $"missing in a report of version {version}");
                }

                continue;
            }

            if (version < 3)
            {
                return EvidenceFields.Bad(name, $"a report of version {version} has none");
            }

            if (!EvidenceFields.Byte(report, name).TryGet(out byte value, out Refusal? refusal))
            {
                return refusal;
            }

            raw[offset] = value;
        }

        ReadOnlySpan<(string Name, int Offset)> vectors =
        [
            ("launch_mit_vector", SnpReportLayout.LaunchMitigationVector),
            ("current_mit_vector", SnpReportLayout.CurrentMitigationVector),
        ];
        foreach ((string name, int offset) in vectors)
        {
            if (EvidenceFields.IsAbsent(report, name))
            {
                continue;
            }

            if (version < 5)
            {
                return EvidenceFields.Bad(name, $"a report of version {version} has none");
            }

            if (!EvidenceFields.UInt64(report, name).TryGet(out ulong value, out Refusal? refusal))
            {
                return refusal;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(raw[offset..], value);
        }

        return null;
    }

    private static Refusal? FillTcb(JsonElement report, string name, Span<byte> destination)
    {
        if (!EvidenceFields.Object(report, name).TryGet(out JsonElement tcb, out Refusal? refusal)
            || !EvidenceFields.Byte(tcb, "bootloader").TryGet(out byte bootLoader, out refusal)
            || !EvidenceFields.Byte(tcb, "tee").TryGet(out byte tee, out refusal)
            || !EvidenceFields.Byte(tcb, "snp").TryGet(out byte snp, out refusal)
            || !EvidenceFields.Byte(tcb, "microcode").TryGet(out byte microcode, out refusal))
        {
            return refusal.Within(name);
        }

        byte? fmc = null;
        if (!EvidenceFields.IsAbsent(tcb, "fmc"))
        {
            if (!EvidenceFields.Byte(tcb, "fmc").TryGet(out byte level, out refusal))
            {
                return refusal.Within(name);
            }

            fmc = level;
        }

        new SnpTcb(fmc, bootLoader, tee, snp, microcode).Write(destination);
        return null;
    }

    private static Refusal? FillFirmware(JsonElement report, string name, Span<byte> destination, bool legacy)
    {
        JsonElement holder = report;
        Refusal? refusal;
        if (!legacy && !EvidenceFields.Object(report, name).TryGet(out holder, out refusal))
        {
            return refusal;
        }

        string prefix = legacy ? name + "_" : string.Empty;
        if (!EvidenceFields.Byte(holder, prefix + "build").TryGet(out destination[0], out refusal)
            || !EvidenceFields.Byte(holder, prefix + "minor").TryGet(out destination[1], out refusal)
            || !EvidenceFields.Byte(holder, prefix + "major").TryGet(out destination[2], out refusal))
        {
            return refusal.Within(name);
        }

        return null;
    }

    private static Result<ImmutableArray<SnpCertificateEntry>> ReadCertificates(JsonElement json)
    {
        if (!EvidenceFields.Array(json, "cert_chain", MaximumCertificates).TryGet(out JsonElement list, out Refusal? refusal))
        {
            return refusal;
        }

        ImmutableArray<SnpCertificateEntry>.Builder found = ImmutableArray.CreateBuilder<SnpCertificateEntry>(list.GetArrayLength());
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Object || !one.TryGetProperty("cert_type", out JsonElement type))
            {
                return EvidenceFields.Bad("cert_type", "missing");
            }

            Guid id;
            if (type.ValueKind == JsonValueKind.String && TypeOfName(type) is { } known)
            {
                id = SnpCertificateEntry.Of(known, default).Id;
            }
            else if (type.ValueKind != JsonValueKind.Object
                || !EvidenceFields.Text(type, "OTHER").TryGet(out string? other, out _)
                || !Guid.TryParse(other, out id))
            {
                return EvidenceFields.Bad("cert_type", "not one of Empty, ARK, ASK, VCEK, VLEK, CRL, or {\"OTHER\": uuid}");
            }

            if (!EvidenceFields.ByteArray(one, "data", MaximumCertificateLength).TryGet(out ReadOnlyMemory<byte> data, out refusal))
            {
                return refusal.Within("cert_chain");
            }

            SnpCertificateType named = type.ValueKind == JsonValueKind.String ? SnpCertificateEntry.TypeOf(id) : SnpCertificateType.Other;
            found.Add(new SnpCertificateEntry(named, id, data));
        }

        return found.MoveToImmutable();
    }

    private static SnpCertificateType? TypeOfName(JsonElement name) =>
        name.ValueEquals("VCEK"u8) ? SnpCertificateType.Vcek
        : name.ValueEquals("VLEK"u8) ? SnpCertificateType.Vlek
        : name.ValueEquals("ASK"u8) ? SnpCertificateType.Ask
        : name.ValueEquals("ARK"u8) ? SnpCertificateType.Ark
        : name.ValueEquals("CRL"u8) ? SnpCertificateType.Crl
        : name.ValueEquals("Empty"u8) ? SnpCertificateType.Empty
        : null;

    private static JsonArray Numbers(ReadOnlySpan<byte> bytes)
    {
        var array = new JsonArray();
        foreach (byte b in bytes)
        {
            array.Add((JsonNode)JsonValue.Create(b));
        }

        return array;
    }

    private static JsonObject TcbJson(SnpTcb tcb) => new()
    {
        ["fmc"] = (int?)tcb.Fmc,
        ["bootloader"] = (int)tcb.BootLoader,
        ["tee"] = (int)tcb.Tee,
        ["snp"] = (int)tcb.Snp,
        ["microcode"] = (int)tcb.Microcode,
    };

    private static JsonObject FirmwareJson(SnpFirmwareVersion version) => new()
    {
        ["major"] = (int)version.Major,
        ["minor"] = (int)version.Minor,
        ["build"] = (int)version.Build,
    };
}
