// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coco.Protocol;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;

namespace Coco.Benchmarks;

/// <summary>Verification of an SNP report whose chip was seen before, against the P-384 verifications that one core can do.</summary>
public class SnpBenchmarks : IFigures
{
    private readonly byte[] _hash = SHA384.HashData("coco"u8);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private byte[] _signature = [];
    private SnpVerifier _verifier = null!;
    private BoundEvidence _evidence = null!;

    /// <inheritdoc/>
    public static string Group => "verify";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("snp-verify", run.PerSecond(nameof(SnpVerify)), "per-second", run.PerSecond(nameof(P384Verify)));
        yield return new Figure("snp-verify-allocated", run.Bytes(nameof(SnpVerify)), "bytes", 32 * 1024);
    }

    /// <summary>Makes a vendor and a guest, and lets the verifier see the chip.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _signature = _p384.SignHash(_hash);
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        byte[] nonce = SHA384.HashData("nonce"u8);
        _evidence = new BoundEvidence(new Evidence(TeeType.Snp, guest.GetEvidenceElement(nonce)), Binding.ToDigest(nonce), Binding.NotChecked);
        _verifier = new SnpVerifier(new SnpVerifierOptions
        {
            SimulatedRoots = [AmdTrustAnchor.Simulated(vendor.Generation, vendor.Ark, vendor.Ask, vendor.Asvk).Require()],
        });
        SnpVerify();
    }

    /// <summary>One whole verification, from evidence JSON to claims.</summary>
    [Benchmark]
    public int SnpVerify() => _verifier.VerifyAsync(_evidence, null, CancellationToken.None).AsTask().GetAwaiter().GetResult().Require().Length;

    /// <summary>The limit: one raw verification.</summary>
    [Benchmark]
    public bool P384Verify() => _p384.VerifyHash(_hash, _signature);
}
