// SPDX-License-Identifier: Apache-2.0
namespace Coco.Load;

/// <summary>The set-up in which the reference was measured: plain HTTP, load from the same two cores. Its rates are the limits.</summary>
internal static class PeerGroup
{
    public static async Task RunAsync()
    {
        await using ServerUnderLoad server = await ServerUnderLoad.TrusteeAsync(["--set", "http_server.insecure_http=true"]);
        await LoadSuite.SetUpAsync(server.Port, null);
        KbsWork work = LoadSuite.Sample(server.Port, true);
        double idle = server.ResidentMebibytes;
        GuestKey ec = GuestKey.Ec();
        Measure("plain-auth", 8, _ => work.Auth(), 13_300);
        Measure("plain-auth-and-attest", 8, _ => work.Attest(), 1_463);
        Measure("plain-whole-handshake", 8, _ => work.Whole(), 826);
        Measure("plain-resource-session-16", 16, _ => work.Get(bearer: false, ec), 3_770);
        LoadSuite.Line("resident-idle", idle, "MiB", null);
        LoadSuite.Line("resident-after-load", server.ResidentMebibytes, "MiB", null);

        void Measure(string name, int connections, Func<int, Action> start, double peer)
        {
            if (LoadSuite.IsWanted(name))
            {
                LoadSuite.Report(name, LoadSuite.Measure(new Load(name, connections, start, server)), peer);
            }
        }
    }
}
