// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Launch;

namespace Coco.Cli.Measure;

/// <summary><c>coco measure tdx</c>: the registers of a trust domain.</summary>
internal static class TdxCommand
{
    /// <summary>The command.</summary>
    public static Command Build()
    {
        var firmware = new Option<string?>("--ovmf", "--firmware") { Description = "firmware image with TDX metadata: gives MRTD" };
        var kernel = new Option<string?>("--kernel") { Description = "kernel that the firmware starts directly, as the host passes it: gives RTMR1" };
        var initrd = new Option<string?>("--initrd") { Description = "initial RAM disk" };
        var append = new Option<string?>("--append") { Description = "kernel command line: gives RTMR2, with --initrd" };
        Option<string> order = MeasureCommands.PageOrderOption();
        var eventLog = new Option<string?>("--event-log") { Description = "event log (CCEL) of a guest that was launched the same way: gives the registers that it replays to and that nothing else gives, RTMR0 above all" };
        var initData = new Option<string?>("--init-data") { Description = "init-data document: gives MRCONFIGID" };
        var output = new MeasureOutput();
        var command = new Command("tdx", "MRTD of a trust domain; RTMR1 and RTMR2 when the firmware starts a kernel directly; RTMR0 from an event log")
        {
            firmware, kernel, initrd, append, order, eventLog, initData,
        };
        output.AddTo(command);
        command.SetAction(async (result, ct) =>
        {
            var measurements = new List<Measurement>();
            if (result.GetValue(firmware) is { } image)
            {
                measurements.Add(new Measurement(
                    "mr_td", [.. MeasureCommands.Require(TdxMeasurement.ComputeMrTd(await File.ReadAllBytesAsync(image, ct).ConfigureAwait(false), MeasureCommands.PageOrderOf(result, order)))]));
            }

            await AddBootAsync(result.GetValue(kernel), result.GetValue(initrd), result.GetValue(append), measurements, ct).ConfigureAwait(false);
            if (result.GetValue(eventLog) is { } logPath)
            {
                CcEventLog log = MeasureCommands.Require(CcEventLog.Parse(await File.ReadAllBytesAsync(logPath, ct).ConfigureAwait(false)));
                if (!Enumerable.Range(1, 4).Any(r => EventLogSearch.EventsOf(log, (uint)r, TcgAlgorithm.Sha384, withNoAction: true).Length > 0))
                {
                    throw new CommandFailedException($"{logPath} has no SHA-384 digests for RTMR0 to RTMR3: it is not the log of a trust domain");
                }

                for (uint i = 0; i < 4; i++)
                {
                    string name = string.Create(CultureInfo.InvariantCulture, $"rtmr_{i}");
                    if (!measurements.Exists(m => m.Name == name))
                    {
                        measurements.Add(new Measurement(name, log.Replay(i + 1, TcgAlgorithm.Sha384)));
                    }
                }
            }

            if (result.GetValue(initData) is { } document)
            {
                measurements.Add(new Measurement("mr_config_id", InitData.Fit((await MeasureCommands.ReadInitDataAsync(document, ct).ConfigureAwait(false)).Digest(), 48)));
            }

            return measurements.Count > 0
                ? await output.WriteAsync(result, measurements, null, ct).ConfigureAwait(false)
                : throw new CommandFailedException("give --ovmf, --kernel, --append, --event-log or --init-data");
        });
        return command;
    }

    // The default policy also asks for the two digests themselves, as single values.
    private static async Task AddBootAsync(string? kernel, string? initrd, string? append, List<Measurement> measurements, CancellationToken ct)
    {
        if (kernel is not null)
        {
            byte[] bytes = await File.ReadAllBytesAsync(kernel, ct).ConfigureAwait(false);
            measurements.Add(new Measurement("rtmr_1", [.. MeasureCommands.Require(TdxMeasurement.ComputeRtmr1(bytes))]));
            measurements.Add(new Measurement("tdvfkernel", [.. MeasureCommands.Require(TdxMeasurement.KernelDigest(bytes))], IsScalar: true));
        }

        if (kernel is not null || append is not null || initrd is not null)
        {
            // The type is written out: a bare null would become an empty disk.
            ReadOnlyMemory<byte>? disk = initrd is null ? (ReadOnlyMemory<byte>?)null : await File.ReadAllBytesAsync(initrd, ct).ConfigureAwait(false);
            string line = append ?? string.Empty;
            measurements.Add(new Measurement("rtmr_2", [.. TdxMeasurement.ComputeRtmr2(line, disk)]));
            measurements.Add(new Measurement("tdvfkernelparams", [.. TdxMeasurement.LoadOptionsDigest(line, disk is not null)], IsScalar: true));
        }
    }
}
