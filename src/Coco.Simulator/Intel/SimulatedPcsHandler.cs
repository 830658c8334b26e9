// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Simulator.Intel;

/// <summary>The simulated vendor's provisioning service, as PCS and as PCCS (tee-evidence.md 3.6).</summary>
public sealed class SimulatedPcsHandler : SimulatedServiceHandler
{
    private readonly SimulatedPlatform _platform;
    private readonly SimulatedCollateral? _sgx;
    private readonly SimulatedCollateral? _tdx;

    internal SimulatedPcsHandler(SimulatedPlatform platform, SimulatedCollateral? sgx, SimulatedCollateral? tdx)
    {
        _platform = platform;
        _sgx = sgx;
        _tdx = tdx;
    }

    private static HttpResponseMessage Reply(byte[] body, string header, string chain)
    {
        HttpResponseMessage reply = Reply(body);
        reply.Headers.Add(header, Uri.EscapeDataString(chain));
        return reply;
    }

    private protected override HttpResponseMessage? Answer(string path)
    {
        SimulatedCollateral? any = _tdx ?? _sgx;
        if (path.EndsWith("/IntelSGXRootCA.der", StringComparison.Ordinal))
        {
            return any is null ? null : Reply(any.RootCrl);
        }

        if (path.StartsWith("/sgx/certification/v4/rootcacrl", StringComparison.Ordinal))
        {
            return any is null ? null : Reply(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(any.RootCrl)));
        }

        if (path.StartsWith("/sgx/certification/v4/pckcrl?", StringComparison.Ordinal))
        {
            string ca = _platform.Options.UsePlatformCa ? "ca=platform" : "ca=processor";
            return any is not null && path.Contains(ca, StringComparison.Ordinal) ? Reply(any.PckCrl, "SGX-PCK-CRL-Issuer-Chain", any.PckCrlChain) : null;
        }

        if (path.StartsWith("/sgx/certification/v4/pckcert?", StringComparison.Ordinal))
        {
            return Reply(Encoding.ASCII.GetBytes(SimulatedIntel.ToPem(_platform.PckCertificate)), "SGX-PCK-Certificate-Issuer-Chain", _platform.IssuerChain);
        }

        foreach ((string prefix, SimulatedCollateral? collateral) in (ReadOnlySpan<(string, SimulatedCollateral?)>)[("/sgx/", _sgx), ("/tdx/", _tdx)])
        {
            if (collateral is null)
            {
                continue;
            }

            if (path.StartsWith(prefix + "certification/v4/tcb?", StringComparison.Ordinal))
            {
                return path.Contains("fmspc=" + Convert.ToHexString(_platform.Options.Fmspc), StringComparison.Ordinal)
                    ? Reply(Encoding.UTF8.GetBytes(collateral.TcbInfo), "TCB-Info-Issuer-Chain", collateral.SignerChain)
                    : null;
            }

            if (path.StartsWith(prefix + "certification/v4/qe/identity", StringComparison.Ordinal))
            {
                return Reply(Encoding.UTF8.GetBytes(collateral.QeIdentity), "SGX-Enclave-Identity-Issuer-Chain", collateral.SignerChain);
            }
        }

        return null;
    }
}
