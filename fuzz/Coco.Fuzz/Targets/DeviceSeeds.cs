// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.Cca;
using Coco.Simulator.Csv;
using Coco.Simulator.Nvidia;
using Coco.Simulator.Tpm;
using Coco.Tee.Azure;
using Coco.Tee.Nvidia;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;

namespace Coco.Fuzz.Targets;

/// <summary>Well-formed inputs by the simulated vendors, each made once.</summary>
internal static class DeviceSeeds
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Lazy<SimulatedTpm> RsaTpm = new(() => new SimulatedTpm());
    private static readonly Lazy<SimulatedTpm> EcTpm = new(() => new SimulatedTpm(TpmAlgorithm.EcDsa));
    private static readonly Lazy<SimulatedNvidia> Nvidia = new(() => new SimulatedNvidia(Now));
    private static readonly Lazy<SimulatedHygon> Hygon = new(() => new SimulatedHygon());
    private static readonly Lazy<SimulatedCca> Arm = new(() => new SimulatedCca());
    private static readonly Lazy<JsonObject> AzureEvidenceJson = new(MakeAzure);

    public static IReadOnlyList<byte[]> TpmQuotes() => [RsaTpm.Value.Quote(new byte[32]).Message.ToArray()];

    public static IReadOnlyList<byte[]> TpmSignatures() =>
        [SimulatedTpm.Marshal(RsaTpm.Value.Quote(new byte[32]).Signature), SimulatedTpm.Marshal(EcTpm.Value.Quote(new byte[32]).Signature)];

    public static IReadOnlyList<byte[]> TpmPublics() => [RsaTpm.Value.GetAkArea(), EcTpm.Value.GetAkArea()];

    public static IReadOnlyList<byte[]> TpmEvidence() => [Text(RsaTpm.Value.GetEvidence(new byte[32])), Text(EcTpm.Value.GetEvidence(new byte[32]))];

    public static IReadOnlyList<byte[]> HclReports() => [AzureEvidence.ParseSnp(JsonElement.Parse(AzureEvidenceJson.Value.ToJsonString())).Require().HclReport.ToArray()];

    public static IReadOnlyList<byte[]> Azure() => [Text(AzureEvidenceJson.Value)];

    public static IReadOnlyList<byte[]> CcaTokens() => [Arm.Value.GetToken(new byte[64])];

    public static IReadOnlyList<byte[]> CcaClaims()
    {
        Coco.Tee.Cca.CcaToken token = Coco.Tee.Cca.CcaToken.Parse(Arm.Value.GetToken(new byte[64])).Require();
        return [token.Realm.Payload.ToArray(), token.Platform.Payload.ToArray()];
    }

    public static IReadOnlyList<byte[]> HygonCertificates() => [Hygon.Value.Hsk, Hygon.Value.Cek];

    public static IReadOnlyList<byte[]> CsvReports() => [Hygon.Value.GetReport(new CsvReportFields()), Hygon.Value.GetReport(new CsvReportFields { Version = 2 })];

    public static IReadOnlyList<byte[]> CsvEvidence() => [Text(Hygon.Value.GetEvidence(new byte[64])), Text(Hygon.Value.GetDcuEvidence(new byte[64]))];

    public static IReadOnlyList<byte[]> SpdmReports() =>
        [NvidiaEvidence.ParseAll(JsonElement.Parse(Nvidia.Value.GetEvidence(new byte[32], f => f.Opaque.Add((12, new byte[16]))).ToJsonString())).Require()[0].Report.ToArray()];

    public static IReadOnlyList<byte[]> NvidiaEvidenceTexts() => [Text(Nvidia.Value.GetEvidence(new byte[32])), Text(Nvidia.Value.GetDpuEvidence(new byte[64]))];

    public static IReadOnlyList<byte[]> Manifests() => [Nvidia.Value.MakeManifest("550.90.07", new Dictionary<int, byte[][]> { [1] = [new byte[48], new byte[48]] })];

    private static byte[] Text(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static JsonObject MakeAzure()
    {
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest chip = amd.CreateGuest();
        using SimulatedAzureGuest guest = SimulatedAzureGuest.OnSnp(chip);
        return guest.GetEvidence(new byte[48]);
    }
}
