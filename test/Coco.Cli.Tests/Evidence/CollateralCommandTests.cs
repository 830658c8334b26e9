// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Cli.Tests.Evidence;

/// <summary>The real binary: collateral fetched from a simulated service, carried in a bundle, used offline.</summary>
public sealed class CollateralCommandTests : IDisposable
{
    private readonly EvidenceBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task FetchExportImport_ForEvidence_VerifiesOffline()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string privateKey = _bench.Write("key.pem", System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        string publicKey = _bench.Write("public.pem", System.Text.Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()));
        string online = Path.Combine(_bench.Folder, "online"), offline = Path.Combine(_bench.Folder, "offline"), bundle = Path.Combine(_bench.Folder, "bundle.json");
        await using var kds = new LoopbackKds(_bench.Vendor);

        CocoRun fetched = await CocoProcess.RunAsync(["collateral", "fetch", "--dir", online, "--evidence", _bench.Report, "--kds", kds.Address]);
        CocoRun exported = await CocoProcess.RunAsync(["collateral", "export", "--dir", online, "--key", privateKey, "--out", bundle]);
        CocoRun imported = await CocoProcess.RunAsync(["collateral", "import", "--bundle", bundle, "--bundle-key", publicKey, "--dir", offline]);
        CocoRun listed = await CocoProcess.RunAsync(["collateral", "list", "--dir", offline, "--output", "json"]);
        CocoRun verified = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", _bench.Report, "--collateral", offline, "--insecure-simulated-root", _bench.Root, "--require-revocation-list", "--offline"]);
        CocoRun fromBundle = await CocoProcess.RunAsync(
            ["evidence", "verify", "--evidence", _bench.Report, "--collateral", bundle, "--bundle-key", publicKey, "--insecure-simulated-root", _bench.Root, "--require-revocation-list", "--offline"]);

        Assert.Equal((0, string.Empty), (fetched.ExitCode, fetched.Error));
        Assert.Contains("3 fetched, 0 failed", fetched.Output);
        Assert.Equal(0, exported.ExitCode);
        Assert.Equal(0, imported.ExitCode);
        Assert.Equal(["amd-chain", "amd-crl", "amd-vcek"], JsonNode.Parse(listed.Output)!.AsArray().Select(i => (string)i!["kind"]!));
        Assert.Equal((0, string.Empty), (verified.ExitCode, verified.Error));
        Assert.Equal((0, string.Empty), (fromBundle.ExitCode, fromBundle.Error));
    }

    [Fact]
    public async Task Import_SignedByAStranger_ExitsWithTwoAndWritesNothing()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string privateKey = _bench.Write("key.pem", System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        string other = _bench.Write("other.pem", System.Text.Encoding.ASCII.GetBytes(stranger.ExportSubjectPublicKeyInfoPem()));
        string online = Path.Combine(_bench.Folder, "online"), offline = Path.Combine(_bench.Folder, "offline"), bundle = Path.Combine(_bench.Folder, "bundle.json");
        await using var kds = new LoopbackKds(_bench.Vendor);
        await CocoProcess.RunAsync(["collateral", "fetch", "--dir", online, "--item", "amd-crl:vcek/Genoa", "--kds", kds.Address]);
        await CocoProcess.RunAsync(["collateral", "export", "--dir", online, "--key", privateKey, "--out", bundle]);

        CocoRun imported = await CocoProcess.RunAsync(["collateral", "import", "--bundle", bundle, "--bundle-key", other, "--dir", offline]);

        Assert.Equal(2, imported.ExitCode);
        Assert.False(Directory.Exists(offline));
    }

    [Fact]
    public async Task Fetch_ServiceHasNone_ExitsWithOne()
    {
        await using var kds = new LoopbackKds(_bench.Vendor);

        CocoRun run = await CocoProcess.RunAsync(["collateral", "fetch", "--dir", Path.Combine(_bench.Folder, "x"), "--item", "amd-crl:vcek/Milan", "--kds", kds.Address]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("FAIL amd-crl vcek/Milan", run.Output);
    }
}
