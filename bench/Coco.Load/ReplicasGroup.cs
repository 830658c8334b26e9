// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.Load;

/// <summary>Two servers over one PostgreSQL against one server over SQLite, on the same cores; the limit is the latter's rate.</summary>
/// <remarks>Guests go to both replicas in equal parts; half of them fetch from the other one than they attested at.</remarks>
internal static class ReplicasGroup
{
    private const int Connections = 16;

    public static async Task<int> RunAsync()
    {
        if (PostgresServer.Missing is { } why)
        {
            Console.Error.WriteLine("load: " + why);
            return 1;
        }

        string[] plain = ["--set", "http_server.insecure_http=true"];
        await using PostgresServer database = await PostgresServer.StartAsync();
        var environment = new Dictionary<string, string> { ["POSTGRES_URL"] = database.Url };
        string[] shared = [.. plain, "--set", "storage_backend.storage_type=postgres"];
        await using ServerUnderLoad one = await ServerUnderLoad.TrusteeAsync(shared, environment);
        await using ServerUnderLoad other = await ServerUnderLoad.TrusteeAsync(shared, environment);
        await using ServerUnderLoad single = await ServerUnderLoad.TrusteeAsync(plain);
        await LoadSuite.SetUpAsync(one.Port, null);
        await LoadSuite.SetUpAsync(single.Port, null);

        // A replica looks for a policy of another once a second.
        await Task.Delay(TimeSpan.FromSeconds(3));
        KbsWork[] replicas = [LoadSuite.Sample(one.Port, true), LoadSuite.Sample(other.Port, true)];
        int[] ports = [one.Port, other.Port];
        KbsWork alone = LoadSuite.Sample(single.Port, true);
        GuestKey key = GuestKey.Ec();
        Measure("replicas-whole-handshake", i => replicas[i % 2].Whole(ports[i / 2 % 2]), _ => alone.Whole());
        Measure("replicas-auth-and-attest", i => replicas[i % 2].Attest(), _ => alone.Attest());
        Measure("replicas-resource-session", i => replicas[i % 2].Get(bearer: false, key), _ => alone.Get(bearer: false, key));
        return 0;

        void Measure(string name, Func<int, Action> both, Func<int, Action> sqlite)
        {
            if (!LoadSuite.IsWanted(name))
            {
                return;
            }

            (LoadResult result, LoadResult limit) = LoadSuite.MeasureInTurn(
                new Load(name, Connections, both, one, other), new Load("one server over SQLite", Connections, sqlite, single));
            LoadSuite.Report(name, result, limit.PerSecond);
            LoadSuite.Line(name + "-cpu-single-server", limit.ServerMicroseconds, "us", null);
        }
    }
}
