// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Cli.EvidenceCommands;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Launch;
using Coco.Tee.Tpm;

namespace Coco.Cli.Measure;

/// <summary><c>coco measure explain</c>: searches inputs near the given ones and says which of them give what the evidence reports.</summary>
internal sealed class ExplainCommand
{
    private readonly Option<string?> _evidence = new("--evidence") { Description = "evidence of snp, tdx, tpm, az-snp-vtpm or az-tdx-vtpm, a raw SNP report or a raw TD quote" };
    private readonly Option<string?> _digest = new("--digest") { Description = "instead: the launch digest itself, hexadecimal (SNP: 48 bytes, SEV and SEV-ES: 32)" };
    private readonly Option<string> _mode = new("--mode") { Description = "what --digest is of: snp, sev-es or sev", DefaultValueFactory = _ => "snp" };
    private readonly SevInputOptions _inputs = new(LaunchKind.Snp, forExplain: true);
    private readonly Option<string> _order = MeasureCommands.PageOrderOption();
    private readonly Option<string[]> _uki = new("--uki") { Description = "unified kernel image, for PCR 11; further ones are alternatives" };
    private readonly Option<string[]> _phase = MeasureCommands.PhaseOption();
    private readonly Option<string?> _eventLog = new("--event-log") { Description = "event log that the registers should replay to" };
    private readonly Option<string> _format = OutputFormat.Option();

    /// <summary>The command.</summary>
    public Command Build()
    {
        _mode.AcceptOnlyFromAmong("snp", "sev-es", "seves", "sev");
        var command = new Command("explain", "Search near inputs and say which of them give the reported measurements: exit 0 all explained, 2 not")
        {
            _evidence, _digest, _mode, _order, _uki, _phase, _eventLog, _format,
        };
        _inputs.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken ct)
    {
        ReportedRegisters reported = result.GetValue(_digest) is { } hex
            ? ReportedRegisters.OfDigest(SevInputOptions.Hex(hex, "--digest"))
            : ReportedRegisters.Of(await EvidenceFile.ReadAsync(result.GetValue(_evidence) ?? throw new CommandFailedException("give --evidence or --digest"), ct).ConfigureAwait(false));
        List<ExplainedRegister> explained =
        [
            .. await OfSevAsync(result, reported, ct).ConfigureAwait(false),
            .. await OfTrustDomainAsync(result, reported, ct).ConfigureAwait(false),
            .. await OfPcrsAsync(result, reported, ct).ConfigureAwait(false),
            .. await OfInitDataAsync(result, reported, ct).ConfigureAwait(false),
        ];
        if (explained.Count == 0)
        {
            throw new CommandFailedException("nothing to explain it with: give --ovmf, --kernel, --append, --initrd, --init-data, --uki or --event-log");
        }

        await WriteAsync(explained, result.IsJson(_format)).ConfigureAwait(false);
        return explained.TrueForAll(e => e.Sentences.Count > 0) ? ExitCode.Success : ExitCode.Refused;
    }

    private static async Task WriteAsync(List<ExplainedRegister> explained, bool asJson)
    {
        if (asJson)
        {
            // The first register once more on the top level, which is all that there is for a digest.
            JsonObject json = explained[0].ToJson();
            json["registers"] = new JsonArray([.. explained.Select(e => (JsonNode)e.ToJson())]);
            await Console.Out.WriteLineAsync(json.ToJsonString()).ConfigureAwait(false);
            return;
        }

        foreach (ExplainedRegister one in explained)
        {
            foreach (string sentence in one.Sentences.DefaultIfEmpty("no near input gives this value: " + one.Hint))
            {
                await Console.Out.WriteLineAsync(explained.Count == 1 ? sentence : $"{one.Name}: {sentence}").ConfigureAwait(false);
            }
        }
    }

    private async Task<List<ExplainedRegister>> OfSevAsync(ParseResult result, ReportedRegisters reported, CancellationToken ct)
    {
        if (reported.SnpMeasurement is not { } digest)
        {
            return [];
        }

        LaunchInputs given = await _inputs.ReadAsync(result, ct).ConfigureAwait(false);
        if (given.Firmware.Count == 0)
        {
            return result.GetValue(_digest) is null ? [] : throw new CommandFailedException("give --ovmf");
        }

        LaunchKind kind = result.GetValue(_mode) switch { "snp" => LaunchKind.Snp, "sev" => LaunchKind.Sev, _ => LaunchKind.SevEs };
        return [ExplainedRegister.Of("measurement", digest, "firmware, kernel, initrd or command line are other ones", LaunchSearch.Find(kind, digest, given, ct))];
    }

