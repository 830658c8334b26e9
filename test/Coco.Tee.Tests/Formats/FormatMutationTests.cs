// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.Cca;
using Coco.Simulator.Csv;
using Coco.Simulator.Nvidia;
using Coco.Simulator.SecureExecution;
using Coco.Simulator.Tpm;
using Coco.Tee.Azure;
using Coco.Tee.Cca;
using Coco.Tee.Csv;
using Coco.Tee.Nvidia;
using Coco.Tee.SecureExecution;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;

namespace Coco.Tee.Tests.Formats;

/// <summary>Seeded mutations of every format: a parser answers with a value or a refusal, and never throws.</summary>
public sealed class FormatMutationTests
{
    private const int Count = 4000;
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Tpm_MutatedStructures_AreValuesOrRefusals(int seed)
    {
        using var tpm = new SimulatedTpm(TpmAlgorithm.EcDsa);
        TpmQuoteEvidence quote = tpm.Quote(new byte[32]);

        Run(quote.Message.ToArray(), seed, b => TpmQuote.Parse(b).Refusal);
        Run(SimulatedTpm.Marshal(quote.Signature), seed, b => TpmSignature.Parse(b).Refusal);
        Run(tpm.GetAkArea(), seed, b => TpmPublic.Parse(b).Refusal);
        RunJson(tpm.GetEvidence(new byte[32]), seed, j => TpmEvidence.Parse(j).Refusal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Azure_MutatedReports_AreValuesOrRefusals(int seed)
    {
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest chip = amd.CreateGuest();
        using SimulatedAzureGuest guest = SimulatedAzureGuest.OnSnp(chip);
        JsonObject evidence = guest.GetEvidence(new byte[48]);
        byte[] report = AzureEvidence.ParseSnp(Element(evidence)).Require().HclReport.ToArray();

        Run(report, seed, b => HclReport.Parse(b).Refusal);
        Run(report[1200..], seed, b => HclReport.Parse((byte[])[.. report.AsSpan(0, 1200), .. b]).Refusal);
        RunJson(evidence, seed, j => AzureEvidence.ParseSnp(j).Refusal);
        RunJson(guest.GetEvidence(new byte[48], version: 0), seed, j => AzureEvidence.ParseSnp(j).Refusal, 300);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Cca_MutatedTokens_AreValuesOrRefusals(int seed)
    {
        using var cca = new SimulatedCca();
        byte[] token = cca.GetToken(new byte[64]);
        CcaToken parsed = CcaToken.Parse(token).Require();

        Run(token, seed, b => CcaToken.Parse(b).Refusal);
        Run(parsed.Realm.Payload.ToArray(), seed, b => CcaRealmClaims.Parse(b).Refusal);
        Run(parsed.Platform.Payload.ToArray(), seed, b => CcaPlatformClaims.Parse(b).Refusal);
        Run([0xA4, 1, 2, 0x20, 1, 0x21, 0x58, 0x20, .. new byte[32], 0x22, 0x58, 0x20, .. new byte[32]], seed, b => CoseKey.Parse(b).Refusal);
    }

    [Fact]
    public void Cca_NestedTooDeeply_IsRefused()
    {
        byte[] deep = [0xA1, 0x18, 99, .. Enumerable.Repeat((byte)0x81, 5000), 0];
        byte[] tags = [0xA1, 0x18, 99, .. Enumerable.Repeat((byte)0xC6, 5000), 0];

        Assert.NotNull(CcaRealmClaims.Parse(deep).Refusal);
        Assert.NotNull(CcaRealmClaims.Parse(tags).Refusal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Csv_MutatedStructures_AreValuesOrRefusals(int seed)
    {
        var hygon = new SimulatedHygon();

        Run(hygon.Hsk, seed, b => HygonCaCertificate.Parse(b).Refusal, fixedLength: true);
        Run(hygon.Cek, seed, b => CsvCertificate.Parse(b).Refusal, fixedLength: true);
        Run(hygon.GetReport(new CsvReportFields()), seed, b => CsvReport.Parse(b, 1).TryGet(out CsvReport? r, out Refusal? why) ? Touch(r) : why);
        Run(hygon.GetReport(new CsvReportFields { Version = 2 }), seed, b => CsvReport.Parse(b, 2).TryGet(out CsvReport? r, out Refusal? why) ? Touch(r) : why);
        RunJson(hygon.GetEvidence(new byte[64]), seed, j => CsvEvidence.Parse(j).Refusal, 200);
        RunJson(hygon.GetDcuEvidence(new byte[64]), seed, j => DcuReport.ParseEvidence(j).Refusal, 500);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SecureExecution_MutatedStructures_AreValuesOrRefusals(int seed)
    {
        var evidence = new JsonObject
        {
            ["measurement"] = Convert.ToBase64String(new byte[64]),
            ["additional_data"] = Convert.ToBase64String(new byte[64]),
            ["user_data"] = Convert.ToBase64String(new byte[64]),
            ["cuid"] = Convert.ToBase64String(new byte[16]),
            ["encr_measurement_key"] = Convert.ToBase64String(new byte[256]),
            ["encr_request_nonce"] = Convert.ToBase64String(new byte[256]),
            ["image_hdr_tags"] = Convert.ToBase64String(new byte[208]),
        };

        Run(SimulatedSeHost.MakeImageHeader(), seed, b => SeImageHeader.Parse(b).Refusal);
        RunJson(evidence, seed, j => SeEvidence.Parse(j).Refusal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Nvidia_MutatedReports_AreValuesOrRefusals(int seed)
    {
        using var vendor = new SimulatedNvidia(Now);
        JsonObject evidence = vendor.GetEvidence(new byte[32], f => f.Opaque.Add((12, new byte[16])));
        NvidiaEvidence device = NvidiaEvidence.ParseAll(Element(evidence)).Require()[0];
        byte[] tcbInfo = DerCertificate.Parse(vendor.DeviceCertificate).Require().FindExtension(DpuEvidence.TcbInfoOid)!.Value.ToArray();

        Run(device.Report.ToArray(), seed, b => SpdmReport.Parse(b).TryGet(out SpdmReport? r, out Refusal? why) ? Touch(r) : why);
        Run(tcbInfo, seed, b => DpuEvidence.ReadLayers(b).Refusal);
        RunJson(evidence, seed, j => NvidiaEvidence.ParseAll(j).Refusal);
        RunJson(vendor.GetDpuEvidence(new byte[64]), seed, j => DpuEvidence.Parse(j).Refusal);
    }

    private static JsonElement Element(JsonNode json) => JsonElement.Parse(json.ToJsonString());

    private static Refusal? Touch(CsvReport report)
    {
        _ = report.HasIntactSigner();
        _ = report.ReadSerialNumber();
        _ = report.Policy + report.RtmrVersion + report.AnonceOrBuild;
        return report.ReadPek().Refusal;
    }

    private static Refusal? Touch(SpdmReport report)
    {
        _ = report.Opaque.ToConfig().ToJsonString();
        return null;
    }

    private static void Run(byte[] input, int seed, Func<byte[], Refusal?> parse, bool fixedLength = false)
    {
        int refused = 0, accepted = 0;
        foreach (byte[] mutated in Mutations.Of(input, seed, Count))
        {
            byte[] bytes = mutated;
            if (fixedLength)
            {
                bytes = [.. input];
                mutated.AsSpan(0, Math.Min(mutated.Length, bytes.Length)).CopyTo(bytes);
            }

            if (parse(bytes) is { } refusal)
            {
                Assert.NotEmpty(refusal.Detail);
                refused++;
            }
            else
            {
                accepted++;
            }
        }

        Assert.Null(parse(input));
        Assert.Equal(Count, refused + accepted);
        Assert.True(refused > 0, "no mutation was refused");
    }

    private static void RunJson(JsonNode json, int seed, Func<JsonElement, Refusal?> parse, int count = 1500)
    {
        byte[] text = Encoding.UTF8.GetBytes(json.ToJsonString());
        Assert.Null(parse(Element(json)));
        foreach (byte[] mutated in Mutations.Of(text, seed, count))
        {
            if (HostileJson.Parse(mutated, 8 << 20).TryGet(out JsonElement element, out _))
            {
                _ = parse(element);
            }
        }

        // Members of the wrong kind, at every place.
        foreach (JsonNode? wrong in (JsonNode?[])[null, JsonValue.Create(-1), JsonValue.Create("x"), new JsonArray(), new JsonObject(), JsonValue.Create(true)])
        {
            foreach (string path in Paths(json))
            {
                JsonNode copy = json.DeepClone();
                Replace(copy, path, wrong?.DeepClone());
                _ = parse(Element(copy));
            }
        }
    }

    private static List<string> Paths(JsonNode json)
    {
        var paths = new List<string>();
        void Walk(JsonNode? node, string path)
        {
            if (node is JsonObject o)
            {
                foreach ((string name, JsonNode? child) in o)
                {
                    paths.Add(path + "/" + name);
                    Walk(child, path + "/" + name);
                }
            }
            else if (node is JsonArray { Count: > 0 } a)
            {
                paths.Add(path + "/0");
                Walk(a[0], path + "/0");
            }
        }

        Walk(json, string.Empty);
        return paths;
    }

    private static void Replace(JsonNode root, string path, JsonNode? value)
    {
        string[] parts = path[1..].Split('/');
        JsonNode at = root;
        foreach (string part in parts[..^1])
        {
            at = at is JsonArray list ? list[int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)]! : at[part]!;
        }

        if (at is JsonArray array)
        {
            array[0] = value;
        }
        else
        {
            at[parts[^1]] = value;
        }
    }
}
