// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Load;

/// <summary>
/// A stand-alone attestation service that records its decisions in SQLite; evidence of simulated SNP, affirmed. The limit is what the report's and the
/// token's signatures alone allow: on all cores for rates, and of the server's processor time for rates per CPU second, which hold on a machine that is
/// busy otherwise.
/// </summary>
internal static class AttestationGroup
{
    private const int Connections = 16;

    public static async Task RunAsync()
    {
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = amd.CreateGuest();
        string home = Directory.CreateTempSubdirectory("coco-load").FullName;
        string roots = Path.Combine(home, "roots.json");
        await File.WriteAllTextAsync(roots, SimulatedRootsFile.Write([amd]));
        await using ServerUnderLoad server = await ServerUnderLoad.AttestationAsync(["--insecure-simulated-tee", roots], home);
        await AttestationWork.RegisterAsync(server.GrpcPort, guest);
        var work = new AttestationWork(guest);
        Measure("as-rest-snp", _ => work.Rest(server.Port));
        Measure("as-grpc-snp", _ => work.Grpc(server.GrpcPort));
        LoadSuite.Line("as-resident", server.ResidentMebibytes, "MiB", null);

        void Measure(string name, Func<int, Action> start)
        {
            if (!LoadSuite.IsWanted(name))
            {
                return;
            }

            double before = KeyOperations.SnpAppraisalNanoseconds();
            LoadResult result = LoadSuite.Measure(new Load(name, Connections, start, server));
            double signatures = (before + KeyOperations.SnpAppraisalNanoseconds()) / 2;
            LoadSuite.Report(name, result, Environment.ProcessorCount * 1e9 / signatures);
            LoadSuite.Line(name + "-per-cpu-second", 1e6 / result.ServerMicroseconds, "per-cpu-second", 1e9 / signatures);
        }
    }
}
