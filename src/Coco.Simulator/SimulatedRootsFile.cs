// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Certificates;
using Coco.Simulator.Csv;
using Coco.Simulator.Intel;
using Coco.Simulator.Nvidia;

namespace Coco.Simulator;

/// <summary>The file that tells a server to trust simulated roots (<c>insecure_simulated_tee</c>). Never for anything that matters.</summary>
public static class SimulatedRootsFile
{
    /// <summary>JSON text with a member for each kind of vendor that is given.</summary>
    /// <param name="amd">Roots of SEV-SNP.</param>
    /// <param name="intel">Root of SGX and TDX.</param>
    /// <param name="hygon">Root of CSV and DCU.</param>
    /// <param name="nvidia">Root of GPUs.</param>
    /// <param name="tpm">Root of TPM endorsements.</param>
    public static string Write(
        IEnumerable<SimulatedAmd>? amd = null, SimulatedIntel? intel = null, SimulatedHygon? hygon = null, SimulatedNvidia? nvidia = null, SimulatedAuthority? tpm = null)
    {
        var file = new JsonObject();
        if (amd is not null)
        {
            file["snp"] = new JsonArray([.. amd.Select(v => (JsonNode)new JsonObject
            {
                ["generation"] = v.Generation.ToString(),
                ["ark"] = Pem(v.Ark),
                ["ask"] = Pem(v.Ask),
                ["asvk"] = Pem(v.Asvk),
            })]);
        }

        if (intel is not null)
        {
            file["intel"] = new JsonArray(new JsonObject { ["name"] = "simulated", ["root"] = Pem(intel.Root) });
        }

        if (hygon is not null)
        {
            file["hygon"] = new JsonArray(new JsonObject { ["hrk"] = Convert.ToBase64String(hygon.Hrk) });
        }

        if (nvidia is not null)
        {
            file["nvidia"] = new JsonArray(new JsonObject { ["root"] = Pem(nvidia.Root.Certificate) });
        }

        if (tpm is not null)
        {
            file["tpm"] = new JsonArray(new JsonObject { ["root"] = Pem(tpm.Certificate) });
        }

        return file.ToJsonString();
    }

    private static string Pem(byte[] der) => new string(PemEncoding.Write("CERTIFICATE", der)) + "\n";
}
