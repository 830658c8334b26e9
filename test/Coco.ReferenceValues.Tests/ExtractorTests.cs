// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;

namespace Coco.ReferenceValues.Tests;

/// <summary>The formats of provenance.</summary>
public sealed class ExtractorTests
{
    private const string SwidHead =
        """<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" xmlns:rim="https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/" xmlns:h="http://www.w3.org/2001/04/xmlenc#sha384">""";

    [Fact]
    public async Task Swid_Measurements_AreNamedByManufacturerEditionAndIndex()
    {
        var test = new TestService();
        string zero = new('0', 96), one = new('1', 96), two = new('2', 96);
        string xml = $"""
            {SwidHead}<Meta edition="r-535" rim:PlatformManufacturerStr="NV IDIA"/><Payload>
            <Resource type="Measurement" index="7" h:Hash0="{one}" h:Hash1="{zero}" h:Hash2="{two}" h:Hash4="{one}"/>
            <Resource type="Measurement" index="8" h:Hash0="{zero}"/><Resource type="Other"/></Payload></SoftwareIdentity>
            """;

        Assert.Null(await test.RegisterAsync("swid", TestService.Base64(xml)));

        Assert.Equal($"""["{one}","{two}"]""", await test.QueryAsync("NV_IDIA.r_535.measurement_7"));
        Assert.Single(await test.ListAsync());
    }

