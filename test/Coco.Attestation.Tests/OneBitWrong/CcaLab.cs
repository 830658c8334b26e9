// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Cca;
using Coco.Verifiers;
using Coco.Verifiers.Cca;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>The built-in policy knows no realm, so this one comes with its own.</summary>
internal sealed class CcaLab : EvidenceLab
{
    private static readonly byte[] Initial = SHA512.HashData("a simulated realm"u8);

    private readonly SimulatedCca _cca = new();

    public CcaLab() => Verifier = new CcaVerifier(new CcaVerifierOptions
    {
        TrustAnchors = CcaTrustAnchorStore.Parse(Encoding.UTF8.GetBytes(_cca.GetTrustAnchors().ToJsonString())).Require(),
    });

    public override IVerifier Verifier { get; }

    public override byte[]? InitData { get; } = SHA512.HashData("init-data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["rim"] = $"[\"{Convert.ToBase64String(Initial)}\"]",
        ["rem"] = $"[\"{Convert.ToBase64String(new byte[64])}\"]",
        ["hash"] = "\"sha-512\"",
    };

    public override (string TeeClass, string Text)? Policy => ("cpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "configuration": configuration}
        default executables := 33
        default configuration := 36
        realm := input.cca.realm
        executables := 3 if {
          realm["cca-realm-initial-measurement"] in query_reference_value("rim")
          every one in realm["cca-realm-extensible-measurements"] { one in query_reference_value("rem") }
        }
        configuration := 2 if realm["cca-realm-hash-algo-id"] == query_reference_value("hash")
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_ => { }));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("cca-realm-initial-measurement", "rim", () => Evidence(f => f.InitialMeasurement![63] ^= 1));
        yield return Bit("cca-realm-extensible-measurements[2]", "rem", () => Evidence(f => f.ExtensibleMeasurements[2][0] ^= 1));
        yield return Bit("cca-realm-hash-algo-id", "hash", () => Evidence(f => f.HashAlgorithm = "sha-256"));
        yield return Bit(string.Empty, "cca.report-data", () => Evidence(f => f.Challenge![0] ^= 1));
        yield return Bit(string.Empty, "cca.init-data", () => Evidence(f => f.PersonalizationValue![0] ^= 1));
        yield return Bit(string.Empty, "cca.", () => Evidence(f => f.InstanceId = Flip(f.InstanceId, 20)));
    }

    public override void Dispose() => _cca.Dispose();

    private JsonObject Evidence(Action<CcaTokenFields> change) => _cca.GetEvidence(ReportData, f =>
    {
        f.PersonalizationValue = [.. InitData!];
        change(f);
    });
}
