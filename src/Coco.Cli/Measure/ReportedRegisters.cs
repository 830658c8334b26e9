// SPDX-License-Identifier: Apache-2.0
using Coco.Cli.EvidenceCommands;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;

namespace Coco.Cli.Measure;

/// <summary>The registers of a piece of evidence that launch inputs explain; null where the TEE has no such register. Nothing is verified.</summary>
internal sealed class ReportedRegisters
{
    private ReportedRegisters()
    {
    }

    /// <summary>MEASUREMENT of an SNP report.</summary>
    public byte[]? SnpMeasurement { get; private init; }

    /// <summary>The body of a TD report.</summary>
    public TdReportBody? TrustDomain { get; private init; }

    /// <summary>SHA-256 PCRs.</summary>
    public byte[][]? Pcrs { get; private init; }

    /// <summary>Where init-data's digest stands, and how it got there.</summary>
    public (byte[] Register, Func<byte[], byte[]?> ToRegister)? InitData { get; private init; }

    /// <summary>Reads a file with evidence, a raw report or a raw quote.</summary>
    /// <exception cref="CommandFailedException">It is none of those that can be explained.</exception>
    public static ReportedRegisters Of(EvidenceFile file)
    {
        IEvidenceFormat format = EvidenceFormats.Detect(file);
        switch (format.Tee)
        {
            case TeeType.Snp:
                SnpReport report = MeasureCommands.Require(SnpFormat.ReadAny(file)).Report;
                return new ReportedRegisters { SnpMeasurement = report.Measurement.ToArray(), InitData = Fitted(report.HostData.Span) };
            case TeeType.Tdx:
                ReadOnlyMemory<byte> quote = file.Json is { } tdx ? MeasureCommands.Require(IntelEvidence.ParseTdx(tdx)).Quote : file.Bytes;
                TdReportBody td = MeasureCommands.Require(IntelQuote.Parse(quote)).TrustDomain ?? throw new CommandFailedException($"{file.Path} is about an enclave");
                return new ReportedRegisters { TrustDomain = td, InitData = Fitted(td.MrConfigId) };
            case TeeType.Tpm when file.Json is { } tpm:
                return OfPcrs(MeasureCommands.Require(TpmEvidence.Parse(tpm)).Quote);
            case TeeType.AzSnpVtpm when file.Json is { } azSnpVtpm:
                return OfPcrs(MeasureCommands.Require(AzureEvidence.ParseSnp(azSnpVtpm)).Quote);
            case TeeType.AzTdxVtpm when file.Json is { } azTdxVtpm:
                return OfPcrs(MeasureCommands.Require(AzureEvidence.ParseTdx(azTdxVtpm)).Quote);
            default:
                throw new CommandFailedException($"{file.Path} is {format.Tee.ToWireName()} evidence; explained are snp, tdx, tpm, az-snp-vtpm and az-tdx-vtpm");
        }
    }

    /// <summary>A digest that was given by itself.</summary>
    public static ReportedRegisters OfDigest(byte[] digest) => new() { SnpMeasurement = digest };

    private static ReportedRegisters OfPcrs(TpmQuoteEvidence quote)
    {
        byte[][] pcrs = [.. quote.Pcrs.Select(p => p.ToArray())];
        return new ReportedRegisters { Pcrs = pcrs, InitData = (pcrs[MeasureCommands.InitDataPcr], MeasureCommands.ExtendedInitData) };
    }

    private static (byte[] Register, Func<byte[], byte[]?> ToRegister) Fitted(ReadOnlySpan<byte> register)
    {
        int length = register.Length;
        return (register.ToArray(), digest => Protocol.InitData.Fit(digest, length));
    }
}
