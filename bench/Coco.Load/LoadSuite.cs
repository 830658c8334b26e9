// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Coco.Client;
using Coco.Simulator;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Load;

/// <summary>The measurements of <c>eng/load.sh</c>: each prints <c>name value unit limit ratio</c>, its limit taken in the same run.</summary>
internal static class LoadSuite
{
    private const string Resource = "/kbs/v0/resource/load/key/1";
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);

    public static async Task<int> RunAsync(string[] args)
    {
        string group = args.Length > 0 ? args[0] : "kbs";
        Console.WriteLine("name value unit limit ratio");
        switch (group)
        {
            case "kbs":
                await KbsAsync();
                return 0;
            case "peer":
                await PeerAsync();
                return 0;
            default:
                Console.Error.WriteLine($"load: unknown group '{group}'; groups: kbs, peer");
                return 1;
        }
    }

    // TLS, kept alive, 16 connections.
    private static async Task KbsAsync()
    {
        const int Connections = 16;
        double bareAuth, bareWhole, bareGet;
        await using (ServerUnderLoad bare = await ServerUnderLoad.BareAsync(plain: false))
        {
            KbsWork work = Sample(bare.Port, false);
            Progress("bare Kestrel over TLS");
            bareAuth = (await LoadRun.RunAsync(Connections, Warmup, Duration, _ => work.BareAsync(whole: false, getOnly: false))).PerSecond;
            bareWhole = (await LoadRun.RunAsync(Connections, Warmup, Duration, _ => work.BareAsync(whole: true, getOnly: false))).PerSecond;
            bareGet = (await LoadRun.RunAsync(Connections, Warmup, Duration, _ => work.BareAsync(whole: false, getOnly: true))).PerSecond;
        }

        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        string home = Directory.CreateTempSubdirectory("coco-load").FullName;
        string roots = Path.Combine(home, "roots.json");
        await File.WriteAllTextAsync(roots, SimulatedRootsFile.Write([amd]));
        await using ServerUnderLoad server = await ServerUnderLoad.TrusteeAsync(["--insecure-simulated-tee", roots], home: home);
        await SetUpAsync(server.Port, Path.Combine(home, "tls", "ca.pem"));
        KbsWork sample = Sample(server.Port, false);
        Progress("auth");
        Report("auth", await LoadRun.RunAsync(Connections, Warmup, Duration, sample.AuthAsync), bareAuth);
        Progress("handshake and resource, sample");
        LoadResult whole = await LoadRun.RunAsync(Connections, Warmup, Duration, sample.WholeAsync);
        Report("handshake-and-resource-sample", whole, bareWhole);
        Progress("the same at 70 %");
        LoadResult paced = await LoadRun.RunAsync(Connections, Warmup, Duration, sample.WholeAsync, whole.PerSecond * 0.7);
        Line("handshake-and-resource-p99-at-70-percent", paced.P99Milliseconds, "ms", paced.MedianMilliseconds * 10);
        Progress("resource with a token, EC key");
        GuestKey ec = GuestKey.Ec();
        LoadResult get = await LoadRun.RunAsync(Connections, Warmup, Duration, _ => sample.GetAsync(bearer: true, ec));
        Report("resource-bearer-ec", get, 1e9 / KeyOperations.SealToEcNanoseconds());
        Progress("resource with a token, RSA key");
        GuestKey rsa = GuestKey.Rsa();
        Report("resource-bearer-rsa", await LoadRun.RunAsync(Connections, Warmup, Duration, _ => sample.GetAsync(bearer: true, rsa)), bareGet);
        Progress("resource in a session, EC key");
        Report("resource-session-ec", await LoadRun.RunAsync(Connections, Warmup, Duration, _ => sample.GetAsync(bearer: false, ec)), 1e9 / KeyOperations.SealToEcNanoseconds());
        Progress("handshake and resource, simulated SNP");
        using SimulatedSnpGuest guest = amd.CreateGuest();
        var snp = new KbsWork(server.Port, false, "snp", d => guest.GetEvidence(d).ToJsonString(), Resource);
        double cryptography = KeyOperations.SnpHandshakeNanoseconds();
        Report("handshake-and-resource-snp", await LoadRun.RunAsync(Connections, Warmup, Duration, snp.WholeAsync), 2e9 / cryptography);
        double before = server.ResidentMebibytes;
        Progress("200,000 requests for memory");
        long units = 0;
        while (units < 200_000)
        {
            units += (await LoadRun.RunAsync(Connections, TimeSpan.Zero, Duration, sample.AuthAsync)).Units;
        }

        Line("resident-after-200000-requests", server.ResidentMebibytes, "MiB", before);
    }

    // The set-up in which the peer was measured: plain HTTP, load from the same two cores.
    private static async Task PeerAsync()
    {
        await using ServerUnderLoad server = await ServerUnderLoad.TrusteeAsync(["--set", "http_server.insecure_http=true"]);
        await SetUpAsync(server.Port, null);
        KbsWork work = Sample(server.Port, true);
        double idle = server.ResidentMebibytes;
        Report("plain-auth", await LoadRun.RunAsync(8, Warmup, Duration, work.AuthAsync), 13_300);
        Report("plain-auth-and-attest", await LoadRun.RunAsync(8, Warmup, Duration, work.AttestAsync), 1_463);
        Report("plain-whole-handshake", await LoadRun.RunAsync(8, Warmup, Duration, work.WholeAsync), 826);
        GuestKey ec = GuestKey.Ec();
        Report("plain-resource-session-16", await LoadRun.RunAsync(16, Warmup, Duration, _ => work.GetAsync(bearer: false, ec)), 3_770);
        Line("resident-idle", idle, "MiB", null);
        Line("resident-after-load", server.ResidentMebibytes, "MiB", null);
    }

    private static async Task SetUpAsync(int port, string? authority)
    {
        var options = new KbsConnectionOptions();
        if (authority is not null)
        {
            options.TrustedCertificates = [System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(authority)];
        }

        using KbsAdminClient admin = KbsAdminClient.Create(new Uri((authority is null ? "http" : "https") + "://localhost:" + port), null, options);
        Refusal? refusal = await admin.SetResourceAsync("load/key/1", new byte[32])
            ?? await admin.SetResourcePolicyAsync(Protocol.NamedResourcePolicies.AllowAll);
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.ToString());
        }
    }

    private static KbsWork Sample(int port, bool plain) => new(
        port, plain, "sample", d => "{\"svn\":\"1\",\"report_data\":\"" + Convert.ToBase64String(d) + "\"}", Resource);

    private static void Report(string name, LoadResult result, double limit)
    {
        Line(name, result.PerSecond, "per-second", limit);
        Line(name + "-median", result.MedianMilliseconds, "ms", null);
        Line(name + "-p99", result.P99Milliseconds, "ms", null);
    }

    private static void Line(string name, double value, string unit, double? limit) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name} {value:0.###} {unit} {(limit is { } l ? l.ToString("0.###", CultureInfo.InvariantCulture) : "-")} {(limit is > 0 ? (value / limit.Value).ToString("0.000", CultureInfo.InvariantCulture) : "-")}"));

    private static void Progress(string what) => Console.Error.WriteLine("measuring " + what + " …");
}
