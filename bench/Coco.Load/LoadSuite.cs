// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Client;
using Coco.Protocol;

namespace Coco.Load;

/// <summary>The measurements of <c>eng/load.sh</c>: each prints <c>name value unit limit ratio</c>, its limit taken in the same run.</summary>
internal static class LoadSuite
{
    /// <summary>The resource that is stored and fetched.</summary>
    public const string Resource = "/kbs/v0/resource/load/key/1";

    private static TimeSpan? s_warmup;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(2);
    private const int Slices = 3;
    private static readonly TimeSpan WarmUpSlice = TimeSpan.FromSeconds(3);
    private const int MostWarmUpSlices = 10;

    private static string s_only = string.Empty;

    public static async Task<int> RunAsync(string[] args)
    {
        string group = args.Length > 0 ? args[0] : "kbs";
        s_only = args.Length > 1 ? args[1] : string.Empty;
        if (args.Length > 2)
        {
            s_warmup = TimeSpan.FromSeconds(double.Parse(args[2], CultureInfo.InvariantCulture));
        }

        switch (group)
        {
            case "kbs":
                Console.WriteLine("name value unit limit ratio");
                await KbsGroup.RunAsync();
                return 0;
            case "peer":
                Console.WriteLine("name value unit limit ratio");
                await PeerGroup.RunAsync();
                return 0;
            case "replicas":
                Console.WriteLine("name value unit limit ratio");
                return await ReplicasGroup.RunAsync();
            case "as":
                Console.WriteLine("name value unit limit ratio");
                await AttestationGroup.RunAsync();
                return 0;
            default:
                Console.Error.WriteLine($"load: unknown group '{group}'; groups: kbs, peer, replicas, as");
                return 1;
        }
    }

    /// <summary>Whether a measurement is wanted: all are, unless the second argument names the beginning of some.</summary>
    public static bool IsWanted(string name) => name.StartsWith(s_only, StringComparison.Ordinal);

    /// <summary>Drives a work alone.</summary>
    public static LoadResult Measure(Load load, double? pace = null)
    {
        Progress(load.Name);
        var run = new LoadRun(load);
        WarmUp(run, pace);
        return run.Drive(Slices * Slice, pace);
    }

    /// <summary>Drives two works in turn, so that what else the machine does meets both alike.</summary>
    public static (LoadResult First, LoadResult Second) MeasureInTurn(Load first, Load second)
    {
        Progress(first.Name + " and " + second.Name + " in turn");
        var one = new LoadRun(first);
        var other = new LoadRun(second);
        WarmUp(one);
        WarmUp(other);
        var ones = new List<LoadResult>();
        var others = new List<LoadResult>();
        for (int i = 0; i < Slices; i++)
        {
            ones.Add(one.Drive(Slice));
            others.Add(other.Drive(Slice));
        }

        return (LoadResult.Sum(ones), LoadResult.Sum(others));
    }

    // Until the runtime has compiled what the work uses: for as long as a unit still gets cheaper, or for the time that was asked for.
    private static void WarmUp(LoadRun run, double? pace = null)
    {
        if (s_warmup is { } given)
        {
            run.Drive(given, pace);
            return;
        }

        double best = double.MaxValue;
        for (int slice = 0, steady = 0; slice < MostWarmUpSlices && steady < 2; slice++)
        {
            double now = run.Drive(WarmUpSlice, pace).ServerMicroseconds;
            steady = now > 0.98 * best ? steady + 1 : 0;
            best = Math.Min(best, now);
        }
    }

    /// <summary>Stores the resource and lets every guest have it.</summary>
    public static async Task SetUpAsync(int port, string? authority)
    {
        var options = new KbsConnectionOptions();
        if (authority is not null)
        {
            options.TrustedCertificates = [System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(authority)];
        }

        using KbsAdminClient admin = KbsAdminClient.Create(new Uri((authority is null ? "http" : "https") + "://localhost:" + port), null, options);
        Refusal? refusal = await admin.SetResourceAsync("load/key/1", new byte[32])
            ?? await admin.SetResourcePolicyAsync(NamedResourcePolicies.AllowAll);
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.ToString());
        }
    }

    /// <summary>A guest with sample evidence.</summary>
    public static KbsWork Sample(int port, bool plain) => new(port, plain, "sample", static () => new SampleEvidence(), Resource);

    /// <summary>Rate against its limit, times, and processor time a unit on both sides.</summary>
    public static void Report(string name, LoadResult result, double? limit)
    {
        Line(name, result.PerSecond, "per-second", limit);
        Line(name + "-median", result.Milliseconds(0.5), "ms", null);
        Line(name + "-p99", result.Milliseconds(0.99), "ms", null);
        Line(name + "-cpu-server", result.ServerMicroseconds, "us", null);
        Line(name + "-cpu-client", result.ClientMicroseconds, "us", null);
    }

    public static void Line(string name, double value, string unit, double? limit) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name} {value:0.###} {unit} {(limit is { } l ? l.ToString("0.###", CultureInfo.InvariantCulture) : "-")} {(limit is > 0 ? (value / limit.Value).ToString("0.000", CultureInfo.InvariantCulture) : "-")}"));

    public static void Progress(string what) => Console.Error.WriteLine("measuring " + what + " …");
}
