// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Cli.Tests.Evidence;

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
    [InlineData("snp", "--ovmf", "/does/not/exist")]
    [InlineData("snp", "--ovmf", "{firmware}", "--vcpu-type", "Pentium")]
    [InlineData("snp", "--ovmf", "{firmware}", "--vcpus", "0")]
    [InlineData("tdx", "--ovmf", "{firmware}")]
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

    private static byte[] MakeFirmware()
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
