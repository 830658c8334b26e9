// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.ReferenceValues.InToto;

namespace Coco.ReferenceValues.Tests;

/// <summary>
/// Provenance that is meant to do harm: huge, nested, cyclic, with names that climb. Each is refused with a reason or costs no more than its size, and
/// what was registered before is untouched. Sizes are such that work that grows with the square of the input would not end.
/// </summary>
public sealed class HostileProvenanceTests
{
    private const string SwidHead =
        """<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" xmlns:rim="https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/" xmlns:h="http://www.w3.org/2001/04/xmlenc#sha384">""";

    private static readonly string[] Climbing = ["..", "../up", "a/../../b", "/../x", "a\\..\\b", "./a"];

    public static TheoryData<string, string> ClimbingNames()
    {
        var data = new TheoryData<string, string>();
        foreach (string type in (string[])["sample", "swid", "corim", "slsa", "in-toto"])
        {
            foreach (string name in Climbing)
            {
                data.Add(type, name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(ClimbingNames))]
    public async Task Register_ClimbingName_IsRefusedAndTheRestUnharmed(string type, string name)
    {
        var test = new TestService();
        Assert.Null(await test.RegisterAsync("sample", TestService.Base64("""{"kept":["1"]}""")));

        Refusal? why = await test.RegisterAsync(type, Payload(type, name));

        Assert.Equal(RefusalCode.Malformed, why?.Code);
        Assert.Equal("kept", Assert.Single(await test.ListAsync()).Name);
    }

    [Theory]
    [InlineData("sample")]
    [InlineData("swid")]
    [InlineData("corim")]
    [InlineData("slsa")]
    [InlineData("in-toto")]
    public async Task Register_HugeName_IsRefused(string type) =>
        Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync(type, Payload(type, new string('n', 300_000))))?.Code);

