// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;

namespace Coco.Simulator;

/// <summary>The file that tells a server to trust simulated roots (<c>insecure_simulated_tee</c>). Never for anything that matters.</summary>
public static class SimulatedRootsFile
{
    /// <summary>JSON text: <c>{"snp":[{"generation":…,"ark":PEM,"ask":PEM,"asvk":PEM}]}</c>.</summary>
    public static string Write(IEnumerable<SimulatedAmd> vendors) => new JsonObject
    {
        ["snp"] = new JsonArray([.. vendors.Select(v => (JsonNode)new JsonObject
        {
            ["generation"] = v.Generation.ToString(),
            ["ark"] = Pem(v.Ark),
            ["ask"] = Pem(v.Ask),
            ["asvk"] = Pem(v.Asvk),
        })]),
    }.ToJsonString();

    private static string Pem(byte[] der) => new string(System.Security.Cryptography.PemEncoding.Write("CERTIFICATE", der)) + "\n";
}
