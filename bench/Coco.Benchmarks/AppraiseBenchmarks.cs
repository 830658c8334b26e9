// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coco.Attestation;
using Coco.Protocol;
using Coco.Simulator.Amd;
using Coco.Storage;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Coco.Benchmarks;

/// <summary>
/// A whole attestation on simulated SNP (verify, default policy, token), against what its two signatures alone allow; with and without decision
/// records; and recorded reports appraised again, against bare verification.
/// </summary>
public class AppraiseBenchmarks : IFigures
{
    private const int Recorded = 10_000;

    private readonly byte[] _hash384 = SHA384.HashData("coco"u8);
    private readonly byte[] _data = new byte[2600];
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private byte[] _signature = [];
    private ServiceProvider _quiet = null!;
    private ServiceProvider _recording = null!;
    private ServiceProvider _vaulted = null!;
    private ImmutableArray<AttestationInput> _inputs;
    private BoundEvidence _bound = null!;
    private IVerifier _verifier = null!;

    /// <inheritdoc/>
    public static string Group => "appraise";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        double limit = 1e9 / (run.Nanoseconds(nameof(Verify384)) + run.Nanoseconds(nameof(Sign256)));
        yield return new Figure("appraise-snp", run.PerSecond(nameof(AttestQuiet)), "per-second", limit);
        yield return new Figure("appraise-snp-allocated", run.Bytes(nameof(AttestQuiet)), "bytes", null);
        yield return new Figure("appraise-snp-recorded", run.PerSecond(nameof(AttestRecorded)), "per-second", run.PerSecond(nameof(AttestQuiet)));
        yield return new Figure("reverify", Recorded * run.PerSecond(nameof(Reverify)), "per-second", Recorded * run.PerSecond(nameof(VerifyAll)));
    }

    /// <summary>Makes a vendor, a guest, and three services that have seen the chip.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _signature = _p384.SignHash(_hash384);
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        using JsonDocument runtime = JsonDocument.Parse("""{"nonce":"abc","tee-pubkey":{"kty":"EC","crv":"P-256","x":"a","y":"b"}}""");
        byte[] digest = SHA384.HashData(CanonicalJson.Write(runtime.RootElement).Require());
        JsonElement evidence = guest.GetEvidenceElement(digest);
        _inputs = [new AttestationInput(new Evidence(TeeType.Snp, evidence), RuntimeDataInput.Structured(runtime.RootElement), InitDataInput.Absent)];
        _bound = new BoundEvidence(new Evidence(TeeType.Snp, evidence), Binding.ToDigest(digest), Binding.NotChecked);
        _verifier = new SnpVerifier(new SnpVerifierOptions
        {
            SimulatedRoots = [AmdTrustAnchor.Simulated(vendor.Generation, vendor.Ark, vendor.Ask, vendor.Asvk).Require()],
        });
        var references = new References(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["snp_launch_measurement"] = $"[\"{Convert.ToHexStringLower(guest.Measurement)}\"]",
            ["snp_bootloader"] = $"[{guest.Tcb.BootLoader}]",
            ["snp_tee_svn"] = $"[{guest.Tcb.Tee}]",
            ["snp_snp_svn"] = $"[{guest.Tcb.Snp}]",
            ["snp_microcode"] = $"[{guest.Tcb.Microcode}]",
        });
        _quiet = Serve(references, new DecisionOptions { Enabled = false });
        _recording = Serve(references, new DecisionOptions());
        _vaulted = Serve(references, new DecisionOptions { RecordEvidence = true });
        Attest(_quiet);
        Attest(_recording);
        for (int i = 0; i < Recorded; i++)
        {
            Attest(_vaulted);
        }

        Reverify();
    }

    /// <summary>Evidence to token, nothing recorded.</summary>
    [Benchmark]
    public int AttestQuiet() => Attest(_quiet);

    /// <summary>Evidence to token, decision recorded.</summary>
    [Benchmark]
    public int AttestRecorded() => Attest(_recording);

    /// <summary>All recorded reports appraised again, on all cores.</summary>
    [Benchmark]
    public long Reverify() =>
        _vaulted.GetRequiredService<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), null, CancellationToken.None).AsTask().GetAwaiter().GetResult().Require().Examined;

    /// <summary>As many bare verifications, on all cores.</summary>
    [Benchmark]
    public int VerifyAll()
    {
        int good = 0;
        Parallel.For(0, Recorded, _ =>
        {
            if (_verifier.VerifyAsync(_bound, null, CancellationToken.None).AsTask().GetAwaiter().GetResult().Refusal is null)
            {
                Interlocked.Increment(ref good);
            }
        });
        return good;
    }

    /// <summary>The limit's first part: the report's signature.</summary>
    [Benchmark]
    public bool Verify384() => _p384.VerifyHash(_hash384, _signature);

    /// <summary>The limit's second part: the token's signature.</summary>
    [Benchmark]
    public byte[] Sign256() => _p256.SignData(_data, HashAlgorithmName.SHA256);

    private int Attest(ServiceProvider services) =>
        services.GetRequiredService<AttestationServiceCore>().AttestAsync(_inputs, [], CancellationToken.None).AsTask().GetAwaiter().GetResult().Token.Require().Compact.Length;

    private ServiceProvider Serve(IReferenceValueSource references, DecisionOptions decisions)
    {
        var services = new ServiceCollection();
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.Warning));
        services.AddSingleton<IStoreProvider>(new MemoryStoreProvider(TimeProvider.System));
        services.AddSingleton(references);
        services.AddSingleton(_verifier);
        services.AddCocoAttestation(new AttestationOptions { Decisions = decisions });
        return services.BuildServiceProvider();
    }

    private sealed class References : IReferenceValueSource
    {
        private readonly Dictionary<string, JsonElement> _values;

        public References(Dictionary<string, string> values) => _values = values.ToDictionary(v => v.Key, v => HostileJson.Parse(v.Value).Require(), StringComparer.Ordinal);

        public ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
        {
            ImmutableDictionary<string, JsonElement>.Builder found = ImmutableDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
            foreach (string name in names)
            {
                if (_values.TryGetValue(name, out JsonElement value))
                {
                    found[name] = value;
                }
            }

            return new(found.ToImmutable());
        }
    }
}