    [Theory]
    [InlineData("sample")]
    [InlineData("swid")]
    [InlineData("corim")]
    [InlineData("slsa")]
    [InlineData("in-toto")]
    [InlineData("reproducible-build")]
    [InlineData("nobody")]
    public async Task Register_Mutated_NeverThrows(string type)
    {
        var test = new TestService();
        byte[] good = Encoding.UTF8.GetBytes(Payload(type == "nobody" ? "sample" : type, "name"));
        var random = new Random(7);
        for (int i = 0; i < 400; i++)
        {
            byte[] bad = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(32, 127);
            }

            _ = await test.RegisterAsync(type, Encoding.UTF8.GetString(bad.AsSpan(0, random.Next(4) == 0 ? random.Next(bad.Length) : bad.Length)));
        }
    }

    [Fact]
    public async Task Register_MessageTooLarge_IsRefused()
    {
        string message = TestService.Message("sample", new string('A', ReferenceValueMessage.MaxBytes));

        Assert.Equal(RefusalCode.TooLarge, (await new TestService().Service.RegisterAsync(message, ReferenceValuePublisher.Anonymous, CancellationToken.None))?.Code);
    }

    [Theory]
    [InlineData("sample")]
    [InlineData("slsa")]
    public async Task Register_JsonNestedDeeply_IsRefused(string type)
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 50_000)) + "1" + new string('}', 50_000);

        Assert.NotNull(await new TestService().RegisterAsync(type, TestService.Base64(deep)));
    }

    [Fact]
    public async Task Sample_ManyValues_AreAllOrNothing()
    {
        var test = new TestService();
        string values = "{" + string.Join(',', Enumerable.Range(0, 100_001).Select(i => string.Create(CultureInfo.InvariantCulture, $"\"v{i}\":1"))) + "}";

        Assert.Equal(RefusalCode.TooLarge, (await test.RegisterAsync("sample", TestService.Base64(values)))?.Code);
        Assert.Empty(await test.ListAsync());
    }

    [Fact]
    public async Task Swid_ManyAttributesAndDeepElements_CostNoMoreThanTheirSize()
    {
        string hashes = string.Concat(Enumerable.Range(0, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $" h:Hash{i}=\"{i + 1}\"")));
        string deep = string.Concat(Enumerable.Repeat("<a>", 100_000)) + string.Concat(Enumerable.Repeat("</a>", 100_000));
        string Xml(string body, string attributes) =>
            $"{SwidHead}<Meta edition=\"1\" rim:PlatformManufacturerStr=\"a\"/>{body}<Payload><Resource type=\"Measurement\" index=\"1\"{attributes}/></Payload></SoftwareIdentity>";
        var test = new TestService();

        Assert.Null(await test.RegisterAsync("swid", TestService.Base64(Xml(string.Empty, hashes))));
        Assert.Null(await test.RegisterAsync("swid", TestService.Base64(Xml(deep, " h:Hash0=\"11\""))));
        Assert.Equal(RefusalCode.TooLarge, (await test.RegisterAsync("swid", TestService.Base64(new string(' ', 5 << 20))))?.Code);
    }

    [Fact]
    public async Task Corim_ManyMembersLookedIntoByManyMeasurements_CostsNoMoreThanItsSize()
    {
        const int Members = 60_000, Measurements = 15_000;
        byte[] corim = TestCorim.Make(
            c =>
            {
                c.WriteStartMap(Members);
                for (int i = 0; i < Members; i++)
                {
                    c.WriteInt32(i + 100);
                    c.WriteInt32(1);
                }

                c.WriteEndMap();
            },
            c => TestCorim.Array(
                c,
                () =>
                {
                    for (int i = 0; i < Measurements; i++)
                    {
                        TestCorim.Map(c, 1, () =>
                        {
                            c.WriteStartMap(0);
                            c.WriteEndMap();
                        });
                    }
                },
                Measurements));

        Assert.Null(await new TestService().RegisterAsync("corim", Convert.ToBase64String(corim)));
    }

    [Fact]
    public async Task Corim_IndefiniteOrHugeLengths_AreRefused()
    {
        foreach (byte[] bytes in (byte[][])[[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x5B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xBF], [0xD8, 0x12, 0x84], [0xA1, 0x01, 0x9A, 0xFF, 0xFF, 0xFF, 0xFF]])
        {
            Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync("corim", Convert.ToBase64String(bytes)))?.Code);
        }
    }

    [Fact]
    public async Task Slsa_ManyDigestsOfOneSubject_CostNoMoreThanTheirSize()
    {
        string subjects = string.Join(',', Enumerable.Range(0, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{{\"name\":\"a\",\"digest\":{{\"sha256\":\"{i:x}\"}}}}")));
        string payload = "{\"artifact_type\":\"x\",\"artifacts_download_url\":[],\"slsa_provenance\":[{\"subject\":[" + subjects + "]}]}";

        // The value of one name may have 1 MiB.
        Assert.Equal(RefusalCode.TooLarge, (await new TestService().RegisterAsync("slsa", payload))?.Code);
    }

    [Fact]
    public async Task ReproducibleBuild_TwoOutputsOfOneName_AreRefused()
    {
        string folder = Directory.CreateTempSubdirectory("coco-builder-").FullName, builder = Path.Combine(folder, "builder");
        await File.WriteAllTextAsync(builder, "#!/bin/sh\nmkdir -p \"$2/a\" \"$2/b\" && echo 1 > \"$2/a/kernel\" && echo 2 > \"$2/b/kernel\" && ln -s /etc/passwd \"$2/link\"\n");
        File.SetUnixFileMode(builder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var test = new TestService(new ReferenceValuesOptions { ReproducibleBuilder = builder });

        Assert.Equal(RefusalCode.Conflict, (await test.RegisterAsync("reproducible-build", TestService.Base64("""{"buildspec_uri":"https://example.org/x"}""")))?.Code);
        Assert.Equal(RefusalCode.Malformed, (await test.RegisterAsync("reproducible-build", TestService.Base64("""{"buildspec_uri":"file:///etc/passwd"}""")))?.Code);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"rv_list":{}}""")]
    [InlineData("""{"rv_list":[1]}""")]
    [InlineData("""{"rv_list":[{"id":"../up","version":"1","type":"image","provenance_info":{"type":"rv-release-manifest","rekor_url":""},"provenance_source":{"protocol":"file","uri":"m"},"operation_type":"add"}]}""")]
    [InlineData("""{"rv_list":[{"id":"a","version":"1","type":"image","provenance_info":{"type":"other","rekor_url":""},"operation_type":"add"}]}""")]
    [InlineData("""{"rv_list":[{"id":"a","version":"1","type":"image","provenance_info":{"type":"rv-release-manifest","rekor_url":""},"provenance_source":{"protocol":"ftp","uri":"m"},"operation_type":"add"}]}""")]
    public async Task List_BadItem_IsRefused(string payload) =>
        Assert.NotNull(await new TestService(new ReferenceValuesOptions { MaterialDirectory = AppContext.BaseDirectory }).Service.SetListAsync(payload, ReferenceValuePublisher.Anonymous, CancellationToken.None));

    [Fact]
    public void ArtifactRules_MoreRulesTimesArtifactsThanMayBe_AreRefused()
    {
        InTotoLink link = InTotoLink.Parse(HostileJson.Parse(
            """{"_type":"link","name":"s","command":[],"materials":{},"byproducts":{},"environment":{},"products":{""" + string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"{new string('a', 40)}{i}\":{{\"sha256\":\"00\"}}")) + "}}").Require()).Require();
        ArtifactRule rule = ArtifactRule.Parse(["ALLOW", "*a*a*a*a*b"]).Require();
        long budget = ArtifactRules.MaxSteps;

        Refusal? why = ArtifactRules.Check("s", link, [], [.. Enumerable.Repeat(rule, 5_000)], new Dictionary<string, InTotoLink>(), ref budget);

        Assert.Equal(RefusalCode.TooLarge, why?.Code);
    }

    [Fact]
    public async Task InToto_DirectoryThatLinksToItself_Ends()
    {
        // Each of three steps is a sub-layout, and its directory is the one that it stands in.
        string folder = Directory.CreateTempSubdirectory("coco-cycle-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string pem = key.ExportSubjectPublicKeyInfoPem(), id = new('a', 64);
        var steps = new JsonArray([.. Enumerable.Range(0, 8).Select(i => (JsonNode)new JsonObject
        {
            ["_type"] = "step", ["name"] = $"s{i}", ["threshold"] = 1, ["pubkeys"] = new JsonArray(id), ["expected_command"] = new JsonArray(), ["expected_materials"] = new JsonArray(), ["expected_products"] = new JsonArray(),
        })]);
        var layout = new JsonObject
        {
            ["_type"] = "layout",
            ["expires"] = "2099-01-01T00:00:00Z",
            ["readme"] = "",
            ["steps"] = steps,
            ["inspect"] = new JsonArray(),
            ["keys"] = new JsonObject { [id] = new JsonObject { ["keyid"] = id, ["keytype"] = "ecdsa", ["scheme"] = "ecdsa-sha2-nistp256", ["keyval"] = new JsonObject { ["public"] = pem } } },
        };
        byte[] signature = key.SignData(OlpcJson.Write(HostileJson.Parse(layout.ToJsonString()).Require()).Require(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        string signed = new JsonObject { ["signed"] = layout, ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = id, ["sig"] = Convert.ToHexStringLower(signature) }) }.ToJsonString();
        await File.WriteAllTextAsync(Path.Combine(folder, "root.layout"), signed);
        for (int i = 0; i < 8; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"s{i}.aaaaaaaa.link"), signed);
            Directory.CreateSymbolicLink(Path.Combine(folder, $"s{i}.aaaaaaaa"), ".");
        }

        var keys = InTotoKey.Parse(id, HostileJson.Parse(new JsonObject { ["keytype"] = "ecdsa", ["scheme"] = "ecdsa-sha2-nistp256", ["keyval"] = new JsonObject { ["public"] = pem } }.ToJsonString()).Require()).Require();
        Result<InTotoSummary> result = await new InTotoVerifier(TimeProvider.System, null).VerifyAsync(Encoding.UTF8.GetBytes(signed), [keys], new InTotoDirectory(folder, folder), null, CancellationToken.None);

        Assert.Equal(RefusalCode.TooLarge, result.Refusal?.Code);
        Directory.Delete(folder, recursive: true);
    }

    private static string Payload(string type, string name) => type switch
    {
        "sample" => TestService.Base64(new JsonObject { [name] = new JsonArray("1") }.ToJsonString()),
        "swid" => TestService.Base64(
            $"{SwidHead}<Meta edition=\"/{name}/\" rim:PlatformManufacturerStr=\"a/{name}/\"/><Payload><Resource type=\"Measurement\" index=\"1\" h:Hash0=\"11\"/></Payload></SoftwareIdentity>"),
        "corim" => Convert.ToBase64String(TestCorim.Make(
            c => TestCorim.Map(c, 1, () => c.WriteTextString(name)),
            c => TestCorim.Array(c, () => TestCorim.Map(c, 1, () => TestCorim.Map(c, 2, () => TestCorim.Digests(c, [1, 2])))))),
        "slsa" => new JsonObject
        {
            ["artifact_type"] = "x",
            ["artifacts_download_url"] = new JsonArray(),
            ["slsa_provenance"] = new JsonArray(new JsonObject { ["subject"] = new JsonArray(new JsonObject { ["name"] = name, ["digest"] = new JsonObject { ["sha256"] = "aa" } }) }),
        }.ToJsonString(),
        "in-toto" => new JsonObject { ["line_normalization"] = false, ["files"] = new JsonObject { [name] = "AA==", ["root.layout"] = "e30=" } }.ToJsonString(),
        _ => TestService.Base64(new JsonObject { ["buildspec_uri"] = name }.ToJsonString()),
    };
}
