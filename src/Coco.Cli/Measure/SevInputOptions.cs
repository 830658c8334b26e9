// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Coco.Protocol;
using Coco.Tee.Launch;

namespace Coco.Cli.Measure;

/// <summary>What a SEV, SEV-ES or SNP guest is launched with; the flags are those of sev-snp-measure.</summary>
internal sealed class SevInputOptions(LaunchKind kind, bool forExplain = false)
{
    private readonly Option<string[]> _firmware = new("--ovmf") { Description = "firmware image; for explain, further ones are alternatives", Required = !forExplain };
    private readonly Option<string[]> _kernel = new("--kernel") { Description = "kernel; for explain, further ones are alternatives" };
    private readonly Option<string[]> _initrd = new("--initrd") { Description = "initial RAM disk; for explain, further ones are alternatives" };
    private readonly Option<string?> _append = new("--append") { Description = "kernel command line" };
    private readonly Option<int> _vcpus = new("--vcpus") { Description = "number of vCPUs", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _type = new("--vcpu-type") { Description = "QEMU's name of the vCPU model, for example EPYC-Milan", DefaultValueFactory = _ => "EPYC-v4" };
    private readonly Option<string?> _signature = new("--vcpu-sig") { Description = "CPUID signature of the vCPUs instead, for example 0xa00f11" };
    private readonly Option<int?> _family = new("--vcpu-family") { Description = "family, with --vcpu-model and --vcpu-stepping, instead" };
    private readonly Option<int?> _model = new("--vcpu-model") { Description = "model" };
    private readonly Option<int?> _stepping = new("--vcpu-stepping") { Description = "stepping" };
    private readonly Option<string> _monitor = MonitorOption();
    private readonly Option<string> _host = HostOption();
    private readonly Option<string> _features = new("--guest-features") { Description = "SEV_FEATURES of an SNP guest", DefaultValueFactory = _ => "0x1" };
    private readonly Option<string?> _firmwareDigest = new("--snp-ovmf-hash") { Description = "digest of the firmware's pages, instead of those of the image" };
    private readonly Option<string[]> _initData = new("--init-data") { Description = "init-data document: gives HOST_DATA; for explain, further ones are alternatives" };

    /// <summary>Adds the options that this kind of guest has.</summary>
    public void AddTo(Command command)
    {
        command.Add(_firmware);
        command.Add(_kernel);
        command.Add(_initrd);
        command.Add(_append);
        if (kind == LaunchKind.Sev)
        {
            return;
        }

        foreach (Option option in (Option[])[_vcpus, _type, _signature, _family, _model, _stepping, _monitor, _host])
        {
            command.Add(option);
        }

        if (kind == LaunchKind.Snp)
        {
            command.Add(_features);
            command.Add(_firmwareDigest);
            command.Add(_initData);
        }
    }

    /// <summary>Reads the files and words.</summary>
    public async Task<LaunchInputs> ReadAsync(ParseResult result, CancellationToken ct)
    {
        var firmware = new List<(string, OvmfFirmware)>();
        foreach (string path in result.GetValue(_firmware) ?? [])
        {
            firmware.Add((path, MeasureCommands.Require(OvmfFirmware.Parse(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)))));
        }

        return new LaunchInputs
        {
            Firmware = firmware,
            Kernels = await FilesAsync(result.GetValue(_kernel), ct).ConfigureAwait(false),
            Initrds = await FilesAsync(result.GetValue(_initrd), ct).ConfigureAwait(false),
            CommandLine = result.GetValue(_append) ?? string.Empty,
            Options = kind == LaunchKind.Sev ? new LaunchOptions() : Processors(result),
        };
    }

    /// <summary>The digest given with <c>--snp-ovmf-hash</c>; empty without.</summary>
    public byte[] FirmwareDigest(ParseResult result) =>
        kind == LaunchKind.Snp && result.GetValue(_firmwareDigest) is { } hex ? Hex(hex, "--snp-ovmf-hash") : [];