    [Theory]
    [InlineData("<a/>")]
    [InlineData("not xml")]
    [InlineData("""<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>""")]
    public async Task Swid_Bad_IsRefused(string xml) =>
        Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync("swid", TestService.Base64(xml)))?.Code);

    [Fact]
    public async Task Swid_MeasurementWithoutIndex_IsRefused()
    {
        string xml = $"""{SwidHead}<Meta edition="1" rim:PlatformManufacturerStr="a"/><Payload><Resource type="Measurement" h:Hash0="11"/></Payload></SoftwareIdentity>""";

        Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync("swid", TestService.Base64(xml)))?.Code);
    }

    [Fact]
    public async Task Corim_Unsigned_GivesDigestsAndRawValues()
    {
        var test = new TestService();

        Assert.Null(await test.RegisterAsync("corim", Convert.ToBase64String([0xd9, 0x01, 0xf4, .. Corim()])));

        Assert.Equal("""["0102","0304"]""", await test.QueryAsync("vendor/model/claim3/bios/digests"));
        Assert.Equal("\"beef\"", await test.QueryAsync("vendor/model/claim3/bios/raw_bytes"));
    }

    [Fact]
    public async Task Corim_SignedByTrusted_IsTakenAndCountsAsSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string identity = ReferenceValuePublisher.KeyIdentity(key.ExportSubjectPublicKeyInfo());
        var test = new TestService(new ReferenceValuesOptions
        {
            TrustedSigners = [key.ExportSubjectPublicKeyInfoPem()],
            PublicationRules = [new PublicationRule("vendor/", [identity])],
        });

        Assert.Null(await test.RegisterAsync("corim", Convert.ToBase64String(Sign(Corim(), key))));
        Assert.Equal("""["0102","0304"]""", await test.QueryAsync("vendor/model/claim3/bios/digests"));
    }

    [Fact]
    public async Task Corim_SignedByStrangerOrChangedOrUnsigned_IsRefusedWhereSignersAreConfigured()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var test = new TestService(new ReferenceValuesOptions { TrustedSigners = [key.ExportSubjectPublicKeyInfoPem()] });
        byte[] changed = Sign(Corim(), key);
        changed[changed.AsSpan().IndexOf("vendor"u8)] ^= 1;

        Assert.Equal(RefusalCode.BadSignature, (await test.RegisterAsync("corim", Convert.ToBase64String(Sign(Corim(), stranger))))?.Code);
        Assert.Equal(RefusalCode.BadSignature, (await test.RegisterAsync("corim", Convert.ToBase64String(changed)))?.Code);
        Assert.Equal(RefusalCode.BadSignature, (await test.RegisterAsync("corim", Convert.ToBase64String(Corim())))?.Code);
        Assert.Empty(await test.ListAsync());
    }

    [Fact]
    public async Task Corim_SignedWithoutAnchorOrCertificate_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);

        Assert.Equal(RefusalCode.Untrusted, (await new TestService().RegisterAsync("corim", Convert.ToBase64String(Sign(Corim(), key))))?.Code);
    }

    [Theory]
    [InlineData(new byte[] { 0xa0 })]
    [InlineData(new byte[] { 0x82, 0x01 })]
    [InlineData(new byte[] { 0xd9, 0x01, 0xf4 })]
    public async Task Corim_Bad_IsRefused(byte[] bytes) =>
        Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync("corim", Convert.ToBase64String(bytes)))?.Code);

    [Fact]
    public async Task Corim_DeeplyNested_IsRefused()
    {
        byte[] deep = [.. Enumerable.Repeat((byte)0x81, 100_000), 0x01];

        Assert.Equal(RefusalCode.TooLarge, (await new TestService().RegisterAsync("corim", Convert.ToBase64String(deep)))?.Code);
    }

    [Fact]
    public async Task Slsa_Subjects_BecomeDigestLists()
    {
        var test = new TestService();
        const string Statement = """
            {"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
             "subject":[{"name":"image","digest":{"sha256":"aa","sha384":"bb"}}],"predicate":{"materials":[{"digest":{"sha1":"cafe"}}]}}
            """;
        string payload = $$"""{"artifact_type":"image","artifacts_download_url":[],"slsa_provenance":["{{TestService.Base64(Statement)}}"]}""";

        Assert.Null(await test.RegisterAsync("slsa", TestService.Base64(payload)));

        Assert.Equal("""["aa","bb"]""", await test.QueryAsync("image"));
        Assert.Contains("\"artifact_version\":\"cafe\"", await test.StoredAsync("image"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"_type":"https://in-toto.io/Statement/v9","subject":[{"name":"a","digest":{"sha256":"aa"}}]}""", RefusalCode.Unsupported)]
    [InlineData("""{"predicateType":"https://example.org/other","subject":[{"name":"a","digest":{"sha256":"aa"}}]}""", RefusalCode.Unsupported)]
    [InlineData("""{"subject":[]}""", RefusalCode.Malformed)]
    [InlineData("""{"subject":[{"name":"a","digest":{}}]}""", RefusalCode.Malformed)]
    public async Task Slsa_BadStatement_IsRefused(string statement, RefusalCode expected)
    {
        string payload = """{"artifact_type":"image","artifacts_download_url":[],"slsa_provenance":[""" + statement + "]}";

        Assert.Equal(expected, (await new TestService().RegisterAsync("slsa", payload))?.Code);
    }

    [Fact]
    public async Task ReproducibleBuild_WithoutBuilder_IsRefused() =>
        Assert.Equal(
            RefusalCode.Forbidden,
            (await new TestService().RegisterAsync("reproducible-build", TestService.Base64("""{"buildspec_uri":"https://example.org/x"}""")))?.Code);

    [Fact]
    public async Task ReproducibleBuild_Outputs_BecomeDigests()
    {
        string builder = Path.Combine(Directory.CreateTempSubdirectory("coco-builder-").FullName, "builder");
        await File.WriteAllTextAsync(builder, "#!/bin/sh\nmkdir -p \"$2/out\" && printf abc > \"$2/out/kernel\"\n");
        File.SetUnixFileMode(builder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var test = new TestService(new ReferenceValuesOptions { ReproducibleBuilder = builder });

        Assert.Null(await test.RegisterAsync("reproducible-build", TestService.Base64("""{"buildspec_uri":"https://example.org/x"}""")));

        Assert.Equal($"""["{Convert.ToHexStringLower(SHA256.HashData("abc"u8))}"]""", await test.QueryAsync("kernel"));
    }

    [Fact]
    public async Task List_ReleaseManifest_AddsAndRefreshes()
    {
        string directory = Directory.CreateTempSubdirectory("coco-material-").FullName;
        var test = new TestService(new ReferenceValuesOptions { MaterialDirectory = directory });
        async Task<Refusal?> SetAsync(char digit, string operation)
        {
            await File.WriteAllTextAsync(
                Path.Combine(directory, "manifest.json"),
                """{"schemaVersion":1,"measurements":{"guest":{"algorithm":"sha256","value":"VALUE"}}}""".Replace("VALUE", new string(digit, 64), StringComparison.Ordinal));
            return await test.Service.SetListAsync(
                $$"""{"rv_list":[{"id":"guest","version":"1","type":"image","provenance_info":{"type":"rv-release-manifest","rekor_url":""},"provenance_source":{"protocol":"file","uri":"manifest.json"},"operation_type":"{{operation}}"}]}""",
                ReferenceValuePublisher.Anonymous,
                CancellationToken.None);
        }

        Assert.Null(await SetAsync('a', "add"));
        Assert.Null(await SetAsync('b', "Add"));
        Assert.Equal($"""["{new string('a', 64)}","{new string('b', 64)}"]""", await test.QueryAsync("guest"));
        Assert.Null(await SetAsync('c', "refresh"));
        Assert.Equal($"""["{new string('c', 64)}"]""", await test.QueryAsync("guest"));
        Assert.Equal(RefusalCode.Malformed, (await SetAsync('G', "add"))?.Code);
    }

    [Theory]
    [InlineData("../secret.json")]
    [InlineData("/etc/passwd")]
    public async Task List_FileOutsideTheDirectory_IsRefused(string uri)
    {
        var test = new TestService(new ReferenceValuesOptions { MaterialDirectory = Directory.CreateTempSubdirectory("coco-material-").FullName });

        Refusal? why = await test.Service.SetListAsync(
            $$"""{"rv_list":[{"id":"guest","version":"1","type":"image","provenance_info":{"type":"rv-release-manifest","rekor_url":""},"provenance_source":{"protocol":"file","uri":"{{uri}}"},"operation_type":"add"}]}""",
            ReferenceValuePublisher.Anonymous,
            CancellationToken.None);

        Assert.Equal(RefusalCode.NotFound, why?.Code);
    }

    private static byte[] Corim() => TestCorim.Make(
        c =>
        {
            c.WriteStartMap(2);
            c.WriteInt32(1);
            c.WriteTextString("vendor");
            c.WriteInt32(2);
            c.WriteTextString("model");
            c.WriteEndMap();
        },
        c => TestCorim.Array(c, () =>
        {
            c.WriteStartMap(2);
            c.WriteInt32(0);
            c.WriteInt32(3);
            c.WriteInt32(1);
            c.WriteStartMap(3);
            c.WriteInt32(2);
            TestCorim.Digests(c, [1, 2], [3, 4]);
            c.WriteInt32(4);
            c.WriteTag((CborTag)560);
            c.WriteByteString([0xbe, 0xef]);
            c.WriteInt32(11);
            c.WriteTextString("bios");
            c.WriteEndMap();
            c.WriteEndMap();
        }));

    private static byte[] Sign(byte[] payload, ECDsa key)
    {
        byte[] head = [0xa1, 0x01, 0x38, 0x22];
        var signed = new CborWriter();
        signed.WriteStartArray(4);
        signed.WriteTextString("Signature1");
        signed.WriteByteString(head);
        signed.WriteByteString([]);
        signed.WriteByteString(payload);
        signed.WriteEndArray();
        var message = new CborWriter();
        message.WriteTag((CborTag)502);
        message.WriteTag((CborTag)18);
        message.WriteStartArray(4);
        message.WriteByteString(head);
        message.WriteStartMap(0);
        message.WriteEndMap();
        message.WriteByteString(payload);
        message.WriteByteString(key.SignData(signed.Encode(), HashAlgorithmName.SHA384));
        message.WriteEndArray();
        return message.Encode();
    }
}
