// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coco.Protocol;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.Tpm;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Snp;
using Coco.Verifiers.Tpm;

namespace Coco.Benchmarks;

/// <summary>
/// Verification of an Azure guest that was seen before, against the two signatures that each evidence brings: the vTPM's quote (RSA, 2048 bits)
/// and the SNP report (P-384). And a plain TPM's quote, whose key comes with each evidence, against one RSA verification.
/// </summary>
public class AzureBenchmarks : IFigures
{
    private const int Batch = 64;

    private readonly byte[] _hash = SHA384.HashData("coco"u8);
    private readonly ECDsa _p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly RSA _rsa = RSA.Create(2048);
    private byte[] _ecSignature = [];
    private byte[] _rsaSignature = [];
    private byte[] _spki = [];
    private IVerifier _azure = null!;
    private IVerifier _tpm = null!;
    private BoundEvidence _azureEvidence = null!;
    private BoundEvidence _tpmEvidence = null!;

    /// <inheritdoc/>
    public static string Group => "verify";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("az-snp-vtpm-verify", run.PerSecond(nameof(AzureVerify)), "per-second", run.PerSecond(nameof(BothSignatures)));
        yield return new Figure("az-snp-vtpm-verify-two-cores", run.PerSecond(nameof(AzureVerifyOnTwoCores)), "per-second", 2 * run.PerSecond(nameof(AzureVerify)));
        yield return new Figure("az-snp-vtpm-verify-allocated", run.Bytes(nameof(AzureVerify)), "bytes", 128 * 1024);
        yield return new Figure("tpm-verify", run.PerSecond(nameof(TpmVerify)), "per-second", run.PerSecond(nameof(ImportAndRsaSignature)));
        yield return new Figure("tpm-verify-allocated", run.Bytes(nameof(TpmVerify)), "bytes", 128 * 1024);
    }

    /// <summary>Makes a guest and a TPM, and lets the verifiers see them.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _ecSignature = _p384.SignHash(_hash);
        _rsaSignature = _rsa.SignHash(SHA256.HashData(_hash), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        _spki = _rsa.ExportSubjectPublicKeyInfo();
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest chip = vendor.CreateGuest();
        using SimulatedAzureGuest guest = SimulatedAzureGuest.OnSnp(chip);
        using var tpm = new SimulatedTpm();
        byte[] nonce = SHA384.HashData("nonce"u8);
        _azure = new AzSnpVtpmVerifier(new SnpVerifier(new SnpVerifierOptions
        {
            SimulatedRoots = [AmdTrustAnchor.Simulated(vendor.Generation, vendor.Ark, vendor.Ask, vendor.Asvk).Require()],
        }));
        _tpm = new TpmVerifier(new TpmVerifierOptions());
        _azureEvidence = Bind(TeeType.AzSnpVtpm, guest.GetEvidence(nonce).ToJsonString(), nonce);
        _tpmEvidence = Bind(TeeType.Tpm, tpm.GetEvidence(nonce).ToJsonString(), nonce);
        AzureVerify();
        TpmVerify();
    }

    /// <summary>One whole verification of an Azure guest, from evidence JSON to claims.</summary>
    [Benchmark]
    public int AzureVerify() => Verify(_azure, _azureEvidence);

    /// <summary>The same on two threads.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public int AzureVerifyOnTwoCores()
    {
        int all = 0;
        Parallel.For(0, Batch, new ParallelOptions { MaxDegreeOfParallelism = 2 }, _ => Interlocked.Add(ref all, Verify(_azure, _azureEvidence)));
        return all;
    }

    /// <summary>One whole verification of a TPM's quote, from evidence JSON to claims.</summary>
    [Benchmark]
    public int TpmVerify() => Verify(_tpm, _tpmEvidence);

    /// <summary>The limit of an Azure guest: both signatures, with keys at hand.</summary>
    [Benchmark]
    public bool BothSignatures() => _rsa.VerifyHash(SHA256.HashData(_hash), _rsaSignature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) && _p384.VerifyHash(_hash, _ecSignature);

    /// <summary>The limit of a plain TPM: the key that came, and its signature.</summary>
    [Benchmark]
    public bool ImportAndRsaSignature()
    {
        using RSA key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(_spki, out _);
        return key.VerifyHash(SHA256.HashData(_hash), _rsaSignature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    private static int Verify(IVerifier verifier, BoundEvidence evidence) =>
        verifier.VerifyAsync(evidence, null, CancellationToken.None).AsTask().GetAwaiter().GetResult().Require().Length;

    private static BoundEvidence Bind(TeeType tee, string json, byte[] nonce) =>
        new(new Evidence(tee, JsonElement.Parse(json)), Binding.ToDigest(nonce), Binding.NotChecked);
}
