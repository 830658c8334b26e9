// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;
using Coco.Verifiers.Sample;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>The two sample TEEs; the built-in GPU policy knows no sample device, so that one comes with its own.</summary>
internal sealed class SampleLab(TeeType tee) : EvidenceLab
{
    public override IVerifier Verifier { get; } = tee == TeeType.Sample ? new SampleVerifier() : new SampleDeviceVerifier();

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["svn"] = """["1"]""",
        ["launch_digest"] = """["abcde"]""",
        ["major_version"] = "1",
        ["minimum_minor_version"] = "4",
    };

    public override (string TeeClass, string Text)? Policy => tee == TeeType.Sample ? null : ("gpu", """
        package policy
        import rego.v1
        trust_claims := {"hardware": hardware}
        default hardware := 97
        hardware := 2 if input.sampledevice.svn in query_reference_value("svn")
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence("1", ReportData));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("svn", "svn", () => Evidence("0", ReportData));
        yield return Bit(string.Empty, tee == TeeType.Sample ? "sample.report-data" : "sampledevice.report-data", () => Evidence("1", Flip(ReportData)));
    }

    public override void Dispose()
    {
    }

    private static JsonObject Evidence(string svn, byte[] reportData) => new() { ["svn"] = svn, ["report_data"] = Convert.ToBase64String(reportData) };
}
