// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Tee.Tests.Snp;

public sealed class SnpEvidenceTests
{
    private static readonly Lazy<(byte[] Report, ImmutableArray<SnpCertificateEntry> Certificates)> Made = new(() =>
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Turin);
        using SimulatedSnpGuest guest = vendor.CreateGuest(new SimulatedSnpGuestOptions { ReportVersion = 5 });
        byte[] report = guest.GetReport(new byte[64], f => (f.LaunchMitigationVector, f.Policy) = (ulong.MaxValue, 0xFFFF_FFFF_FFFF_0000));
        return (report, guest.GetCertificates());
    });

    [Fact]
    public void Json_WrittenAndRead_IsTheSameReport()
    {
        var evidence = new SnpEvidence(SnpReport.Parse(Made.Value.Report).Require(), Made.Value.Certificates);

        SnpEvidence read = Parse(evidence.ToJson()).Require();

        Assert.Equal(Made.Value.Report, read.Report.Raw.ToArray());
        Assert.Equal(Made.Value.Certificates.Select(c => (c.Type, c.Id, Convert.ToHexString(c.Data.Span))), read.Certificates!.Value.Select(c => (c.Type, c.Id, Convert.ToHexString(c.Data.Span))));
    }

    [Fact]
    public void Json_NumbersAbove2To53_AreExact() => Assert.Contains("18446744073709551615", Json().ToJsonString(), StringComparison.Ordinal);

    [Fact]
    public void Json_OtherCertificateType_KeepsItsIdentifier()
    {
        JsonObject json = Json();
        json["cert_chain"] = new JsonArray(new JsonObject { ["cert_type"] = new JsonObject { ["OTHER"] = "ecae0c0f-9502-43b1-afa2-0ae2e0d565b6" }, ["data"] = new JsonArray(1, 2) });

        SnpCertificateEntry entry = Assert.Single(Parse(json).Require().Certificates!.Value);

        Assert.Equal((SnpCertificateType.Other, new Guid("ecae0c0f-9502-43b1-afa2-0ae2e0d565b6")), (entry.Type, entry.Id));
        Assert.Equal(new byte[] { 1, 2 }, entry.Data.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Json_WithoutCertificateList_HasNone(bool removed)
    {
        JsonObject json = Json();
        if (removed)
        {
            json.Remove("cert_chain");
        }
        else
        {
            json["cert_chain"] = null;
        }

        Assert.Null(Parse(json).Require().Certificates);
    }

    [Fact]
    public void Json_EmptyCertificateList_IsAList()
    {
        JsonObject json = Json();
        json["cert_chain"] = new JsonArray();

        Assert.Empty(Parse(json).Require().Certificates!.Value);
    }

    [Fact]
    public void Json_MitigationVectorsAbsent_AreZero()
    {
        JsonObject json = Json();
        json["attestation_report"]!.AsObject().Remove("launch_mit_vector");
        json["attestation_report"]!["current_mit_vector"] = null;

        Assert.Equal(0UL, Parse(json).Require().Report.LaunchMitigationVector);
    }

    [Theory]
    [InlineData("version", "\"3\"")]
    [InlineData("version", "-1")]
    [InlineData("version", "3.5")]
    [InlineData("version", "null")]
    [InlineData("policy", "18446744073709551616")]
    [InlineData("policy", "1e3")]
    [InlineData("vmpl", "4294967296")]
    [InlineData("measurement", "[1]")]
    [InlineData("measurement", "\"aa\"")]
    [InlineData("measurement", "null")]
    [InlineData("report_data", "{}")]
    [InlineData("current_tcb", "null")]
    [InlineData("current_tcb", "{\"fmc\":256,\"bootloader\":1,\"tee\":1,\"snp\":1,\"microcode\":1}")]
    [InlineData("current", "{\"major\":1,\"minor\":1}")]
    [InlineData("cpuid_fam_id", "null")]
    [InlineData("cpuid_fam_id", "300")]
    [InlineData("signature", "{\"r\":[],\"s\":[]}")]
    [InlineData("launch_mit_vector", "-1")]
    public void Json_MemberOfAnotherForm_IsMalformed(string member, string value)
    {
        JsonObject json = Json();
        json["attestation_report"]![member] = JsonNode.Parse(value);

        Assert.Equal(RefusalCode.Malformed, Parse(json).Refusal!.Code);
    }

    [Theory]
    [InlineData("256")]
    [InlineData("-1")]
    [InlineData("1.0")]
    [InlineData("1e1")]
    [InlineData("\"1\"")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("99999999999999999999")]
    public void Json_ElementThatIsNoByte_IsMalformed(string element)
    {
        string text = Json().ToJsonString();
        int at = text.IndexOf("\"measurement\":[", StringComparison.Ordinal) + "\"measurement\":[".Length;
        text = text[..at] + element + text[text.IndexOf(',', at)..];

        using JsonDocument document = JsonDocument.Parse(text);
        Assert.Equal(RefusalCode.Malformed, SnpEvidence.Parse(document.RootElement).Refusal!.Code);
    }

    [Fact]
    public void Json_ArraysWithWhiteSpace_AreRead()
    {
        string text = Json().ToJsonString(new JsonSerializerOptions { WriteIndented = true });

        using JsonDocument document = JsonDocument.Parse(text);
        Assert.Equal(Made.Value.Report, SnpEvidence.Parse(document.RootElement).Require().Report.Raw.ToArray());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("{\"attestation_report\":[]}")]
    public void Json_OfAnotherKind_IsMalformed(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);

        Assert.Equal(RefusalCode.Malformed, SnpEvidence.Parse(document.RootElement).Refusal!.Code);
        Assert.Equal(RefusalCode.Malformed, SnpEvidence.ParseLegacy(document.RootElement).Refusal!.Code);
    }

    [Fact]
    public void Json_TooManyCertificates_AreTooLarge()
    {
        JsonObject json = Json();
        json["cert_chain"] = new JsonArray([.. Enumerable.Range(0, 17).Select(_ => (JsonNode)new JsonObject { ["cert_type"] = "CRL", ["data"] = new JsonArray() })]);

        Assert.Equal(RefusalCode.TooLarge, Parse(json).Refusal!.Code);
    }

    [Fact]
    public void Json_Mutated_NeverThrows()
    {
        foreach (byte[] input in Mutations.Of(Encoding.UTF8.GetBytes(Json().ToJsonString()), seed: 2, count: 1500))
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(input);
                SnpEvidence.Parse(document.RootElement).TryGet(out _, out _);
                SnpEvidence.ParseLegacy(document.RootElement).TryGet(out _, out _);
            }
            catch (JsonException)
            {
                // Not JSON: never reaches the parser.
            }
        }
    }

    [Fact]
    public void Table_WrittenAndRead_IsTheSame()
    {
        byte[] table = SnpCertificateTable.Write(Made.Value.Certificates);

        ImmutableArray<SnpCertificateEntry> read = SnpCertificateTable.Parse(table).Require();

        Assert.Equal(Made.Value.Certificates.Select(c => (c.Type, Convert.ToHexString(c.Data.Span))), read.Select(c => (c.Type, Convert.ToHexString(c.Data.Span))));
        Assert.Equal(Made.Value.Report, SnpEvidence.FromDevice(Made.Value.Report, table).Require().Report.Raw.ToArray());
    }

    [Theory]
    [InlineData(16, 0xFFFFFFFFu)]
    [InlineData(16, 100000u)]
    [InlineData(20, 0xFFFFFFFFu)]
    [InlineData(20, 100000u)]
    [InlineData(16, 8u)]
    public void Table_EntryOutsideOrInsideTheList_IsMalformed(int at, uint value)
    {
        byte[] table = SnpCertificateTable.Write(Made.Value.Certificates);
        BitConverter.TryWriteBytes(table.AsSpan(at), value);

        Assert.Equal(RefusalCode.Malformed, SnpCertificateTable.Parse(table).Refusal!.Code);
    }

    [Fact]
    public void Table_WithoutEnd_IsMalformed() =>
        Assert.Equal(RefusalCode.Malformed, SnpCertificateTable.Parse(SnpCertificateTable.Write(Made.Value.Certificates).AsMemory(0, 72)).Refusal!.Code);

    [Fact]
    public void Table_Mutated_NeverThrows()
    {
        foreach (byte[] input in Mutations.Of(SnpCertificateTable.Write(Made.Value.Certificates), seed: 3, count: 5000))
        {
            SnpCertificateTable.Parse(input).TryGet(out _, out _);
        }
    }

    [Fact]
    public void Vek_Mutated_NeverThrows()
    {
        foreach (byte[] input in Mutations.Of(Made.Value.Certificates[0].Data.ToArray(), seed: 4, count: 5000))
        {
            if (DerCertificate.Parse(input).TryGet(out DerCertificate? certificate, out _))
            {
                SnpVek.Parse(certificate).TryGet(out _, out _);
            }
        }
    }

    private static JsonObject Json() => new SnpEvidence(SnpReport.Parse(Made.Value.Report).Require(), Made.Value.Certificates).ToJson();

    private static Result<SnpEvidence> Parse(JsonObject json)
    {
        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return SnpEvidence.Parse(document.RootElement.Clone());
    }
}
