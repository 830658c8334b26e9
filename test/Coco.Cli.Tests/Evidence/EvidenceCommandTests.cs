// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Cli.Tests.Evidence;

/// <summary>The real binary, on evidence of a simulated vendor.</summary>
public sealed class EvidenceCommandTests : IDisposable
{
    private static readonly string NonceHex = Convert.ToHexStringLower(EvidenceBench.Nonce);

    private readonly EvidenceBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Verify_GenuineJson_ExitsWithZeroAndSaysThatItIsSimulated()
    {
        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", _bench.Evidence, "--insecure-simulated-root", _bench.Root, "--report-data", NonceHex, "--init-data-hash", "0909", "--offline"]);

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("snp evidence: genuine", run.Output);
        Assert.Contains("WARNING: a simulated root", run.Output);
        Assert.Contains("measurement", run.Output);
    }

    [Theory]
    [InlineData("vcek")]
    [InlineData("table")]
    [InlineData("directory")]
    public async Task Verify_RawReportWithCollateral_ExitsWithZero(string collateral)
    {
        string given = collateral switch { "vcek" => _bench.Vcek, "table" => _bench.Table, _ => _bench.Folder };

        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--tee", "snp", "--evidence", _bench.Report, "--collateral", given, "--insecure-simulated-root", _bench.Root, "--offline"]);

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Verify_SimulatedRootNotNamed_ExitsWithTwo()
    {
        CocoRun run = await CocoProcess.RunAsync(["evidence", "verify", "--evidence", _bench.Evidence, "--offline"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("FAIL snp.ark", run.Output);
    }

    [Fact]
    public async Task Verify_FlippedBit_ExitsWithTwoAndNamesTheCheck()
    {
        byte[] report = File.ReadAllBytes(_bench.Report);
        report[0x90] ^= 1;
        string path = _bench.Write("flipped.bin", report);

        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", path, "--collateral", _bench.Vcek, "--insecure-simulated-root", _bench.Root, "--offline", "--output", "json"]);

        Assert.Equal(2, run.ExitCode);
        JsonNode json = JsonNode.Parse(run.Output)!;
        Assert.Equal("refused", (string)json["verdict"]!);
        Assert.Equal("snp.report-signature", (string)json["refusal"]!["check"]!);
        Assert.Contains(json["checks"]!.AsArray(), c => (string)c!["check"]! == "snp.report-signature" && (string)c["outcome"]! == "failed");
        Assert.Contains(json["checks"]!.AsArray(), c => (string)c!["check"]! == "snp.chain" && (string)c["outcome"]! == "passed");
    }

    [Fact]
    public async Task Verify_OtherReportData_ExitsWithTwo()
    {
        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", _bench.Evidence, "--insecure-simulated-root", _bench.Root, "--report-data", "00" + NonceHex[2..], "--offline"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("FAIL snp.report-data", run.Output);
    }

    [Fact]
    public async Task Verify_AtATimeAfterTheCertificates_ExitsWithTwo()
    {
        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", _bench.Evidence, "--insecure-simulated-root", _bench.Root, "--at", "2060-01-01T00:00:00Z", "--offline"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("FAIL snp.certificate-dates", run.Output);
    }

    [Fact]
    public async Task Verify_TruncatedReport_ExitsWithTwo()
    {
        string path = _bench.Write("short.bin", File.ReadAllBytes(_bench.Report)[..1000]);

        CocoRun run = await CocoProcess.RunAsync(["evidence", "verify", "--tee", "snp", "--evidence", path, "--offline"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("FAIL snp.format", run.Output);
    }

    [Theory]
    [InlineData("--evidence", "/does/not/exist")]
    [InlineData("--evidence", "{evidence}", "--tee", "nonsense")]
    [InlineData("--evidence", "{evidence}", "--at", "yesterday")]
    [InlineData("--evidence", "{evidence}", "--report-data", "xyz")]
    [InlineData("--evidence", "{vcek}")]
    [InlineData("--tee", "snp")]
    public async Task Verify_WrongUse_ExitsWithOne(params string[] args)
    {
        string[] full = [.. args.Select(a => a.Replace("{evidence}", _bench.Evidence, StringComparison.Ordinal).Replace("{vcek}", _bench.Vcek, StringComparison.Ordinal))];

        CocoRun run = await CocoProcess.RunAsync(["evidence", "verify", .. full]);

        Assert.Equal(1, run.ExitCode);
        Assert.NotEqual(string.Empty, run.Error);
    }

    [Fact]
    public async Task Verify_VcekFromTheService_ExitsWithZeroAndChecksRevocation()
    {
        await using var kds = new LoopbackKds(_bench.Vendor);
        string[] args = ["evidence", "verify", "--evidence", _bench.Report, "--insecure-simulated-root", _bench.Root, "--kds", kds.Address, "--offline", "--require-revocation-list"];

        CocoRun genuine = await CocoProcess.RunAsync(args);
        _bench.Vendor.Revoke(vlek: false);
        CocoRun revoked = await CocoProcess.RunAsync(args);

        Assert.Equal((0, string.Empty), (genuine.ExitCode, genuine.Error));
        Assert.Equal(2, revoked.ExitCode);
        Assert.Contains("FAIL snp.revocation", revoked.Output);
    }

    [Fact]
    public async Task Verify_EvidenceOnStandardInput_IsRead()
    {
        CocoRun run = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", "-", "--insecure-simulated-root", _bench.Root, "--offline"], standardInput: File.ReadAllText(_bench.Evidence));

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Show_Report_NamesTheFields()
    {
        CocoRun text = await CocoProcess.RunAsync(["evidence", "show", _bench.Report]);
        CocoRun json = await CocoProcess.RunAsync(["evidence", "show", "--evidence", _bench.Evidence, "--output", "json"]);

        Assert.Equal((0, 0), (text.ExitCode, json.ExitCode));
        Assert.Contains("MEASUREMENT", text.Output);
        Assert.Contains(Convert.ToHexStringLower(_bench.Guest.Measurement), text.Output);
        using JsonDocument parsed = JsonDocument.Parse(json.Output);
        JsonElement report = parsed.RootElement.GetProperty("ATTESTATION_REPORT");
        Assert.Equal("3", report.GetProperty("VERSION").GetString());
        Assert.Equal("not allowed", report.GetProperty("POLICY").GetProperty("DEBUG").GetString());
        Assert.Equal("SEV-VCEK", report.GetProperty("VCEK").GetProperty("certificate").GetProperty("value").GetString());
    }

    [Theory]
    [InlineData("vcek", "hwID")]
    [InlineData("table", "certificate table")]
    [InlineData("root", "ARK-Genoa")]
    [InlineData("crl", "nextUpdate")]
    [InlineData("token", "\"none\"")]
    public async Task Show_OtherThings_AreRecognised(string what, string expected)
    {
        string path = what switch
        {
            "vcek" => _bench.Vcek,
            "table" => _bench.Table,
            "root" => _bench.Root,
            "crl" => _bench.Write("crl.der", _bench.Vendor.MakeRevocationList()),
            _ => _bench.Write("token", System.Text.Encoding.ASCII.GetBytes("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln")),
        };

        CocoRun run = await CocoProcess.RunAsync(["evidence", "show", path]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(expected.Trim('"'), run.Output);
    }
}
