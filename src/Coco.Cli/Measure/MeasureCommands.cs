// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Launch;
using Coco.Tee.Tpm;

namespace Coco.Cli.Measure;

/// <summary><c>coco measure snp|sev|sev-es|snp-id-block|tdx|tpm|explain</c>: launch measurements from what a guest is launched with, offline.</summary>
internal static class MeasureCommands
{
    /// <summary>The PCR that init-data is extended into.</summary>
    internal const int InitDataPcr = 8;

    /// <summary>The command with its subcommands.</summary>
    public static Command Build()
    {
        var measure = new Command("measure", "Compute launch measurements offline, register them, and explain why a reported one differs; with --mode, as sev-snp-measure")
        {
            new SevCommand(LaunchKind.Snp).Build("snp", "Launch digest (MEASUREMENT) of an SEV-SNP guest"),
            new SevCommand(LaunchKind.SevEs).Build("sev-es", "Launch digest of an SEV-ES guest"),
            new SevCommand(LaunchKind.Sev).Build("sev", "Launch digest of a plain SEV guest"),
            SnpIdBlockCommand.Build(),
            TdxCommand.Build(),
            BuildTpm(),
            new ExplainCommand().Build(),
        };
        new SevCommand(null).AddTo(measure);
        return measure;
    }

    private static Command BuildTpm()
    {
        var eventLog = new Option<string?>("--event-log") { Description = "TCG2 event log: gives the PCRs that it replays to" };
        var uki = new Option<string?>("--uki") { Description = "unified kernel image: gives PCR 11" };
        Option<string[]> phase = PhaseOption();
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
                ImmutableSortedDictionary<int, ReadOnlyMemory<byte>> registers = TpmPcrReplay.Replay(log, TcgAlgorithm.Sha256);
                if (registers.Count == 0)
                {
                    throw new CommandFailedException($"{logPath} has no SHA-256 digests: it is not the log of a TPM");
                }

                measurements.AddRange(registers.Where(r => r.Key < 24).Select(r => new Measurement(Name(r.Key), r.Value.ToArray())));
            }

            if (result.GetValue(uki) is { } image)
            {
                UnifiedKernelImage parsed = Require(UnifiedKernelImage.Parse(await File.ReadAllBytesAsync(image, ct).ConfigureAwait(false)));
                measurements.Add(new Measurement(Name(11), parsed.Pcr11(HashAlgorithmName.SHA256, result.GetValue(phase) ?? [])));
            }

            if (result.GetValue(initData) is { } document)
            {
                byte[] digest = (await ReadInitDataAsync(document, ct).ConfigureAwait(false)).Digest();
                measurements.Add(new Measurement(Name(InitDataPcr), ExtendedInitData(digest) ?? throw new CommandFailedException("init-data of a TPM guest must use sha256")));
            }

            return measurements.Count > 0
                ? await output.WriteAsync(result, measurements, null, ct).ConfigureAwait(false)
                : throw new CommandFailedException("give --event-log, --uki or --init-data");
        });
        return command;
    }

    /// <summary>The order in which a host measures a TD's pages.</summary>
    internal static Option<string> PageOrderOption()
    {
        var order = new Option<string>("--page-order") { Description = "page-by-page (Linux 6.16 and later) or section-by-section (earlier host patches)", DefaultValueFactory = _ => "page-by-page" };
        order.AcceptOnlyFromAmong("page-by-page", "section-by-section");
        return order;
    }

    /// <summary>What <see cref="PageOrderOption"/> says.</summary>
    internal static TdxPageOrder PageOrderOf(ParseResult result, Option<string> order) =>
        result.GetValue(order) == "page-by-page" ? TdxPageOrder.PageByPage : TdxPageOrder.SectionBySection;

    /// <summary>Boot phases.</summary>
    internal static Option<string[]> PhaseOption() =>
        new("--phase") { Description = "boot phase that follows the stub, measured into PCR 11: enter-initrd, leave-initrd, sysinit, ready" };

    /// <summary>PCR 8 after an init-data digest; null for one that is not SHA-256.</summary>
    internal static byte[]? ExtendedInitData(byte[] digest) => digest.Length == 32 ? SHA256.HashData([.. new byte[32], .. digest]) : null;

    /// <summary>The value, or an end of the command with the refusal's words.</summary>
    internal static T Require<T>(Result<T> result)
        where T : notnull => result.TryGet(out T? value, out Refusal? refusal) ? value : throw new CommandFailedException(refusal.Detail);

    /// <summary>Reads an init-data document.</summary>
    internal static async Task<InitData> ReadInitDataAsync(string path, CancellationToken ct) =>
        Require(InitData.Parse(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false)));
}

/// <summary>A computed measurement.</summary>
/// <param name="Name">Name of its reference value.</param>
/// <param name="Value">The digest.</param>
/// <param name="IsScalar">Whether policies compare it with one value rather than with a list.</param>
internal sealed record Measurement(string Name, byte[] Value, bool IsScalar = false);
