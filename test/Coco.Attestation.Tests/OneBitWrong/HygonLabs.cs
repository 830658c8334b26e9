// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.ShangMi;
using Coco.Simulator.Csv;
using Coco.Tee.Csv;
using Coco.Verifiers;
using Coco.Verifiers.Csv;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>The built-in policy knows no CSV guest, so this one comes with its own.</summary>
internal sealed class CsvLab : EvidenceLab
{
    private static readonly byte[] Measure = Sm3.HashData("a simulated guest"u8);

    private readonly SimulatedHygon _hygon = new();

    public CsvLab() => Verifier = new CsvVerifier(HygonTrust.Of(_hygon));

    public override IVerifier Verifier { get; }

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["measure"] = Quoted(Measure),
        ["vm_version"] = Quoted([2, .. new byte[15]]),
        ["rtmr1"] = Quoted(new byte[32]),
        ["rtmr2"] = Quoted(new byte[32]),
        ["api_minor"] = "3",
    };

    public override (string TeeClass, string Text)? Policy => ("cpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "configuration": configuration}
        default executables := 33
        default configuration := 36
        executables := 3 if {
          input.csv.measure in query_reference_value("measure")
          input.csv.vm_version in query_reference_value("vm_version")
          every register in ["rtmr1", "rtmr2"] { input.csv[register] in query_reference_value(register) }
        }
        configuration := 2 if {
          input.csv.policy.nodbg == 1
          input.csv.policy.noks == 1
          input.csv.policy.api_minor >= query_reference_value("api_minor")
        }
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_ => { }));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("measure", "measure", () => Evidence(f => f.Measure[31] ^= 1));
        yield return Bit("rtmr1", "rtmr1", () => Evidence(f => f.Rtmrs[1][0] ^= 1));
        yield return Bit("rtmr2", "rtmr2", () => Evidence(f => f.Rtmrs[2][31] ^= 1));
        yield return Bit("nodbg", "nodbg == 1", () => Evidence(f => f.Policy ^= 1));
        yield return Bit("noks", "noks == 1", () => Evidence(f => f.Policy ^= 2));
        yield return Bit("api_minor", "api_minor", () => Evidence(f => f.Policy ^= 0x0100_0000));
        yield return Bit(string.Empty, "csv.report-data", () => Evidence(f => f.ReportData = Flip(f.ReportData)));
        yield return Bit(string.Empty, "csv.report-signature", () => Evidence(f => f.AfterSigning = raw => raw[0x90] ^= 1));
    }

    public override void Dispose()
    {
    }

    private JsonObject Evidence(Action<CsvReportFields> change) => _hygon.GetEvidence(ReportData, f =>
    {
        f.Version = 2;
        f.Measure = [.. Measure];
        change(f);
    });
}

/// <summary>There is no built-in policy of this class.</summary>
internal sealed class DcuLab : EvidenceLab
{
    private readonly SimulatedHygon _hygon = new();

    public DcuLab() => Verifier = new DcuVerifier(HygonTrust.Of(_hygon));

    public override IVerifier Verifier { get; }

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["dcu_measure"] = Quoted(Sm3.HashData("a simulated unit"u8)),
        ["dcu_version"] = "1",
    };

    public override (string TeeClass, string Text)? Policy => ("dcu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "hardware": hardware}
        default executables := 33
        default hardware := 97
        executables := 3 if input.hygondcu.body.measure in query_reference_value("dcu_measure")
        hardware := 2 if input.hygondcu.body.version == query_reference_value("dcu_version")
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(_hygon.GetDcuEvidence(ReportData));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("measure", "dcu_measure", () => _hygon.GetDcuEvidence(ReportData, b => b[84] ^= 1));
        yield return Bit("version", "dcu_version", () => _hygon.GetDcuEvidence(ReportData, b => b[0] ^= 2));
        yield return Bit(string.Empty, "hygondcu.report-data", () => _hygon.GetDcuEvidence(ReportData, b => b[20] ^= 1));
        yield return Bit(string.Empty, "hygondcu.report-signature", () => _hygon.GetDcuEvidence(ReportData, null, b => b[84] ^= 1));
    }

    public override void Dispose()
    {
    }
}

/// <summary>Trust in a simulated Hygon, with its certificates for every chip.</summary>
internal sealed class HygonTrust(byte[] chain) : ICollateralProvider
{
    public static CsvVerifierOptions Of(SimulatedHygon hygon) => new()
    {
        Roots = [HygonRoot.Simulated(HygonCaCertificate.Parse(hygon.Hrk).Require())],
        Collateral = new HygonTrust(hygon.HskCek),
    };

    public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) => new(new CollateralItem(chain));
}