    private async Task<List<ExplainedRegister>> OfTrustDomainAsync(ParseResult result, ReportedRegisters reported, CancellationToken ct)
    {
        var explained = new List<ExplainedRegister>();
        if (reported.TrustDomain is not { } td)
        {
            return explained;
        }

        IReadOnlyList<(string, ReadOnlyMemory<byte>)> firmware = await _inputs.FirmwareImagesAsync(result, ct).ConfigureAwait(false);
        if (firmware.Count > 0)
        {
            explained.Add(ExplainedRegister.Of("mr_td", td.MrTd, "the firmware is another one", TdxLaunchSearch.FindMrTd(td.MrTd, firmware, MeasureCommands.PageOrderOf(result, _order))));
        }

        (IReadOnlyList<(string, ReadOnlyMemory<byte>)> kernels, IReadOnlyList<(string, ReadOnlyMemory<byte>)> initrds, string? line) = await _inputs.BootFilesAsync(result, ct).ConfigureAwait(false);
        if (kernels.Count > 0)
        {
            explained.Add(ExplainedRegister.Of("rtmr_1", td.Rtmr(1), "the kernel is another one, or a boot loader starts it", TdxLaunchSearch.FindRtmr1(td.Rtmr(1), kernels)));
        }

        if (line is not null || initrds.Count > 0)
        {
            explained.Add(ExplainedRegister.Of(
                "rtmr_2", td.Rtmr(2), "command line or initrd are other ones, or a boot loader starts the kernel", TdxLaunchSearch.FindRtmr2(td.Rtmr(2), line ?? string.Empty, initrds)));
        }

        if (await EventLogAsync(result, ct).ConfigureAwait(false) is { } log)
        {
            for (int i = 0; i < 4; i++)
            {
                byte[] value = td.Rtmr(i).ToArray();
                string? change = EventLogSearch.Find(EventLogSearch.EventsOf(log, (uint)i + 1, TcgAlgorithm.Sha384, withNoAction: true), new byte[48], TcgAlgorithm.Sha384, value);
                explained.Add(OfLog(string.Create(CultureInfo.InvariantCulture, $"rtmr_{i}"), value, change));
            }
        }

        return explained;
    }

    private async Task<List<ExplainedRegister>> OfPcrsAsync(ParseResult result, ReportedRegisters reported, CancellationToken ct)
    {
        var explained = new List<ExplainedRegister>();
        if (reported.Pcrs is not { } pcrs)
        {
            return explained;
        }

        if (await SevInputOptions.FilesAsync(result.GetValue(_uki), ct).ConfigureAwait(false) is { Count: > 0 } images)
        {
            string[] phases = result.GetValue(_phase) ?? [];
            (string, UnifiedKernelImage)[] parsed = [.. images.Select(i => (i.Name, MeasureCommands.Require(UnifiedKernelImage.Parse(i.Bytes))))];
            explained.Add(ExplainedRegister.Of("pcr11", pcrs[11], "the unified kernel image is another one", UnifiedKernelImageSearch.Find(pcrs[11], HashAlgorithmName.SHA256, parsed, phases)));
        }

        if (await EventLogAsync(result, ct).ConfigureAwait(false) is { } log)
        {
            foreach (int register in TpmPcrReplay.Replay(log, TcgAlgorithm.Sha256).Keys.Where(r => r < pcrs.Length))
            {
                string? change = EventLogSearch.Find(
                    EventLogSearch.EventsOf(log, (uint)register, TcgAlgorithm.Sha256, withNoAction: false), TpmPcrReplay.Initial(log, register, TcgAlgorithm.Sha256), TcgAlgorithm.Sha256, pcrs[register]);
                explained.Add(OfLog(string.Create(CultureInfo.InvariantCulture, $"pcr{register:00}"), pcrs[register], change));
            }
        }

        return explained;
    }

    private async Task<List<ExplainedRegister>> OfInitDataAsync(ParseResult result, ReportedRegisters reported, CancellationToken ct)
    {
        IReadOnlyList<(string, ReadOnlyMemory<byte>)> documents = await _inputs.InitDataAsync(result, ct).ConfigureAwait(false);
        if (documents.Count == 0 || reported.InitData is not (var register, var toRegister))
        {
            return [];
        }

        LaunchMatch[] matches = [.. InitDataSearch.Find(register, documents, toRegister).Select(c => new LaunchMatch(c))];
        return [ExplainedRegister.Of("init_data", register, "the init-data document is another one", matches)];
    }

    private async Task<CcEventLog?> EventLogAsync(ParseResult result, CancellationToken ct) => result.GetValue(_eventLog) is { } path
        ? MeasureCommands.Require(CcEventLog.Parse(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)))
        : null;

    private static ExplainedRegister OfLog(string name, byte[] value, string? change) =>
        ExplainedRegister.Of(name, value, "its events are other ones", change is null ? [] : [new LaunchMatch(change.Length == 0 ? [] : [change])]);
}

/// <summary>A register, and what explains it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">What the evidence holds.</param>
/// <param name="Hint">What is likely when nothing explains it.</param>
/// <param name="Sentences">What gives the value; empty when nothing near does.</param>
internal sealed record ExplainedRegister(string Name, byte[] Value, string Hint, IReadOnlyList<string> Sentences)
{
    /// <summary>Puts matches into words.</summary>
    public static ExplainedRegister Of(string name, ReadOnlySpan<byte> value, string hint, IReadOnlyList<LaunchMatch> matches) =>
        new(name, value.ToArray(), hint, [.. matches.Select(m => m.Changes.Count == 0 ? "matches the given inputs" : "matches " + string.Join(" and ", m.Changes))]);

    /// <summary>As JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["digest"] = Convert.ToHexStringLower(Value),
        ["matches"] = new JsonArray([.. Sentences.Select(s => (JsonNode)JsonValue.Create(s))]),
    };
}
