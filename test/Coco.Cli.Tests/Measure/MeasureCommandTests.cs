// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Cli.Tests.Evidence;
using Coco.Simulator.EventLogs;
using Coco.Tee.EventLogs;

namespace Coco.Cli.Tests.Measure;

/// <summary>The real binary, on a firmware made here.</summary>
public sealed class MeasureCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco").FullName;
    private readonly string _firmware;
    private readonly string _kernel;

    public MeasureCommandTests()
    {
        _firmware = Write("ovmf.fd", MakeFirmware());
        _kernel = Write("vmlinuz", Encoding.ASCII.GetBytes("a kernel"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Snp_Measured_IsWrittenInEachForm()
    {
        string[] inputs = ["measure", "snp", "--ovmf", _firmware, "--kernel", _kernel, "--append", "quiet", "--vcpus", "2"];

        CocoRun hex = await CocoProcess.RunAsync(inputs);
        CocoRun json = await CocoProcess.RunAsync([.. inputs, "--output", "json"]);
        CocoRun message = await CocoProcess.RunAsync([.. inputs, "--output-format", "rvps", "--name", "my_digest"]);

        string digest = hex.Output.Trim();
        Assert.Equal((0, 96), (hex.ExitCode, digest.Length));
        Assert.Contains("Linux 6.10", hex.Error, StringComparison.Ordinal);
        Assert.Equal(digest, (string)JsonNode.Parse(json.Output)!["snp_launch_measurement"]!);
        JsonNode payload = JsonNode.Parse(Convert.FromBase64String((string)JsonNode.Parse(message.Output)!["payload"]!))!;
        Assert.Equal(digest, (string)payload["my_digest"]![0]!);
    }

    [Fact]
    public async Task Snp_FirmwareDigest_StandsForTheImagesPages()
    {
        string firmwareDigest = (await CocoProcess.RunAsync(["measure", "snp", "--ovmf", _firmware])).Output.Trim();

        CocoRun run = await CocoProcess.RunAsync(["measure", "snp", "--ovmf", _firmware, "--snp-ovmf-hash", firmwareDigest]);

        Assert.Equal(0, run.ExitCode);
        Assert.NotEqual(firmwareDigest, run.Output.Trim());
    }

    [Fact]
    public async Task Explain_OtherProcessorCountInARealReport_IsNamed()
    {
        using var bench = new EvidenceBench();
        string digest = (await CocoProcess.RunAsync(["measure", "snp", "--ovmf", _firmware, "--vcpus", "8"])).Output.Trim();
        string report = Write("report.bin", bench.Guest.GetReport([1], f => f.Measurement = Convert.FromHexString(digest)));

        CocoRun same = await CocoProcess.RunAsync(["measure", "explain", "--evidence", report, "--ovmf", _firmware, "--vcpus", "8"]);
        CocoRun other = await CocoProcess.RunAsync(["measure", "explain", "--evidence", report, "--ovmf", _firmware, "--vcpus", "4"]);
        CocoRun unknown = await CocoProcess.RunAsync(["measure", "explain", "--evidence", bench.Report, "--ovmf", _firmware]);

        Assert.Equal((0, "matches the given inputs"), (same.ExitCode, same.Output.Trim()));
        Assert.Equal((0, "matches with 8 vCPUs"), (other.ExitCode, other.Output.Trim()));
        Assert.Equal(2, unknown.ExitCode);
    }

    [Fact]
    public async Task Tpm_InitData_GivesPcr8()
    {
        string document = Write("initdata.toml", Encoding.ASCII.GetBytes("version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"a\" = \"b\"\n"));

        CocoRun run = await CocoProcess.RunAsync(["measure", "tpm", "--init-data", document, "--output", "json"]);

        byte[] digest = System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(document));
        string expected = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([.. new byte[32], .. digest]));
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(expected, (string)JsonNode.Parse(run.Output)!["tpm_pcr08"]!);
    }

    [Theory]
    [InlineData("snp", "snp")]
    [InlineData("seves", "sev-es")]
    [InlineData("sev", "sev")]
    public async Task Measure_ModeOfSevSnpMeasure_IsTheCommandOfThatName(string mode, string command)
    {
        string[] processors = mode == "sev" ? [] : ["--vcpus", "2"];

        CocoRun byMode = await CocoProcess.RunAsync(["measure", "--mode", mode, "--ovmf", _firmware, "--vcpus", "2"]);
        CocoRun byName = await CocoProcess.RunAsync(["measure", command, "--ovmf", _firmware, .. processors]);

        Assert.Equal((0, byName.Output), (byMode.ExitCode, byMode.Output));
    }

    [Fact]
    public async Task Measure_OvmfHash_StandsForTheImage()
    {
        string digest = (await CocoProcess.RunAsync(["measure", "--mode", "snp:ovmf-hash", "--ovmf", _firmware])).Output.Trim();

        CocoRun with = await CocoProcess.RunAsync(["measure", "snp", "--ovmf", _firmware, "--snp-ovmf-hash", digest]);
        CocoRun without = await CocoProcess.RunAsync(["measure", "snp", "--ovmf", _firmware]);

        Assert.Equal(without.Output, with.Output);
    }

    [Fact]
    public async Task SnpIdBlock_OfADigest_HoldsItAndItsKeysDigests()
    {
        using var id = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
        string key = Write("id.pem", Encoding.ASCII.GetBytes(id.ExportECPrivateKeyPem()));
        string digest = new('7', 96);

        CocoRun run = await CocoProcess.RunAsync(["measure", "snp-id-block", "--measurement", digest, "--idkey", key, "--guest-svn", "3", "--output", "json"]);
        CocoRun bad = await CocoProcess.RunAsync(["measure", "snp-id-block", "--measurement", digest, "--idkey", _kernel]);

        JsonNode json = JsonNode.Parse(run.Output)!;
        byte[] block = Convert.FromBase64String((string)json["id-block"]!);
        Assert.Equal(digest, Convert.ToHexStringLower(block[..48]));
        Assert.Equal(3, block[84]);
        Assert.Equal(4096, Convert.FromBase64String((string)json["id-auth"]!).Length);
        Assert.Equal(96, ((string)json["id_key_digest"]!).Length);
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains("not a private key", bad.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tdx_EventLog_GivesRegisters_AndNoInitrdIsNotAnEmptyOne()
    {
        SimulatedEventLog log = new SimulatedEventLog().Add(1, TcgEventType.Separator, [0, 0, 0, 0]).Add(2, TcgEventType.Separator, [1]);
        string path = Write("ccel", log.ToArray()), empty = Write("empty", []);

        JsonNode given = JsonNode.Parse((await CocoProcess.RunAsync(["measure", "tdx", "--event-log", path, "--append", "quiet", "--output", "json"])).Output)!;
        JsonNode disk = JsonNode.Parse((await CocoProcess.RunAsync(["measure", "tdx", "--append", "quiet", "--initrd", empty, "--output", "json"])).Output)!;

        Assert.Equal(Convert.ToHexStringLower(log.Register(1)), (string)given["rtmr_0"]!);
        Assert.Equal(Convert.ToHexStringLower(log.Register(2)), (string)given["rtmr_1"]!);
        byte[] options = System.Security.Cryptography.SHA384.HashData(Encoding.Unicode.GetBytes("quiet\0"));
        Assert.Equal(Convert.ToHexStringLower(options), (string)given["tdvfkernelparams"]!);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA384.HashData([.. new byte[48], .. options])), (string)given["rtmr_2"]!);
        Assert.NotEqual((string)given["rtmr_2"]!, (string)disk["rtmr_2"]!);
    }

    [Theory]
    [InlineData("snp", "--ovmf", "/does/not/exist")]
    [InlineData("snp", "--ovmf", "{firmware}", "--vcpu-type", "Pentium")]
    [InlineData("snp", "--ovmf", "{firmware}", "--vcpus", "0")]
    [InlineData("snp", "--ovmf", "{firmware}", "--svsm", "{firmware}")]
    [InlineData("snp", "--ovmf", "{firmware}", "--svsm", "{firmware}", "--vars-size", "1")]
    [InlineData("--mode", "snp:svsm", "--ovmf", "{firmware}")]
    [InlineData("--mode", "csv", "--ovmf", "{firmware}")]
    [InlineData("--ovmf", "{firmware}")]
    [InlineData("tdx", "--ovmf", "{firmware}")]
    [InlineData("tdx")]
    [InlineData("tdx", "--event-log", "{firmware}")]
    [InlineData("tpm")]
    [InlineData("explain", "--ovmf", "{firmware}")]
    public async Task Measure_WrongUse_ExitsWithOne(params string[] words)
    {
        CocoRun run = await CocoProcess.RunAsync(["measure", .. words.Select(w => w.Replace("{firmware}", _firmware, StringComparison.Ordinal))]);

        Assert.Equal(1, run.ExitCode);
        Assert.NotEqual(string.Empty, run.Error);
    }

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    internal static byte[] MakeFirmware()
    {
        byte[] image = new byte[0x4000];
        var metadata = new List<byte>("ASEV"u8.ToArray());
        foreach (uint number in new uint[] { 28, 1, 1, 0x80F000, 0x1000, 0x10 })
        {
            metadata.AddRange(BitConverter.GetBytes(number));
        }

        metadata.CopyTo(image, 0x3800);
        var table = new List<byte>();
        foreach ((string id, uint value) in new[] { ("dc886566-984a-4798-a75e-5585a7bf67cc", 0x800u), ("7255371f-3a3b-4b04-927b-1da6efa8d454", 0x80FC00u), ("00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x80B004u) })
        {
            table.AddRange([.. BitConverter.GetBytes(value), 22, 0, .. new Guid(id).ToByteArray()]);
        }

        table.AddRange([.. BitConverter.GetBytes((ushort)(table.Count + 18)), .. new Guid("96b582de-1fb2-45f7-baea-a366c55a082d").ToByteArray()]);
        table.CopyTo(image, 0x3FE0 - table.Count);
        return image;
    }
}
