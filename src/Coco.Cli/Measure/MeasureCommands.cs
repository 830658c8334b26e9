// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Cli.EvidenceCommands;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Launch;

namespace Coco.Cli.Measure;

/// <summary><c>coco measure snp|sev|sev-es|tdx|tpm|explain</c>: launch measurements from what a guest is launched with, offline.</summary>
internal static class MeasureCommands
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Build() => new("measure", "Compute launch measurements offline, register them, and explain why a reported one differs")
    {
        BuildSev(LaunchKind.Snp, "snp", "Launch digest (MEASUREMENT) of an SEV-SNP guest"),
        BuildSev(LaunchKind.SevEs, "sev-es", "Launch digest of an SEV-ES guest"),
        BuildSev(LaunchKind.Sev, "sev", "Launch digest of a plain SEV guest"),
        BuildTdx(),
        BuildTpm(),
        BuildExplain(),
    };

    private static Command BuildSev(LaunchKind kind, string name, string description)
    {
        var inputs = new SevInputOptions(kind);
        var output = new MeasureOutput();
        var command = new Command(name, description);
        inputs.AddTo(command);
        output.AddTo(command);
        Option<string?> dump = new("--dump-vmsa") { Description = "write the save area of each vCPU into this directory" };
        if (kind != LaunchKind.Sev)
        {
            command.Add(dump);
        }

        command.SetAction(async (result, ct) =>
        {
            LaunchInputs given = await inputs.ReadAsync(result, ct).ConfigureAwait(false);
            OvmfFirmware firmware = given.Firmware[0].Firmware;
            LaunchOptions options = given.Options with { Kernel = HashesOf(given) };
            byte[] firmwareDigest = inputs.FirmwareDigest(result);
            Result<byte[]> digest = kind switch
            {
                LaunchKind.Snp => SnpLaunch.Snp(firmware, options, firmwareDigest),
                LaunchKind.SevEs => SevLaunch.SevEs(firmware, options),
                _ => SevLaunch.Sev(firmware, options),
            };
            if (kind != LaunchKind.Sev && result.GetValue(dump) is { } folder)
            {
                Directory.CreateDirectory(folder);
                ulong features = kind == LaunchKind.Snp ? options.GuestFeatures : 0;
                for (int i = 0; i < options.Vcpus; i++)
                {
                    await File.WriteAllBytesAsync(Path.Combine(folder, $"vmsa{i}.bin"), Vmsa.Build(i == 0 ? Vmsa.BootEip : firmware.ResetEip ?? 0, features, options), ct).ConfigureAwait(false);
                }
            }

            var measurements = new List<Measurement> { new(kind == LaunchKind.Snp ? "snp_launch_measurement" : name.Replace('-', '_') + "_launch_measurement", Require(digest)) };
            if (kind == LaunchKind.Snp)
            {
                await inputs.AddInitDataAsync(result, measurements, ct).ConfigureAwait(false);
            }

            string? note = kind == LaunchKind.Sev || options.Monitor != LaunchMonitor.Qemu ? null
                : options.Generation == VmsaGeneration.Linux610 ? "for hosts with Linux 6.10 or later; --host-kernel before-6.10 for older ones" : "for hosts with a kernel before Linux 6.10";
            return await output.WriteAsync(result, measurements, note, ct).ConfigureAwait(false);
        });
        return command;
    }

    private static Command BuildTdx()
    {
        var firmware = new Option<string>("--ovmf", "--firmware") { Description = "firmware image with TDX metadata", Required = true };
        var kernel = new Option<string?>("--kernel") { Description = "kernel that the firmware starts directly, as the host passes it" };
        var initrd = new Option<string?>("--initrd") { Description = "initial RAM disk" };
        var append = new Option<string?>("--append") { Description = "kernel command line" };
        var order = new Option<string>("--page-order") { Description = "page-by-page (Linux 6.16 and later) or section-by-section (earlier host patches)", DefaultValueFactory = _ => "page-by-page" };
        order.AcceptOnlyFromAmong("page-by-page", "section-by-section");
        var initData = new Option<string?>("--init-data") { Description = "init-data document: gives MRCONFIGID" };
        var output = new MeasureOutput();
        var command = new Command("tdx", "MRTD of a trust domain; RTMR1 and RTMR2 when the firmware starts a kernel directly") { firmware, kernel, initrd, append, order, initData };
        output.AddTo(command);
        command.SetAction(async (result, ct) =>
        {
            TdxPageOrder pages = result.GetValue(order) == "page-by-page" ? TdxPageOrder.PageByPage : TdxPageOrder.SectionBySection;
            byte[] image = await File.ReadAllBytesAsync(result.GetValue(firmware)!, ct).ConfigureAwait(false);
            var measurements = new List<Measurement> { new("mr_td", Require(TdxMeasurement.ComputeMrTd(image, pages)).ToArray()) };
            if (result.GetValue(kernel) is { } kernelPath)
            {
                byte[]? disk = result.GetValue(initrd) is { } diskPath ? await File.ReadAllBytesAsync(diskPath, ct).ConfigureAwait(false) : null;
                measurements.Add(new Measurement("rtmr_1", Require(TdxMeasurement.ComputeRtmr1(await File.ReadAllBytesAsync(kernelPath, ct).ConfigureAwait(false))).ToArray()));
                measurements.Add(new Measurement("rtmr_2", TdxMeasurement.ComputeRtmr2(result.GetValue(append) ?? string.Empty, disk is null ? null : (ReadOnlyMemory<byte>)disk).ToArray()));
            }

            if (result.GetValue(initData) is { } document)
            {
                measurements.Add(new Measurement("mr_config_id", InitData.Fit((await ReadInitDataAsync(document, ct).ConfigureAwait(false)).Digest(), 48)));
            }

            return await output.WriteAsync(result, measurements, null, ct).ConfigureAwait(false);
        });
        return command;
    }

    private static Command BuildTpm()
    {
        var eventLog = new Option<string?>("--event-log") { Description = "TCG2 event log: gives the PCRs that it replays to" };
        var uki = new Option<string?>("--uki") { Description = "unified kernel image: gives PCR 11" };
        var phase = new Option<string[]>("--phase") { Description = "boot phase that follows the stub, measured into PCR 11: enter-initrd, leave-initrd, sysinit, ready" };
        var initData = new Option<string?>("--init-data") { Description = "init-data document (sha256): gives PCR 8" };
        var prefix = new Option<string>("--prefix") { Description = "names of the reference values begin with this: tpm, or snp or tdx for Azure guests", DefaultValueFactory = _ => "tpm" };
        var output = new MeasureOutput();
        var command = new Command("tpm", "PCR values (SHA-256) of a TPM or vTPM guest") { eventLog, uki, phase, initData, prefix };
        output.AddTo(command);
        command.SetAction(async (result, ct) =>
        {
            var measurements = new List<Measurement>();
            string Name(int pcr) => string.Create(CultureInfo.InvariantCulture, $"{result.GetValue(prefix)}_pcr{pcr:00}");
            if (result.GetValue(eventLog) is { } logPath)
            {
                CcEventLog log = Require(CcEventLog.Parse(await File.ReadAllBytesAsync(logPath, ct).ConfigureAwait(false)));
                uint[] registers = [.. log.Events.Where(e => e.Register < 24 && HasSha256(e)).Select(e => e.Register).Distinct().Order()];
                if (registers.Length == 0)
                {
                    throw new CommandFailedException($"{logPath} has no SHA-256 digests: it is not the log of a TPM");
                }

                measurements.AddRange(registers.Select(r => new Measurement(Name((int)r), log.Replay(r, TcgAlgorithm.Sha256))));
            }

            if (result.GetValue(uki) is { } image)
            {
                UnifiedKernelImage parsed = Require(UnifiedKernelImage.Parse(await File.ReadAllBytesAsync(image, ct).ConfigureAwait(false)));
                measurements.Add(new Measurement(Name(11), parsed.Pcr11(HashAlgorithmName.SHA256, result.GetValue(phase) ?? [])));
            }

            if (result.GetValue(initData) is { } document)
            {
                byte[] digest = (await ReadInitDataAsync(document, ct).ConfigureAwait(false)).Digest();
                measurements.Add(digest.Length == 32
                    ? new Measurement(Name(8), SHA256.HashData([.. new byte[32], .. digest]))
                    : throw new CommandFailedException("init-data of a TPM guest must use sha256"));
            }

            return measurements.Count > 0
                ? await output.WriteAsync(result, measurements, null, ct).ConfigureAwait(false)
                : throw new CommandFailedException("give --event-log, --uki or --init-data");
        });
        return command;
    }

    private static Command BuildExplain()
    {
        var evidence = new Option<string?>("--evidence") { Description = "SNP evidence or raw report whose measurement is to be explained" };
        var digest = new Option<string?>("--digest") { Description = "the digest itself, hexadecimal (SNP: 48 bytes, SEV and SEV-ES: 32)" };
        var mode = new Option<string>("--mode") { Description = "snp, sev-es or sev", DefaultValueFactory = _ => "snp" };
        mode.AcceptOnlyFromAmong("snp", "sev-es", "seves", "sev");
        var inputs = new SevInputOptions(LaunchKind.Snp);
        Option<string> format = OutputFormat.Option();
        var command = new Command("explain", "Search near inputs and say which of them give the reported measurement: exit 0 explained, 2 not") { evidence, digest, mode, format };
        inputs.AddTo(command);
        command.SetAction(async (result, ct) =>
        {
            LaunchInputs given = await inputs.ReadAsync(result, ct).ConfigureAwait(false);
            byte[] wanted;
            if (result.GetValue(digest) is { } hex)
            {
                wanted = SevInputOptions.Hex(hex, "--digest");
            }
            else
            {
                EvidenceFile file = await EvidenceFile.ReadAsync(result.GetValue(evidence) ?? throw new CommandFailedException("give --evidence or --digest"), ct).ConfigureAwait(false);
                wanted = Require(SnpFormat.ReadAny(file)).Report.Measurement.ToArray();
            }

            LaunchKind kind = result.GetValue(mode) switch { "snp" => LaunchKind.Snp, "sev" => LaunchKind.Sev, _ => LaunchKind.SevEs };
            IReadOnlyList<LaunchMatch> matches = LaunchSearch.Find(kind, wanted, given, ct);
            string[] sentences = [.. matches.Select(m => m.Changes.Count == 0 ? "matches the given inputs" : "matches " + string.Join(" and ", m.Changes))];
            if (result.IsJson(format))
            {
                await Console.Out.WriteLineAsync(new JsonObject
                {
                    ["digest"] = Convert.ToHexStringLower(wanted),
                    ["matches"] = new JsonArray([.. sentences.Select(s => (JsonNode)JsonValue.Create(s))]),
                }.ToJsonString()).ConfigureAwait(false);
            }
            else
            {
                foreach (string sentence in sentences.DefaultIfEmpty("no near input gives this digest: firmware, kernel, initrd or command line are other ones"))
                {
                    await Console.Out.WriteLineAsync(sentence).ConfigureAwait(false);
                }
            }

            return matches.Count > 0 ? ExitCode.Success : ExitCode.Refused;
        });
        return command;
    }

    /// <summary>The value, or an end of the command with the refusal's words.</summary>
    internal static T Require<T>(Result<T> result)
        where T : notnull => result.TryGet(out T? value, out Refusal? refusal) ? value : throw new CommandFailedException(refusal.Detail);

    /// <summary>Reads an init-data document.</summary>
    internal static async Task<InitData> ReadInitDataAsync(string path, CancellationToken ct) =>
        Require(InitData.Parse(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)));

    private static bool HasSha256(CcEvent one)
    {
        foreach (EventDigest digest in one.Digests)
        {
            if (digest.Algorithm == TcgAlgorithm.Sha256)
            {
                return true;
            }
        }

        return false;
    }

    private static SevKernelHashes? HashesOf(LaunchInputs inputs) => inputs.Kernels.Count == 0
        ? null
        : SevKernelHashes.Of(inputs.Kernels[0].Bytes.Span, inputs.Initrds.Count == 0 ? default : inputs.Initrds[0].Bytes.Span, inputs.CommandLine);
}

/// <summary>A computed measurement.</summary>
/// <param name="Name">Name of its reference value.</param>
/// <param name="Value">The digest.</param>
internal sealed record Measurement(string Name, byte[] Value);
