// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>
/// A guest on a simulated chip: gives attestation reports in the binary format of the firmware, signed by its VCEK or VLEK, and the evidence that an
/// attestation agent would send. Thread-safe.
/// </summary>
public sealed class SimulatedSnpGuest : IDisposable
{
    private readonly SimulatedAmd _vendor;
    private readonly SimulatedSnpGuestOptions _options;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly Lock _signing = new();

    internal SimulatedSnpGuest(SimulatedAmd vendor, SimulatedSnpGuestOptions options)
    {
        _vendor = vendor;
        _options = options;
        ChipId = options.ChipId ?? RandomChip(vendor.Generation);
        Tcb = options.Tcb ?? vendor.OrdinaryTcb;
        Measurement = options.Measurement ?? SHA384.HashData("a simulated guest"u8);
        VekCertificate = vendor.IssueVek(_key.ExportSubjectPublicKeyInfo(), options.UseVlek, ChipId, Tcb, options.ChangeCertificate);
    }

    /// <summary>The chip, 64 bytes.</summary>
    public byte[] ChipId { get; }

    /// <summary>The platform's TCB.</summary>
    public SnpTcb Tcb { get; }

    /// <summary>The launch digest, 48 bytes.</summary>
    public byte[] Measurement { get; }

    /// <summary>VCEK or VLEK certificate, DER.</summary>
    public byte[] VekCertificate { get; }

    /// <summary>A report.</summary>
    /// <param name="reportData">At most 64 bytes.</param>
    /// <param name="change">Changes its fields before (and after) it is signed.</param>
    /// <returns>1184 bytes.</returns>
    public byte[] GetReport(ReadOnlySpan<byte> reportData, Action<SnpReportFields>? change = null)
    {
        SnpReportFields fields = NewFields(reportData);
        change?.Invoke(fields);
        byte[] raw = fields.Encode();
        fields.BeforeSigning?.Invoke(raw);
        Sign(raw);
        fields.AfterSigning?.Invoke(raw);
        return raw;
    }

    /// <summary>Evidence of tee <c>snp</c> in the current JSON shape.</summary>
    /// <param name="reportData">At most 64 bytes.</param>
    /// <param name="change">Changes the report's fields.</param>
    public JsonObject GetEvidence(ReadOnlySpan<byte> reportData, Action<SnpReportFields>? change = null)
    {
        SnpReport report = SnpReport.Parse(GetReport(reportData, change)).Require();
        return new SnpEvidence(report, GetCertificates()).ToJson();
    }

    /// <summary>As <see cref="GetEvidence"/>, as a parsed document.</summary>
    public JsonElement GetEvidenceElement(ReadOnlySpan<byte> reportData, Action<SnpReportFields>? change = null)
    {
        using JsonDocument document = JsonDocument.Parse(GetEvidence(reportData, change).ToJsonString());
        return document.RootElement.Clone();
    }

    /// <summary>The certificates that the evidence brings.</summary>
    public ImmutableArray<SnpCertificateEntry> GetCertificates()
    {
        var vek = SnpCertificateEntry.Of(_options.UseVlek ? SnpCertificateType.Vlek : SnpCertificateType.Vcek, VekCertificate);
        return _options.SendChain
            ? [vek, SnpCertificateEntry.Of(SnpCertificateType.Ask, _options.UseVlek ? _vendor.Asvk : _vendor.Ask), SnpCertificateEntry.Of(SnpCertificateType.Ark, _vendor.Ark)]
            : [vek];
    }

    /// <summary>The certificate table, as configfs-tsm gives it in <c>auxblob</c>.</summary>
    public byte[] GetCertificateTable() => SnpCertificateTable.Write(GetCertificates());

    /// <summary>Signs the first 672 bytes of a report and writes the signature into it.</summary>
    public void Sign(byte[] report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Span<byte> signature = stackalloc byte[96];
        lock (_signing)
        {
            _key.SignData(report.AsSpan(0, 0x2A0), signature, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        signature[..48].Reverse();
        signature[48..].Reverse();
        report.AsSpan(0x2A0, 144).Clear();
        signature[..48].CopyTo(report.AsSpan(0x2A0));
        signature[48..].CopyTo(report.AsSpan(0x2E8));
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static byte[] RandomChip(SnpGeneration generation)
    {
        byte[] chip = new byte[64];
        RandomNumberGenerator.Fill(chip.AsSpan(0, generation == SnpGeneration.Turin ? 8 : 64));
        return chip;
    }

    private SnpReportFields NewFields(ReadOnlySpan<byte> reportData)
    {
        (byte family, byte model) = _vendor.Cpu;
        var fields = new SnpReportFields
        {
            Version = _options.ReportVersion,
            ReportData = reportData.ToArray(),
            Measurement = Measurement,
            HostData = _options.HostData,
            ReportId = SHA256.HashData(ChipId),
            CpuFamily = family,
            CpuModel = model,
            CpuStepping = 1,
            ChipId = _options.UseVlek ? [] : ChipId,
            KeyInfo = _options.UseVlek ? 4u : 0,
        };
        fields.SetTcb(Tcb);
        return fields;
    }
}
