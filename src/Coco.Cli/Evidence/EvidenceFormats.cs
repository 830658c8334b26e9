// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Csv;
using Coco.Verifiers.Nvidia;
using Coco.Verifiers.Sample;
using Coco.Verifiers.Tpm;

namespace Coco.Cli.EvidenceCommands;

/// <summary>The formats that the evidence commands know; detection asks them in this order.</summary>
internal static class EvidenceFormats
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IEvidenceFormat> All { get; } =
    [
        new SnpFormat(),
        new IntelFormat(TeeType.Tdx),
        new IntelFormat(TeeType.Sgx),
        new AzureFormat(TeeType.AzSnpVtpm),
        new AzureFormat(TeeType.AzTdxVtpm),
        new JsonEvidenceFormat(
            TeeType.Tpm,
            ["tpm_quote", "ak_public"],
            i => new TpmVerifier(new TpmVerifierOptions { Clock = i.Clock, Roots = [.. i.Trusted.Select(TrustedKey.Of)], RequireEndorsement = i.Trusted.Count > 0 }),
            DeviceViews.Tpm),
        new JsonEvidenceFormat(
            TeeType.Csv,
            ["attestation_report", "serial_number"],
            i => new CsvVerifier(new CsvVerifierOptions { Collateral = i.Collateral }),
            DeviceViews.Csv),
        new CcaFormat(),
        new SeFormat(),
        new JsonEvidenceFormat(
            TeeType.HygonDcu, ["attestation_reports"], i => new DcuVerifier(new CsvVerifierOptions { Collateral = i.Collateral }), DeviceViews.Dcu),
        new NvidiaFormat(),
        new JsonEvidenceFormat(
            TeeType.NvidiaDpu, ["version", "devices"], i => new DpuVerifier(new DpuVerifierOptions { Clock = i.Clock, Roots = [.. i.Trusted.Select(TrustedKey.Of)] })),
        new JsonEvidenceFormat(TeeType.Sample, ["svn", "report_data"], _ => new SampleVerifier()),
        new JsonEvidenceFormat(TeeType.SampleDevice, [], _ => new SampleDeviceVerifier()),
    ];

    /// <summary>The format of a wire name.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public static IEvidenceFormat Named(string name) =>
        TeeTypes.TryParse(name, out TeeType tee) && All.FirstOrDefault(f => f.Tee == tee) is { } format
            ? format
            : throw new CommandFailedException($"unknown TEE '{name}'; known: {string.Join(", ", All.Select(f => f.Tee.ToWireName()))}");

    /// <summary>The format that a file has.</summary>
    /// <exception cref="CommandFailedException">It has none that is known.</exception>
    public static IEvidenceFormat Detect(EvidenceFile file) =>
        (file.NamedTee is { } named ? All.FirstOrDefault(f => f.Tee == named) : All.FirstOrDefault(f => f.Recognizes(file)))
            ?? throw new CommandFailedException($"cannot tell what {file.Path} is; say it with --tee");
}
