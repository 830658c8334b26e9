// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>The simulated vendor's key distribution service (tee-evidence.md 2.9).</summary>
public sealed class SimulatedKdsHandler : SimulatedServiceHandler
{
    private readonly SimulatedAmd _vendor;

    internal SimulatedKdsHandler(SimulatedAmd vendor) => _vendor = vendor;

    private protected override HttpResponseMessage? Answer(string path) => Find(path) is { } body ? Reply(body) : null;

    private byte[]? Find(string path)
    {
        string product = _vendor.Generation.ProductName();
        foreach (bool vlek in (ReadOnlySpan<bool>)[false, true])
        {
            string prefix = $"/{(vlek ? "vlek" : "vcek")}/v1/{product}/";
            if (!path.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            string rest = path[prefix.Length..];
            return rest switch
            {
                "cert_chain" => System.Text.Encoding.ASCII.GetBytes(_vendor.GetChainPem(vlek)),
                "crl" => _vendor.MakeRevocationList(),
                _ when !vlek => _vendor.FindIssued(rest),
                _ => null,
            };
        }

        return null;
    }
}
