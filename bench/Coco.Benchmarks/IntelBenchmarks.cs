// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Coco.Protocol;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Tee.EventLogs;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Benchmarks;

/// <summary>
/// Verification of quotes of a platform that was seen before, with collateral that was verified before, against the two P-256 verifications
/// that each quote still needs (QE report and quote); and an event log of 200 entries from bytes to claims.
/// </summary>
public class IntelBenchmarks : IFigures
{
    private const int Batch = 1024;
    private const int Events = 200;

    private readonly byte[] _hash = SHA256.HashData("coco"u8);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private EcdsaKeyPool _keys = null!;
    private byte[] _signature = [];
    private IVerifier _tdx = null!;
    private IVerifier _sgx = null!;
    private BoundEvidence _tdxEvidence = null!;
    private BoundEvidence _sgxEvidence = null!;
    private byte[] _log = [];
    private byte[][] _registers = [];

    /// <inheritdoc/>
    public static string Group => "verify";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        double limit = run.PerSecond(nameof(TwoP256Verifications));
        yield return new Figure("tdx-verify", run.PerSecond(nameof(TdxVerify)), "per-second", limit);

        // Of two: how much two cores give of what one gives; for the bare signatures, too, since that is what the machine can give.
        yield return new Figure("tdx-two-core-scaling", run.PerSecond(nameof(TdxVerifyOnTwoCores)) / run.PerSecond(nameof(TdxVerify)), "times", 2);
        yield return new Figure("p256-two-core-scaling", run.PerSecond(nameof(TwoP256VerificationsOnTwoCores)) / limit, "times", 2);
        yield return new Figure("tdx-verify-allocated", run.Bytes(nameof(TdxVerify)), "bytes", 128 * 1024);
        yield return new Figure("sgx-verify", run.PerSecond(nameof(SgxVerify)), "per-second", limit);
        yield return new Figure("sgx-verify-allocated", run.Bytes(nameof(SgxVerify)), "bytes", 128 * 1024);
        yield return new Figure("event-log-200", run.Nanoseconds(nameof(EventLog)) / 1e6, "milliseconds", 1);
        yield return new Figure("event-log-200-allocated", run.Bytes(nameof(EventLog)), "bytes", 128 * 1024);
    }

    /// <summary>Makes a vendor and a platform, and lets the verifiers see them.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _signature = _p256.SignHash(_hash);
        _keys = new EcdsaKeyPool(_p256.ExportSubjectPublicKeyInfo());
        using var vendor = new SimulatedIntel();
        using SimulatedPlatform platform = vendor.CreatePlatform();
        byte[] nonce = SHA384.HashData("nonce"u8);
        _tdx = new TdxVerifier(NewVerifier(vendor, platform, isTdx: true));
        _sgx = new SgxVerifier(NewVerifier(vendor, platform, isTdx: false));
        _tdxEvidence = Bind(TeeType.Tdx, platform.GetTdxEvidence(new SimulatedQuoteOptions { ReportData = nonce }).ToJsonString(), nonce);
        _sgxEvidence = Bind(TeeType.Sgx, platform.GetSgxEvidence(new SimulatedQuoteOptions { Version = 3, ReportData = nonce }).ToJsonString(), nonce);
        TdxVerify();
        SgxVerify();

        var log = new SimulatedEventLog();
        for (int i = 0; i < Events; i++)
        {
            log.Add((uint)(i % 4) + 1, TcgEventType.Ipl, Encoding.ASCII.GetBytes($"grub_cmd: menuentry {i}\0"));
        }

        _log = log.ToArray();
        _registers = log.Rtmrs();
        EventLog();
    }

    /// <summary>One whole verification of a TD's evidence, from JSON to claims.</summary>
    [Benchmark]
    public int TdxVerify() => Verify(_tdx, _tdxEvidence);

    /// <summary>The same on two threads.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public int TdxVerifyOnTwoCores()
    {
        int all = 0;
        Parallel.For(0, Batch, new ParallelOptions { MaxDegreeOfParallelism = 2 }, _ => Interlocked.Add(ref all, Verify(_tdx, _tdxEvidence)));
        return all;
    }

    /// <summary>One whole verification of an enclave's evidence, from JSON to claims.</summary>
    [Benchmark]
    public int SgxVerify() => Verify(_sgx, _sgxEvidence);

    /// <summary>The limit: the two signatures that each quote brings, with keys at hand.</summary>
    [Benchmark]
    public bool TwoP256Verifications() => _p256.VerifyHash(_hash, _signature) && _p256.VerifyHash(_hash, _signature);

    /// <summary>The same on two threads, each with key objects of its own.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public int TwoP256VerificationsOnTwoCores()
    {
        int all = 0;
        Parallel.For(0, Batch, new ParallelOptions { MaxDegreeOfParallelism = 2 }, _ => Interlocked.Add(ref all, _keys.VerifyHash(_hash, _signature) && _keys.VerifyHash(_hash, _signature) ? 1 : 0));
        return all;
    }

    /// <summary>An event log: parsed, replayed into four registers, turned into claims.</summary>
    [Benchmark]
    public JsonArray EventLog()
    {
        CcEventLog log = CcEventLog.Parse(_log).Require();
        for (int i = 0; i < _registers.Length; i++)
        {
            if (log.CheckReplay((uint)i + 1, TcgAlgorithm.Sha384, _registers[i]) is { } refusal)
            {
                throw new InvalidOperationException(refusal.ToString());
            }
        }

        return log.ToClaims().Require();
    }

    private static int Verify(IVerifier verifier, BoundEvidence evidence) =>
        verifier.VerifyAsync(evidence, null, CancellationToken.None).AsTask().GetAwaiter().GetResult().Require().Length;

    private static BoundEvidence Bind(TeeType tee, string json, byte[] nonce) =>
        new(new Evidence(tee, JsonElement.Parse(json)), Binding.ToDigest(nonce), Binding.NotChecked);

    private static DcapVerifier NewVerifier(SimulatedIntel vendor, SimulatedPlatform platform, bool isTdx)
    {
        SimulatedCollateral collateral = vendor.MakeCollateral(platform, new SimulatedCollateralOptions { IsTdx = isTdx });
        return new DcapVerifier(
            new DcapOptions { Roots = [IntelRootKey.FromPublicKeyInfo("simulated", vendor.RootPublicKeyInfo).Require()] },
            IntelCollateralFile.FromSingleObject(JsonElement.Parse(collateral.ToSingleObject().ToJsonString())).Require());
    }
}
