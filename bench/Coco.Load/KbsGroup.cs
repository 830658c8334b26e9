// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Load;

/// <summary>One server with TLS and SQLite, 16 kept-alive connections; limits are a bare Kestrel application and bare cryptography.</summary>
internal static class KbsGroup
{
    private const int Connections = 16;

    public static async Task RunAsync()
    {
        await using ServerUnderLoad bare = await ServerUnderLoad.BareAsync(plain: false);
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        string home = Directory.CreateTempSubdirectory("coco-load").FullName;
        string roots = Path.Combine(home, "roots.json");
        await File.WriteAllTextAsync(roots, SimulatedRootsFile.Write([amd]));
        await using ServerUnderLoad server = await ServerUnderLoad.TrusteeAsync(["--insecure-simulated-tee", roots], home: home);
        await LoadSuite.SetUpAsync(server.Port, Path.Combine(home, "tls", "ca.pem"));
        KbsWork ours = LoadSuite.Sample(server.Port, false);
        KbsWork bares = LoadSuite.Sample(bare.Port, false);
        double idle = server.ResidentMebibytes;

        if (LoadSuite.IsWanted("auth"))
        {
            InTurn("auth", _ => ours.Auth(), _ => bares.Bare(post: true), server, bare);
        }

        Handshakes(ours, bares, server, bare);
        Resources(ours, bares, server, bare);
        if (LoadSuite.IsWanted("handshake-and-resource-snp"))
        {
            Snp(server, amd);
        }

        if (LoadSuite.IsWanted("resident"))
        {
            Memory(ours, server, idle);
        }
    }

    private static void Handshakes(KbsWork ours, KbsWork bares, ServerUnderLoad server, ServerUnderLoad bare)
    {
        const string Name = "handshake-and-resource-sample";
        const string Paced = "handshake-and-resource-p99-at-70-percent";
        double? perSecond = LoadSuite.IsWanted(Name)
            ? InTurn(Name, _ => ours.Whole(), _ => bares.Bare(post: true, whole: true), server, bare).PerSecond
            : null;
        if (!LoadSuite.IsWanted(Paced))
        {
            return;
        }

        var load = new Load("sample handshakes at 70 %", Connections, _ => ours.Whole(), server);
        perSecond ??= LoadSuite.Measure(load).PerSecond;
        LoadResult paced = LoadSuite.Measure(load, perSecond * 0.7);
        LoadSuite.Line(Paced, paced.Milliseconds(0.99), "ms", paced.Milliseconds(0.5) * 10);
    }

    private static void Resources(KbsWork ours, KbsWork bares, ServerUnderLoad server, ServerUnderLoad bare)
    {
        GuestKey ec = GuestKey.Ec();
        foreach ((string name, bool bearer) in (ReadOnlySpan<(string, bool)>)[("resource-bearer-ec", true), ("resource-session-ec", false)])
        {
            if (LoadSuite.IsWanted(name))
            {
                double before = KeyOperations.AgreeNanoseconds();
                LoadResult result = LoadSuite.Measure(new Load(name, Connections, _ => ours.Get(bearer, ec), server));
                LoadSuite.Report(name, result, 1e9 / Math.Min(before, KeyOperations.AgreeNanoseconds()));
            }
        }

        if (LoadSuite.IsWanted("resource-bearer-rsa"))
        {
            GuestKey rsa = GuestKey.Rsa();
            InTurn("resource-bearer-rsa", _ => ours.Get(bearer: true, rsa), _ => bares.Bare(post: false), server, bare);
        }
    }

    private static void Snp(ServerUnderLoad server, SimulatedAmd amd)
    {
        const string Name = "handshake-and-resource-snp";

        // A chip of its own for each connection.
        SimulatedSnpGuest[] guests = [.. Enumerable.Range(0, Connections).Select(_ => amd.CreateGuest())];
        int next = 0;
        var work = new KbsWork(server.Port, false, "snp", () => new SnpEvidence(guests[Interlocked.Increment(ref next) % Connections]), LoadSuite.Resource);
        double before = KeyOperations.SnpHandshakeNanoseconds();
        LoadResult result = LoadSuite.Measure(new Load(Name, Connections, _ => work.Whole(), server));
        LoadSuite.Report(Name, result, Environment.ProcessorCount * 1e9 / Math.Min(before, KeyOperations.SnpHandshakeNanoseconds()));
        foreach (SimulatedSnpGuest guest in guests)
        {
            guest.Dispose();
        }
    }

    private static void Memory(KbsWork ours, ServerUnderLoad server, double idle)
    {
        LoadSuite.Line("resident-idle", idle, "MiB", null);
        var run = new LoadRun(new Load("memory", Connections, _ => ours.Auth(), server));
        LoadSuite.Progress("200,000 requests for memory");
        run.Drive(TimeSpan.FromSeconds(3));
        double before = server.ResidentMebibytes;
        long units = 0;
        while (units < 200_000)
        {
            units += run.Drive(TimeSpan.FromSeconds(3)).Units;
        }

        LoadSuite.Line("resident-after-200000-requests", server.ResidentMebibytes, "MiB", before);
    }

    private static LoadResult InTurn(string name, Func<int, Action> ours, Func<int, Action> bares, ServerUnderLoad server, ServerUnderLoad bare)
    {
        (LoadResult result, LoadResult limit) = LoadSuite.MeasureInTurn(new Load(name, Connections, ours, server), new Load("bare Kestrel", Connections, bares, bare));
        LoadSuite.Report(name, result, limit.PerSecond);
        LoadSuite.Line(name + "-cpu-bare-server", limit.ServerMicroseconds, "us", null);
        LoadSuite.Line(name + "-cpu-bare-client", limit.ClientMicroseconds, "us", null);
        return result;
    }
}
