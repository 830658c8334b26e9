// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;

namespace Coco.Benchmarks;

/// <summary>The machine's own limits: signature verifications with kept keys.</summary>
public class SignatureBenchmarks : IFigures
{
    private readonly byte[] _hash = SHA384.HashData("coco"u8);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private byte[] _signature = [];

    /// <inheritdoc/>
    public static string Group => "signatures";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("p384-verify", run.PerSecond(nameof(P384Verify)), "per-second", null);
    }

    /// <summary>Signs once.</summary>
    [GlobalSetup]
    public void Setup() => _signature = _p384.SignHash(_hash);

    /// <summary>One raw verification.</summary>
    [Benchmark]
    public bool P384Verify() => _p384.VerifyHash(_hash, _signature);
}