    /// <summary>Adds HOST_DATA of an init-data document, when one is given.</summary>
    public async Task AddInitDataAsync(ParseResult result, List<Measurement> measurements, CancellationToken ct)
    {
        if (result.GetValue(_initData) is [{ } path, ..])
        {
            measurements.Add(new Measurement("init_data", InitData.Fit((await MeasureCommands.ReadInitDataAsync(path, ct).ConfigureAwait(false)).Digest(), 32)));
        }
    }

    /// <summary>The firmware images as they are.</summary>
    public Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)>> FirmwareImagesAsync(ParseResult result, CancellationToken ct) => FilesAsync(result.GetValue(_firmware), ct);

    /// <summary>Kernels, initrds, and the command line; null when none is given.</summary>
    public async Task<(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> Kernels, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> Initrds, string? CommandLine)> BootFilesAsync(
        ParseResult result, CancellationToken ct) =>
        (await FilesAsync(result.GetValue(_kernel), ct).ConfigureAwait(false), await FilesAsync(result.GetValue(_initrd), ct).ConfigureAwait(false), result.GetValue(_append));

    /// <summary>The init-data documents as they are.</summary>
    public Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)>> InitDataAsync(ParseResult result, CancellationToken ct) => FilesAsync(result.GetValue(_initData), ct);

    /// <summary>Hexadecimal words of an option.</summary>
    internal static byte[] Hex(string text, string option)
    {
        try
        {
            return Convert.FromHexString(text);
        }
        catch (FormatException)
        {
            throw new CommandFailedException($"{option}: '{text}' is not hexadecimal");
        }
    }

    private static Option<string> MonitorOption()
    {
        var option = new Option<string>("--vmm-type") { Description = "QEMU, ec2 or gce", DefaultValueFactory = _ => "QEMU" };
        option.AcceptOnlyFromAmong("QEMU", "qemu", "ec2", "gce");
        return option;
    }

    private static Option<string> HostOption()
    {
        var option = new Option<string>("--host-kernel") { Description = "6.10 (and later) or before-6.10: they start vCPUs with other floating-point state", DefaultValueFactory = _ => "6.10" };
        option.AcceptOnlyFromAmong("6.10", "before-6.10");
        return option;
    }

    /// <summary>Reads files.</summary>
    internal static async Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)>> FilesAsync(string[]? paths, CancellationToken ct)
    {
        var files = new List<(string, ReadOnlyMemory<byte>)>();
        foreach (string path in paths ?? [])
        {
            files.Add((path, await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)));
        }

        return files;
    }

    /// <summary>A number, decimal or hexadecimal with 0x.</summary>
    internal static ulong Number(string text, string option)
    {
        bool hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(hex ? text.AsSpan(2) : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw new CommandFailedException($"{option}: '{text}' is no number");
    }

    private LaunchOptions Processors(ParseResult result)
    {
        uint signature;
        if (result.GetValue(_signature) is { } text)
        {
            signature = (uint)Number(text, "--vcpu-sig");
        }
        else if (result.GetValue(_family) is { } family)
        {
            signature = VcpuModel.Encode(family, result.GetValue(_model) ?? 0, result.GetValue(_stepping) ?? 0);
        }
        else if (!VcpuModel.TryFind(result.GetValue(_type)!, out signature))
        {
            throw new CommandFailedException($"--vcpu-type: '{result.GetValue(_type)}' is unknown; known: {string.Join(", ", VcpuModel.Known.Select(k => k.Name))}");
        }

        return new LaunchOptions
        {
            Vcpus = result.GetValue(_vcpus),
            VcpuSignature = signature,
            GuestFeatures = kind == LaunchKind.Snp ? Number(result.GetValue(_features)!, "--guest-features") : 0,
            Monitor = result.GetValue(_monitor) switch { "ec2" => LaunchMonitor.Ec2, "gce" => LaunchMonitor.Gce, _ => LaunchMonitor.Qemu },
            Generation = result.GetValue(_host) == "6.10" ? VmsaGeneration.Linux610 : VmsaGeneration.BeforeLinux610,
        };
    }
}
