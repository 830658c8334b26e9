// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Coco.Tee.Launch;

namespace Coco.Cli.Measure;

/// <summary>
/// The launch digest of an SEV, SEV-ES or SNP guest: <c>coco measure snp</c> and its like, and, without a kind of its own, <c>coco measure --mode</c>
/// with the words of sev-snp-measure.
/// </summary>
internal sealed class SevCommand(LaunchKind? fixedKind)
{
    private const string FirmwareOnly = "snp:ovmf-hash";
    private const string WithSvsm = "snp:svsm";

    private readonly SevInputOptions _inputs = new(fixedKind ?? LaunchKind.Snp);
    private readonly MeasureOutput _output = new();
    private readonly Option<string?> _mode = new("--mode") { Description = "sev, seves, snp, snp:ovmf-hash or snp:svsm", Required = true };
    private readonly Option<string?> _dump = new("--dump-vmsa") { Description = "write the save area of each vCPU into this directory, or into the working directory", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _svsm = new("--svsm") { Description = "SVSM image that starts the guest" };
    private readonly Option<string?> _variables = new("--vars-file") { Description = "with --svsm: the firmware's variable store" };
    private readonly Option<uint?> _variablesLength = new("--vars-size") { Description = "with --svsm: the length of the variable store instead, in bytes" };

    /// <summary>A command of this kind of guest.</summary>
    public Command Build(string name, string description)
    {
        var command = new Command(name, description);
        AddTo(command);
        return command;
    }

    /// <summary>Options and action.</summary>
    public void AddTo(Command command)
    {
        if (fixedKind is null)
        {
            _mode.AcceptOnlyFromAmong("sev", "seves", "snp", FirmwareOnly, WithSvsm);
            command.Add(_mode);
        }

        _inputs.AddTo(command);
        _output.AddTo(command);
        if (fixedKind != LaunchKind.Sev)
        {
            command.Add(_dump);
        }

        if (fixedKind is null or LaunchKind.Snp)
        {
            command.Add(_svsm);
            command.Add(_variables);
            command.Add(_variablesLength);
        }

        command.SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken ct)
    {
        string? mode = fixedKind is null ? result.GetValue(_mode) : null;
        LaunchKind kind = fixedKind ?? (mode switch { "sev" => LaunchKind.Sev, "seves" => LaunchKind.SevEs, _ => LaunchKind.Snp });
        LaunchInputs given = await _inputs.ReadAsync(result, ct).ConfigureAwait(false);
        OvmfFirmware firmware = given.Firmware[0].Firmware;
        if (mode == FirmwareOnly)
        {
            return await _output.WriteAsync(result, [new Measurement("snp_ovmf_hash", SnpLaunch.FirmwareDigest(firmware))], null, ct).ConfigureAwait(false);
        }

        LaunchOptions options = given.Options with { Kernel = HashesOf(given) };
        OvmfFirmware? svsm = kind == LaunchKind.Snp ? await SvsmAsync(result, mode, ct).ConfigureAwait(false) : null;
        uint variables = svsm is null ? 0 : VariablesLength(result);
        Result<byte[]> digest = kind switch
        {
            LaunchKind.Snp when svsm is not null => SnpLaunch.WithSvsm(firmware, svsm, variables, options),
            LaunchKind.Snp => SnpLaunch.Snp(firmware, options, _inputs.FirmwareDigest(result)),
            LaunchKind.SevEs => SevLaunch.SevEs(firmware, options),
            _ => SevLaunch.Sev(firmware, options),
        };
        var measurements = new List<Measurement> { new(NameOf(kind), MeasureCommands.Require(digest)) };
        if (kind != LaunchKind.Sev && result.GetResult(_dump) is not null)
        {
            await DumpAsync(result.GetValue(_dump) ?? ".", kind, firmware, svsm, variables, options, ct).ConfigureAwait(false);
        }

        if (kind == LaunchKind.Snp)
        {
            await _inputs.AddInitDataAsync(result, measurements, ct).ConfigureAwait(false);
        }

        string? note = kind == LaunchKind.Sev || options.Monitor != LaunchMonitor.Qemu ? null
            : options.Generation == VmsaGeneration.Linux610 ? "for hosts with Linux 6.10 or later; --host-kernel before-6.10 for older ones" : "for hosts with a kernel before Linux 6.10";
        return await _output.WriteAsync(result, measurements, note, ct).ConfigureAwait(false);
    }

    private async Task<OvmfFirmware?> SvsmAsync(ParseResult result, string? mode, CancellationToken ct) => result.GetValue(_svsm) is { } path
        ? MeasureCommands.Require(OvmfFirmware.Parse(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)))
        : mode == WithSvsm ? throw new CommandFailedException("--mode snp:svsm needs --svsm") : null;

    private uint VariablesLength(ParseResult result) => (result.GetValue(_variables), result.GetValue(_variablesLength)) switch
    {
        ({ } path, null) => checked((uint)new FileInfo(path).Length),
        (null, { } length) => length,
        _ => throw new CommandFailedException("--svsm needs either --vars-file or --vars-size"),
    };

    private static async Task DumpAsync(string folder, LaunchKind kind, OvmfFirmware firmware, OvmfFirmware? svsm, uint variables, LaunchOptions options, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        ulong features = kind == LaunchKind.Snp ? options.GuestFeatures : 0;
        for (int i = 0; i < options.Vcpus; i++)
        {
            byte[] page = svsm is null
                ? Vmsa.Build(i == 0 ? Vmsa.BootEip : firmware.ResetEip ?? 0, features, options)
                : Vmsa.BuildForSvsm(MeasureCommands.Require(SnpLaunch.SvsmEntry(firmware, svsm, variables)), options);
            await File.WriteAllBytesAsync(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"vmsa{i}.bin")), page, ct).ConfigureAwait(false);
        }
    }

    private static string NameOf(LaunchKind kind) => kind switch
    {
        LaunchKind.Snp => "snp_launch_measurement",
        LaunchKind.SevEs => "sev_es_launch_measurement",
        _ => "sev_launch_measurement",
    };

    private static SevKernelHashes? HashesOf(LaunchInputs inputs) => inputs.Kernels.Count == 0
        ? null
        : SevKernelHashes.Of(inputs.Kernels[0].Bytes.Span, inputs.Initrds.Count == 0 ? default : inputs.Initrds[0].Bytes.Span, inputs.CommandLine);
}
