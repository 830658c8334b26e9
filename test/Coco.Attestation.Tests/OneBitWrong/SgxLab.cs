// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Simulator.Intel;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>The built-in policy knows no SGX enclave, so this one comes with its own.</summary>
internal sealed class SgxLab : EvidenceLab
{
    private const int Body = 48;

    private readonly IntelBench _intel = new(Now, isTdx: false);

    public SgxLab() => Verifier = new SgxVerifier(_intel.Dcap);

    public override IVerifier Verifier { get; }

    public override byte[]? InitData { get; } = [.. Enumerable.Repeat((byte)7, 64)];

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["mr_enclave"] = Quoted(new byte[32]),
        ["mr_signer"] = Quoted(new byte[32]),
        ["isv_prod_id"] = Quoted(new byte[2]),
        ["isv_svn"] = Quoted(new byte[2]),
        ["attributes"] = """["0500000000000000"]""",
    };

    public override (string TeeClass, string Text)? Policy => ("cpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "hardware": hardware, "configuration": configuration}
        default executables := 33
        default hardware := 97
        default configuration := 36
        executables := 3 if {
          input.sgx.body.mr_enclave in query_reference_value("mr_enclave")
          input.sgx.body.mr_signer in query_reference_value("mr_signer")
          input.sgx.body.isv_prod_id in query_reference_value("isv_prod_id")
          input.sgx.body.isv_svn in query_reference_value("isv_svn")
        }
        hardware := 2 if {
          input.sgx.tcb_status == "UpToDate"
          input.sgx.collateral_expiration_status == "0"
        }
        configuration := 2 if input.sgx.body["attributes.flags"] in query_reference_value("attributes")
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_intel.Platform));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("mr_enclave", "mr_enclave", () => Evidence(_intel.Platform, 64));
        yield return Bit("mr_signer", "mr_signer", () => Evidence(_intel.Platform, 128 + 31));
        yield return Bit("isv_prod_id", "isv_prod_id", () => Evidence(_intel.Platform, 256));
        yield return Bit("isv_svn", "isv_svn", () => Evidence(_intel.Platform, 259));
        yield return Bit("attributes.flags", "attributes", () => Evidence(_intel.Platform, 48, 1));
        yield return Bit("tcb_status", "UpToDate", () => Evidence(_intel.OlderPlatform));
        yield return Bit(string.Empty, "sgx.report-data", () => Evidence(_intel.Platform, 320 + 47));
        yield return Bit(string.Empty, "sgx.init-data", () => Evidence(_intel.Platform, 192));
        yield return Bit("collateral_expiration_status", "\"0\"", () =>
        {
            _intel.Clock.Advance(TimeSpan.FromDays(40));
            return Evidence(_intel.Platform);
        });
    }

    public override void Dispose() => _intel.Dispose();

    private JsonObject Evidence(SimulatedPlatform platform, int? at = null, int bit = 0) => platform.GetSgxEvidence(new SimulatedQuoteOptions
    {
        Version = 3,
        IsTrustDomain = false,
        ReportData = ReportData,
        ConfigId = InitData!,
        ChangeSigned = q => q[Body + (at ?? 0)] ^= (byte)(at is null ? 0 : 1 << bit),
    });
}
