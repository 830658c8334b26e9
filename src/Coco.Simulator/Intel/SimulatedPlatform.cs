// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Tee.Intel;

namespace Coco.Simulator.Intel;

/// <summary>A simulated machine: a provisioning certification key, a quoting enclave with an attestation key, and quotes in the real formats. Thread-safe.</summary>
public sealed class SimulatedPlatform : IDisposable
{
    private readonly SimulatedIntel _vendor;
    private readonly ECDsa _pck = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _attestationKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    internal SimulatedPlatform(SimulatedIntel vendor, SimulatedPlatformOptions options)
    {
        _vendor = vendor;
        Options = options;
        Serial = [0x33, .. RandomNumberGenerator.GetBytes(15)];
        Ppid = options.Ppid ?? RandomNumberGenerator.GetBytes(16);
        PlatformInstanceId = RandomNumberGenerator.GetBytes(16);
        PckCertificate = vendor.IssuePck(_pck, options, Serial, Ppid, PlatformInstanceId);
    }

    /// <summary>What it is.</summary>
    public SimulatedPlatformOptions Options { get; }

    /// <summary>Serial number of its PCK certificate, to revoke it.</summary>
    public byte[] Serial { get; }

    /// <summary>PPID, 16 bytes.</summary>
    public byte[] Ppid { get; }

    /// <summary>Platform instance id, 16 bytes.</summary>
    public byte[] PlatformInstanceId { get; }

    /// <summary>The PCK certificate, DER.</summary>
    public byte[] PckCertificate { get; }

    /// <summary>Leaf, intermediate CA and root in PEM, as quotes carry them.</summary>
    public string PckChain => SimulatedIntel.ToPem(PckCertificate, Options.UsePlatformCa ? _vendor.PlatformCa : _vendor.ProcessorCa, _vendor.Root);

    /// <summary>Intermediate CA and root in PEM.</summary>
    public string IssuerChain => SimulatedIntel.ToPem(Options.UsePlatformCa ? _vendor.PlatformCa : _vendor.ProcessorCa, _vendor.Root);

    /// <summary>Makes a quote.</summary>
    public byte[] MakeQuote(SimulatedQuoteOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        byte[] signed = MakeSigned(options);
        options.ChangeSigned?.Invoke(signed);
        byte[] point = Point(_attestationKey);
        byte[] qeReport = MakeQeReport(options, point);
        options.ChangeQeReport?.Invoke(qeReport);
        byte[] certification = options.CertificationData ?? Encoding.ASCII.GetBytes(PckChain);

        using var inner = new MemoryStream();
        inner.Write(qeReport);
        inner.Write(_pck.SignData(qeReport, HashAlgorithmName.SHA256));
        WriteUInt16(inner, options.AuthenticationData.Length);
        inner.Write(options.AuthenticationData);
        WriteUInt16(inner, options.CertificationDataType);
        WriteUInt32(inner, certification.Length);
        inner.Write(certification);

        using var signature = new MemoryStream();
        signature.Write(_attestationKey.SignData(signed, HashAlgorithmName.SHA256));
        signature.Write(point);
        if (options.Version >= 4)
        {
            WriteUInt16(signature, 6);
            WriteUInt32(signature, (int)inner.Length);
        }

        inner.WriteTo(signature);
        using var quote = new MemoryStream();
        quote.Write(signed);
        WriteUInt32(quote, (int)signature.Length);
        signature.WriteTo(quote);
        quote.Write(new byte[options.TrailingBytes]);
        byte[] finished = quote.ToArray();
        options.ChangeFinished?.Invoke(finished);
        return finished;
    }

    /// <summary>Evidence of the tee <c>tdx</c>.</summary>
    /// <param name="options">The quote.</param>
    /// <param name="eventLog">The event log; none when null.</param>
    public JsonObject GetTdxEvidence(SimulatedQuoteOptions options, byte[]? eventLog = null) => new()
    {
        ["cc_eventlog"] = eventLog is null ? null : Convert.ToBase64String(eventLog),
        ["quote"] = Convert.ToBase64String(MakeQuote(options)),
    };

    /// <summary>Evidence of the tee <c>sgx</c>.</summary>
    /// <param name="options">The quote.</param>
    public JsonObject GetSgxEvidence(SimulatedQuoteOptions options) => new() { ["quote"] = Convert.ToBase64String(MakeQuote(options)) };

    /// <inheritdoc/>
    public void Dispose()
    {
        _pck.Dispose();
        _attestationKey.Dispose();
    }

    private static byte[] MakeSigned(SimulatedQuoteOptions options)
    {
        bool isTd = options.IsTrustDomain && options.Version >= 4;
        (int type, int length) = !isTd ? (1, SgxReportBody.Length)
            : options.Is15Extended ? (4, TdReportBody.Length15Extended)
            : options.Is15 ? (3, TdReportBody.Length15)
            : (2, TdReportBody.Length10);
        int bodyAt = options.Version == 5 ? 54 : 48;
        byte[] signed = new byte[bodyAt + length];
        BinaryPrimitives.WriteUInt16LittleEndian(signed, (ushort)options.Version);
        BinaryPrimitives.WriteUInt16LittleEndian(signed.AsSpan(2), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(signed.AsSpan(4), isTd ? 0x81u : 0u);
        IntelQuote.IntelVendorId.CopyTo(signed.AsSpan(12));
        if (options.Version == 5)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(signed.AsSpan(48), (ushort)type);
            BinaryPrimitives.WriteUInt32LittleEndian(signed.AsSpan(50), (uint)length);
        }

        Span<byte> body = signed.AsSpan(bodyAt);
        if (!isTd)
        {
            body[48] = 5;
            options.ConfigId.CopyTo(body[192..]);
            options.ReportData.CopyTo(body[320..]);
            return signed;
        }

        options.TeeTcbSvn.CopyTo(body);
        BinaryPrimitives.WriteUInt64LittleEndian(body[120..], options.TdAttributes);
        body.Slice(136, 48).Fill(0x4D);
        options.ConfigId.CopyTo(body[184..]);
        for (int i = 0; i < options.Rtmrs.Count; i++)
        {
            options.Rtmrs[i].CopyTo(body[(328 + (48 * i))..]);
        }

        options.ReportData.CopyTo(body[520..]);
        if (length >= TdReportBody.Length15)
        {
            (options.TeeTcbSvn2 ?? options.TeeTcbSvn).CopyTo(body[584..]);
        }

        return signed;
    }

    private static byte[] MakeQeReport(SimulatedQuoteOptions options, byte[] point)
    {
        byte[] report = new byte[SgxReportBody.Length];
        report[48] = 0x11;
        SimulatedIntel.QeSigner.CopyTo(report, 128);
        BinaryPrimitives.WriteUInt16LittleEndian(report.AsSpan(256), (ushort)(options.IsTrustDomain && options.Version >= 4 ? 2 : 1));
        BinaryPrimitives.WriteUInt16LittleEndian(report.AsSpan(258), options.QeSvn);
        byte[] bound = [.. point, .. options.AuthenticationData];
        SHA256.HashData(bound, report.AsSpan(320));
        return report;
    }

    private static byte[] Point(ECDsa key)
    {
        ECPoint q = key.ExportParameters(false).Q;
        return [.. q.X!, .. q.Y!];
    }

    private static void WriteUInt16(MemoryStream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        stream.Write(bytes);
    }

    private static void WriteUInt32(MemoryStream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)value);
        stream.Write(bytes);
    }
}
