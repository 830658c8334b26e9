// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Simulator.Tpm;
using Coco.Tee.EventLogs;
using Coco.Tee.Launch;
using Coco.Tee.Snp;
using Coco.Testing;

namespace Coco.Cli.Tests.Measure;

/// <summary><c>coco measure explain</c> over evidence of each TEE that it explains; the evidence is of guests that were launched with something else.</summary>
public sealed class MeasureExplainTests : IDisposable
{
    private const string Document = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"a\" = \"b\"\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("coco").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Snp_HostDataOfAnotherDocument_IsNamedBesideTheMeasurement()
    {
        byte[] firmware = MeasureCommandTests.MakeFirmware();
        byte[] measurement = SnpLaunch.Snp(OvmfFirmware.Parse(firmware).Require(), new LaunchOptions { Vcpus = 8 }).Require();
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = amd.CreateGuest(new SimulatedSnpGuestOptions { Measurement = measurement, HostData = SHA256.HashData(Encoding.UTF8.GetBytes(Document + "\n")) });
        string evidence = Write("evidence.json", guest.GetEvidence([1]).ToJsonString());

        CocoRun run = await ExplainAsync(evidence, "--ovmf", Write("ovmf.fd", firmware), "--vcpus", "4", "--init-data", Write("initdata.toml", Document));

        Assert.Equal((0, "measurement: matches with 8 vCPUs\ninit_data: matches when the document ends in one more newline\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Tdx_OtherCommandLineAndDocument_AreNamedByRegister()
    {
        byte[] document = Encoding.UTF8.GetBytes(Document);
        SimulatedEventLog log = new SimulatedEventLog().Add(1, TcgEventType.Separator, [0]).Add(1, TcgEventType.Separator, [1]).Add(1, TcgEventType.Separator, [2]);
        using var intel = new SimulatedIntel();
        using SimulatedPlatform platform = intel.CreatePlatform();
        byte[] initrd = [1, 2, 3];
        string evidence = Write("evidence.json", platform.GetTdxEvidence(new SimulatedQuoteOptions
        {
            ConfigId = SHA256.HashData(document.AsSpan(0, document.Length - 1)),
            Rtmrs = [new SimulatedEventLog().Add(1, TcgEventType.Separator, [0]).Add(1, TcgEventType.Separator, [2]).Register(1), new byte[48], [.. TdxMeasurement.ComputeRtmr2("quiet ro\n", initrd)]],
        }).ToJsonString());
        string[] given = ["--append", "quiet ro", "--initrd", Write("initrd", initrd), "--kernel", Write("vmlinuz", [1]), "--init-data", Write("initdata.toml", Document)];

        CocoRun run = await ExplainAsync(evidence, [.. given, "--event-log", Write("ccel", log.ToArray())]);
        CocoRun json = await ExplainAsync(evidence, [.. given, "--output", "json"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(
            [
                "rtmr_1: matches when the firmware starts no kernel directly: nothing is measured into it",
                "rtmr_2: matches when the command line ends in a newline",
                "rtmr_0: matches without event 2 (EV_SEPARATOR)",
                "rtmr_1: matches the given inputs",
                "rtmr_2: no near input gives this value: its events are other ones",
                "rtmr_3: matches the given inputs",
                "init_data: matches when the document does not end in a newline",
            ],
            run.Output.TrimEnd().Split('\n'));
        Assert.Equal(0, json.ExitCode);
        Assert.Equal("matches when the command line ends in a newline", (string)JsonNode.Parse(json.Output)!["registers"]![1]!["matches"]![0]!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tpm_OtherImageAndDocument_AreNamedByPcr(bool azure)
    {
        byte[] image = PortableExecutables.Make((".linux", "a kernel"u8.ToArray()), (".cmdline", "quiet"u8.ToArray())), old = PortableExecutables.Make((".linux", "an old kernel"u8.ToArray()));
        using var tpm = new SimulatedTpm();
        foreach (byte[] digest in (byte[][])[".linux\0"u8.ToArray(), "an old kernel"u8.ToArray(), "enter-initrd"u8.ToArray()])
        {
            tpm.Extend(11, SHA256.HashData(digest));
        }

        tpm.Extend(8, SHA256.HashData(Encoding.UTF8.GetBytes(Document.Replace("\n", "\r\n", StringComparison.Ordinal))));
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest chip = amd.CreateGuest();
        JsonObject made = azure ? SimulatedAzureGuest.OnSnp(chip, tpm: tpm).GetEvidence([1]) : tpm.GetEvidence([1]);

        CocoRun run = await ExplainAsync(
            Write("evidence.json", made.ToJsonString()), "--uki", Write("new.efi", image), "--uki", Write("old.efi", old), "--init-data", Write("initdata.toml", Document));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            [
                $"pcr11: matches with the image {Path.Combine(_folder, "old.efi")} and after the boot phase enter-initrd",
                "init_data: matches when the document's lines end in carriage return and newline",
            ],
            run.Output.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task MeasuredBoot_OfARealTpm_ReplaysToItsQuote()
    {
        string? vectors = Vectors();
        Assert.SkipUnless(vectors is not null, "no vectors");
        JsonNode quoted = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(vectors!, "case.json")))!["pcrs"]!["sha256"]!;

        CocoRun measured = await CocoProcess.RunAsync(["measure", "tpm", "--event-log", Path.Combine(vectors!, "eventlog.bin"), "--output", "json"]);
        CocoRun explained = await ExplainAsync(Path.Combine(vectors!, "evidence.json"), "--event-log", Path.Combine(vectors!, "eventlog.bin"));

        JsonObject values = JsonNode.Parse(measured.Output)!.AsObject();
        Assert.Equal(9, values.Count);
        Assert.All(values, v => Assert.Equal((string)quoted[int.Parse(v.Key[^2..], System.Globalization.CultureInfo.InvariantCulture).ToString(System.Globalization.CultureInfo.InvariantCulture)]!, (string)v.Value!));
        Assert.Equal(0, explained.ExitCode);
        Assert.Equal(9, explained.Output.Split("matches the given inputs").Length - 1);
    }

    [Fact]
    public async Task Explain_EvidenceWithoutSuchRegisters_IsWrongUse()
    {
        string sample = Write("sample.json", """{"svn":"1","report_data":""}""");

        CocoRun run = await ExplainAsync(sample, "--append", "x");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("explained are snp, tdx, tpm", run.Error, StringComparison.Ordinal);
    }

    private static Task<CocoRun> ExplainAsync(string evidence, params string[] words) => CocoProcess.RunAsync(["measure", "explain", "--evidence", evidence, .. words]);

    private static string? Vectors()
    {
        string root = Environment.GetEnvironmentVariable("COCO_VECTORS") is { Length: > 0 } named
            ? named
            : Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "..", "shared", "vectors");
        string folder = Path.GetFullPath(Path.Combine(root, "tpm-swtpm", "08-valid-ovmf-measured-boot"));
        return Directory.Exists(folder) ? folder : null;
    }

    private string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
