// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Simulator.Intel;
using Coco.Verifiers;
using Coco.Verifiers.Intel;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>A simulated Intel, its collateral, and a verifier that trusts it.</summary>
internal sealed class IntelBench : IDisposable
{
    private readonly SimulatedIntel _vendor;

    public IntelBench(DateTimeOffset now, bool isTdx)
    {
        Clock = new FakeTimeProvider(now);
        _vendor = new SimulatedIntel(new SimulatedIntelOptions { Clock = Clock });
        Platform = _vendor.CreatePlatform();
        OlderPlatform = _vendor.CreatePlatform(new SimulatedPlatformOptions { PceSvn = Platform.Options.PceSvn - 1 });
        SimulatedCollateral collateral = _vendor.MakeCollateral(Platform, new SimulatedCollateralOptions { IsTdx = isTdx });
        var items = new Dictionary<string, CollateralItem>(StringComparer.Ordinal)
        {
            [CollateralKinds.IntelTcbInfo] = new(Encoding.UTF8.GetBytes(collateral.TcbInfo)) { IssuerChain = Encoding.ASCII.GetBytes(collateral.SignerChain) },
            [CollateralKinds.IntelQeIdentity] = new(Encoding.UTF8.GetBytes(collateral.QeIdentity)) { IssuerChain = Encoding.ASCII.GetBytes(collateral.SignerChain) },
            [CollateralKinds.IntelPckCrl] = new(collateral.PckCrl) { IssuerChain = Encoding.ASCII.GetBytes(collateral.PckCrlChain) },
            [CollateralKinds.IntelRootCrl] = new(collateral.RootCrl),
        };
        var options = new DcapOptions { Clock = Clock, Roots = [IntelRootKey.FromPublicKeyInfo("simulated", _vendor.RootPublicKeyInfo).Require()] };
        Dcap = new DcapVerifier(options, IntelCollateralFile.FromItems(items));
    }

    public FakeTimeProvider Clock { get; }

    public SimulatedPlatform Platform { get; }

    /// <summary>PCESVN one less: its last bit differs.</summary>
    public SimulatedPlatform OlderPlatform { get; }

    public DcapVerifier Dcap { get; }

    public void Dispose()
    {
        Platform.Dispose();
        OlderPlatform.Dispose();
        _vendor.Dispose();
    }
}
