// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli.Tests.Evidence;

/// <summary>The real binary on evidence of real hardware: what it is is told by itself, verdict and exit code are right, and nothing is fetched.</summary>
public sealed class RealEvidenceTests
{
    private const string Challenge = "6368616c6c656e6765";
    private const string Nvidia = "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb";

    private static readonly string Vectors = Environment.GetEnvironmentVariable("COCO_VECTORS") is { Length: > 0 } named
        ? named
        : Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "..", "shared", "vectors"));

    [Theory]
    [InlineData("snp evidence: genuine", "snp/genoa-v3-report.bin", "--collateral", "snp/genoa-v3-vcek.der")]
    [InlineData("snp evidence: genuine", "snp/turin-v5-report.bin", "--collateral", "snp/turin-v5-vcek.der")]
    [InlineData("snp.version", "snp/milan-v2-report.bin", "--collateral", "snp/milan-v2-vcek.der")]
    [InlineData("snp.report-signature", "snp/turin-v5-neg-signature-flipped.bin", "--collateral", "snp/turin-v5-vcek.der")]
    [InlineData("tdx evidence: genuine", "tdx/tdx-v4-uptodate.bin", "--collateral", "tdx/tdx-v4-uptodate-collateral", "--at", "2025-06-20T00:00:00Z")]
    [InlineData("note: the guest may be debugged", "tdx/tdx-v4-debug.bin", "--collateral", "tdx/tdx-v4-debug-collateral", "--at", "2023-06-20T00:00:00Z")]
    [InlineData("note: some collateral is over its time", "tdx/tdx-v4-uptodate.bin", "--collateral", "tdx/tdx-v4-uptodate-collateral", "--at", "2026-11-28T00:00:00Z")]
    [InlineData("dcap.tcb-level", "tdx/tdx-v5-svn-low.bin", "--collateral", "tdx/tdx-v5-not-supported-collateral", "--at", "2026-02-19T00:00:00Z")]
    [InlineData("dcap.collateral", "tdx/tdx-v4-uptodate.bin")]
    [InlineData("note: the TCB is ConfigurationAndSWHardeningNeeded", "sgx/sgx-icelake-v3.bin", "--collateral", "sgx/sgx-icelake-v3-collateral", "--at", "2025-06-20T00:00:00Z")]
    [InlineData("sgx evidence: genuine", "sgx/sgx-testroot-ct1/quote.dat", "--collateral", "sgx/sgx-testroot-ct1", "--trust", "sgx/sgx-testroot-ct1/trustedRootCaCert.pem")]
    [InlineData("az-snp-vtpm evidence: genuine", "az-snp-vtpm/evidence-v0.json", "--report-data", Challenge)]
    [InlineData("az-snp-vtpm evidence: genuine", "az-snp-vtpm/evidence-v1.json", "--report-data", Challenge)]
    [InlineData("az-snp-vtpm.nonce", "az-snp-vtpm/evidence-v1.json")]
    [InlineData("note: nothing says that the attestation key is a TPM's", "tpm-swtpm/00-valid-rsassa/evidence.json")]
    [InlineData("tpm.quote-signature", "tpm-swtpm/04-signature-bit-flipped/evidence.json")]
    [InlineData("csv.pek", "csv/evidence.json", "--collateral", "csv/hsk_cek.cert")]
    [InlineData("cca.trust-anchor", "cca/example-token.cbor", "--collateral", "cca/ta.json")]
    [InlineData("nvidia evidence: genuine", "nvidia/hopperAttestationReport.txt", "--collateral", "nvidia/hopper_cert_chain_case1.txt", "--report-data", Nvidia)]
    [InlineData("nvidia.report-signature", "nvidia/hopperAttestationReport-neg-measurement.txt", "--collateral", "nvidia/hopper_cert_chain_case1.txt", "--report-data", Nvidia)]
    [InlineData("note: sample evidence proves nothing", "sample/evidence.json")]
    public async Task Verify_RealEvidence_SaysWhatItIsAndExitsAccordingly(string expected, string evidence, params string[] options)
    {
        string[] arguments = ["evidence", "verify", "--offline", "--evidence", InVectors(evidence), .. options.Select(o => o.Contains('/', StringComparison.Ordinal) ? InVectors(o) : o)];

        CocoRun run = await CocoProcess.RunAsync(arguments);

        Assert.Equal(string.Empty, run.Error);
        Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        Assert.Equal(expected.StartsWith("note", StringComparison.Ordinal) || expected.EndsWith("genuine", StringComparison.Ordinal) ? 0 : 2, run.ExitCode);
    }

    [Theory]
    [InlineData("Hygon authority certificate Hrk", "csv/hrk.cert")]
    [InlineData("HSK and CEK", "csv/hsk_cek.cert")]
    [InlineData("CSV certificate", "csv/cek.cert")]
    [InlineData("CSV attestation report", "csv/report.cert")]
    [InlineData("TDREPORT", "tdx/tdreport-1.bin")]
    [InlineData("Secure Execution boot header", "se/secure_guest.hdr")]
    [InlineData("SPDM report", "nvidia/hopperAttestationReport.txt")]
    [InlineData("TCB info", "tdx/tdx-v4-uptodate-collateral/tcbinfo.json")]
    [InlineData("enclave identity", "tdx/tdx-v4-uptodate-collateral/qeidentity.json")]
    [InlineData("az-snp-vtpm evidence", "az-snp-vtpm/evidence-v0.json")]
    [InlineData("HCL report", "az-snp-vtpm/hcl-report.bin")]
    [InlineData("CCA token", "cca/cca-token-01.cbor")]
    [InlineData("event log", "eventlog/ccel-grub.bin")]
    [InlineData("TPMS_ATTEST", "tpm-swtpm/00-valid-rsassa/quote.msg")]
    [InlineData("certificate table", "snp/genoa-tsm-v3-auxblob.bin")]
    [InlineData("revocation list", "tdx/tdx-v4-uptodate-collateral/pck-crl.der")]
    public async Task Show_RealStructure_IsRecognised(string expected, string file)
    {
        CocoRun run = await CocoProcess.RunAsync(["evidence", "show", InVectors(file)]);

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.StartsWith(expected, run.Output, StringComparison.Ordinal);
    }

    private static string InVectors(string name)
    {
        Assert.SkipUnless(Directory.Exists(Vectors), "no vectors: set COCO_VECTORS");
        return Path.Combine(Vectors, name);
    }
}
