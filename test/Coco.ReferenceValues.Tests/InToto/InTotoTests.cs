// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.ReferenceValues.InToto;
using Microsoft.Extensions.Time.Testing;

namespace Coco.ReferenceValues.Tests.InToto;

/// <summary>What Debian's tool cannot show: DSSE, every salt, parameters, hostile files, products that become reference values.</summary>
public sealed class InTotoTests
{
    private readonly ECDsa _owner = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _functionary = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 5, 0, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Register_ChainInEitherEnvelope_GivesProducts(bool dsse)
    {
        var test = new TestService(new ReferenceValuesOptions { InTotoNamePrefix = "acme/" });

        Refusal? why = await test.RegisterAsync("in-toto", Payload(Files(dsse)));

        Assert.Null(why);
        Assert.Equal("""["aa11"]""", await test.QueryAsync("acme/out/kernel"));
        Assert.Equal(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), Assert.Single(await test.ListAsync()).Expiration);
    }

    [Fact]
    public void ParseFile_HashAlgorithmsThatAreNoNames_IsMalformed()
    {
        byte[] file = """{"keytype":"ed25519","scheme":"ed25519","keyid_hash_algorithms":["sha256",["sha512"]],"keyval":{"public":"00"}}"""u8.ToArray();

        Assert.Equal(RefusalCode.Malformed, InTotoKey.ParseFile(file).Refusal?.Code);
    }

    [Fact]
    public async Task Register_ChainOfPublisher_CountsAsSignedByIt()
    {
        string identity = ReferenceValuePublisher.KeyIdentity(_owner.ExportSubjectPublicKeyInfo());
        var allowed = new TestService(new ReferenceValuesOptions { PublicationRules = [new PublicationRule("out/", [identity])] });
        var denied = new TestService(new ReferenceValuesOptions { PublicationRules = [new PublicationRule("out/", ["spki:00"])] });

        Assert.Null(await allowed.RegisterAsync("in-toto", Payload(Files(dsse: false))));
        Assert.Equal(RefusalCode.Forbidden, (await denied.RegisterAsync("in-toto", Payload(Files(dsse: false))))?.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Register_EveryFlippedByteOfASignature_IsRefused(bool dsse)
    {
        var test = new TestService();
        foreach (string name in new[] { "root.layout", LinkName })
        {
            Dictionary<string, byte[]> files = Files(dsse);
            JsonNode json = JsonNode.Parse(files[name])!;
            JsonNode signature = json["signatures"]![0]!;
            string text = (string)signature["sig"]!;
            byte[] bytes = dsse ? Convert.FromBase64String(text) : Convert.FromHexString(text);
            bytes[^1] ^= 1;
            signature["sig"] = dsse ? Convert.ToBase64String(bytes) : Convert.ToHexStringLower(bytes);
            files[name] = Encoding.UTF8.GetBytes(json.ToJsonString());

            Assert.Equal(RefusalCode.BadSignature, (await test.RegisterAsync("in-toto", Payload(files)))?.Code);
        }
    }

    [Theory]
    [InlineData("../outside.pub")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b")]
    [InlineData("")]
    public async Task Register_EscapingFileName_IsRefused(string name)
    {
        Dictionary<string, byte[]> files = Files(dsse: false);
        files[name] = [1];

        Assert.Equal(RefusalCode.Malformed, (await new TestService().RegisterAsync("in-toto", Payload(files)))?.Code);
    }

    [Fact]
    public async Task Register_EscapingStepName_FindsNoLink()
    {
        Dictionary<string, byte[]> files = Files(dsse: false, step: "../build");

        Assert.Equal(RefusalCode.NotFound, (await new TestService().RegisterAsync("in-toto", Payload(files)))?.Code);
    }

    [Theory]
    [InlineData("""{"version":"1.0","line_normalization":false,"files":{}}""", RefusalCode.Unsupported)]
    [InlineData("""{"files":{}}""", RefusalCode.Malformed)]
    [InlineData("""{"line_normalization":false,"files":{}}""", RefusalCode.Malformed)]
    [InlineData("""{"line_normalization":false,"files":{"root.layout":"e30="}}""", RefusalCode.Malformed)]
    [InlineData("not json", RefusalCode.Malformed)]
    public async Task Register_BadPayload_IsRefused(string payload, RefusalCode expected) =>
        Assert.Equal(expected, (await new TestService().RegisterAsync("in-toto", payload))?.Code);

    [Fact]
    public async Task Register_Inspection_IsRefusedUnlessAllowed()
    {
        Dictionary<string, byte[]> files = Files(dsse: false, inspection: ["/bin/sh", "-c", "echo made > made"]);

        Assert.Equal(RefusalCode.Forbidden, (await new TestService().RegisterAsync("in-toto", Payload(files)))?.Code);
        Assert.Null(await new TestService(new ReferenceValuesOptions { InTotoInspections = true }).RegisterAsync("in-toto", Payload(files)));
    }

    [Fact]
    public async Task Register_InspectionThatFailsOrHangs_IsRefused()
    {
        var options = new ReferenceValuesOptions { InTotoInspections = true, InTotoInspectionTimeout = TimeSpan.FromMilliseconds(300) };

        Assert.Equal(RefusalCode.PolicyDenied, (await new TestService(options).RegisterAsync("in-toto", Payload(Files(false, inspection: ["/bin/false"]))))?.Code);
        Assert.Equal(RefusalCode.PolicyDenied, (await new TestService(options).RegisterAsync("in-toto", Payload(Files(false, inspection: ["/bin/sleep", "60"]))))?.Code);
    }

    [Fact]
    public async Task Register_Inspection_SeesOnlyTheGivenFilesAndAnEmptyEnvironment()
    {
        Environment.SetEnvironmentVariable("COCO_TEST_PLANTED", "planted");
        Dictionary<string, byte[]> files = Files(dsse: false, inspection: ["/bin/sh", "-c", "test -z \"$COCO_TEST_PLANTED\" && test -f root.layout && test \"$(ls | wc -l)\" = 3"]);

        Assert.Null(await new TestService(new ReferenceValuesOptions { InTotoInspections = true, InTotoInspectionTimeout = TimeSpan.FromSeconds(60) }).RegisterAsync("in-toto", Payload(files)));
    }

    [Fact]
    public async Task Register_InspectionThatReachesOut_ReachesNothing()
    {
        string outside = Path.GetTempFileName();
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        string[] attempts =
        [
            "echo x > /usr/coco-was-here", "echo x > /etc/coco-was-here", "echo x > /coco-was-here", $"test -e {outside}",
            $"test -e /proc/{Environment.ProcessId}/environ", $"kill -0 {Environment.ProcessId}", "mount -t tmpfs none /tmp", "chmod 777 /usr", "test -d /home", "test -d /var",
            $": < /dev/tcp/127.0.0.1/{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}",
        ];
        string script = string.Concat(attempts.Select((a, i) => $"if ( {a} ) 2>/dev/null; then exit {i + 100}; fi; ")) + "echo made > made";
        var options = new ReferenceValuesOptions { InTotoInspections = true, InTotoInspectionTimeout = TimeSpan.FromSeconds(60) };

        Refusal? why = await new TestService(options).RegisterAsync("in-toto", Payload(Files(false, inspection: ["/bin/bash", "-c", script], inspectionRule: ["REQUIRE", "made"])));

        Assert.Null(why);
        File.Delete(outside);
    }

    [Fact]
    public async Task Register_InspectionThatLeavesTraps_IsRecordedAllTheSame()
    {
        const string Traps = "mkfifo pipe; ln -s /etc/passwd link; mkdir shut; echo x > shut/in; chmod 0 shut; sleep 1000 & echo made > made";
        var options = new ReferenceValuesOptions { InTotoInspections = true, InTotoInspectionTimeout = TimeSpan.FromSeconds(60) };
        string[] before = Directory.GetDirectories(Path.GetTempPath(), "coco-inspect-*");

        Assert.Null(await new TestService(options).RegisterAsync("in-toto", Payload(Files(false, inspection: ["/bin/sh", "-c", Traps], inspectionRule: ["REQUIRE", "made"]))));
        Assert.Equal(RefusalCode.PolicyDenied, (await new TestService(options).RegisterAsync("in-toto", Payload(Files(false, inspection: ["/bin/sh", "-c", Traps], inspectionRule: ["REQUIRE", "link"]))))?.Code);
        Assert.DoesNotContain(Directory.GetDirectories(Path.GetTempPath(), "coco-inspect-*").Except(before), d => File.Exists(Path.Combine(d, "made")));
    }

    [Fact]
    public async Task Verify_Parameters_AreSubstitutedAndMissingOnesRefused()
    {
        Dictionary<string, byte[]> files = Files(dsse: false, productRule: ["REQUIRE", "out/{what}"]);
        var keys = ImmutableArray.Create(InTotoKey.ParseFile(files["owner.pub"]).Require());
        var verifier = new InTotoVerifier(_clock, null);
        async Task<RefusalCode?> CodeAsync(Dictionary<string, string>? parameters) =>
            (await verifier.VerifyAsync(files["root.layout"], keys, new InTotoMemoryFiles(files.ToImmutableSortedDictionary(StringComparer.Ordinal)), parameters, CancellationToken.None)).Refusal?.Code;

        Assert.Null(await CodeAsync(new Dictionary<string, string> { ["what"] = "kernel" }));
        Assert.Equal(RefusalCode.PolicyDenied, await CodeAsync(new Dictionary<string, string> { ["what"] = "initrd" }));
        Assert.Equal(RefusalCode.Malformed, await CodeAsync(new Dictionary<string, string> { ["other"] = "x" }));
        Assert.Equal(RefusalCode.PolicyDenied, await CodeAsync(null));
    }

    [Fact]
    public async Task Verify_AtItsExpiry_IsRefused()
    {
        Dictionary<string, byte[]> files = Files(dsse: false);
        var keys = ImmutableArray.Create(InTotoKey.ParseFile(files["owner.pub"]).Require());
        _clock.SetUtcNow(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

        Result<InTotoSummary> verified = await new InTotoVerifier(_clock, null).VerifyAsync(
            files["root.layout"], keys, new InTotoMemoryFiles(files.ToImmutableSortedDictionary(StringComparer.Ordinal)), null, CancellationToken.None);

        Assert.Equal(RefusalCode.Expired, verified.Refusal?.Code);
    }

    [Theory]
    [InlineData("*", "a/b/c", true)]
    [InlineData("a*c", "a/b/c", true)]
    [InlineData("?", "ab", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[]]", "]", true)]
    [InlineData("[", "[", true)]
    [InlineData("a**b", "ab", true)]
    [InlineData("", "", true)]
    public void Glob_Patterns_MatchAsInTheShell(string pattern, string text, bool expected) => Assert.Equal(expected, Glob.Matches(pattern, text));

    [Fact]
    public void Glob_WorstCase_EndsSoon() => Assert.False(Glob.Matches(string.Concat(Enumerable.Repeat("*a", 500)) + "b", new string('a', 5000)));

    [Theory]
    [InlineData("""{"b":[1,-2,true,null],"a":"x\"\\\n"}""", "{\"a\":\"x\\\"\\\\\n\",\"b\":[1,-2,true,null]}")]
    [InlineData("""{"\uffff":1,"\ud83d\ude00":2}""", "{\"\uffff\":1,\"\U0001F600\":2}")]
    public void OlpcJson_Writes_AsTheSpecificationSays(string json, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(OlpcJson.Write(HostileJson.Parse(json).Require()).Require()));

    [Fact]
    public void OlpcJson_Fraction_IsRefused() => Assert.Equal(RefusalCode.Unsupported, OlpcJson.Write(HostileJson.Parse("[1.5]").Require()).Refusal?.Code);

    [Theory]
    [InlineData("MATCH x WITH PRODUCTS FROM s", true)]
    [InlineData("match x IN a with materials in b from s", true)]
    [InlineData("MATCH x WITH PRODUCTS", false)]
    [InlineData("MATCH x IN a FROM s", false)]
    [InlineData("CREATE x y", false)]
    [InlineData("PERMIT x", false)]
    [InlineData("ALLOW", false)]
    public void ArtifactRule_Grammar_IsHeld(string text, bool good) =>
        Assert.Equal(good, ArtifactRule.Parse([.. text.Split(' ')]).Refusal is null);

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(32)]
    [InlineData(94)]
    public void PssSignature_OfEverySaltLength_Verifies(int salt)
    {
        var signer = new Org.BouncyCastle.Crypto.Signers.PssSigner(
            new Org.BouncyCastle.Crypto.Engines.RsaEngine(), new Org.BouncyCastle.Crypto.Digests.Sha256Digest(), salt);
        var generator = new Org.BouncyCastle.Crypto.Generators.RsaKeyPairGenerator();
        generator.Init(new Org.BouncyCastle.Crypto.KeyGenerationParameters(new Org.BouncyCastle.Security.SecureRandom(), 2048));
        Org.BouncyCastle.Crypto.AsymmetricCipherKeyPair pair = generator.GenerateKeyPair();
        signer.Init(true, pair.Private);
        signer.BlockUpdate("data"u8.ToArray(), 0, 4);
        byte[] signature = signer.GenerateSignature();
        byte[] spki = Org.BouncyCastle.X509.SubjectPublicKeyInfoFactory.CreateSubjectPublicKeyInfo(pair.Public).GetDerEncoded();
        Signatures.SignerKey key = Signatures.SignerKey.ParseSpki(spki).Require();

        Assert.True(key.VerifyPss("data"u8, signature, HashAlgorithmName.SHA256));
        Assert.False(key.VerifyPss("dat4"u8, signature, HashAlgorithmName.SHA256));
        signature[40] ^= 1;
        Assert.False(key.VerifyPss("data"u8, signature, HashAlgorithmName.SHA256));
    }

    [Fact]
    public void PgpSignature_ThatBeginsWithZero_Verifies()
    {
        using var rsa = RSA.Create(2048);
        RSAParameters numbers = rsa.ExportParameters(includePrivateParameters: false);
        string id = new('b', 40);
        InTotoKey key = InTotoKey.Parse(id, HostileJson.Parse(new JsonObject
        {
            ["type"] = "rsa",
            ["method"] = "pgp+rsa-pkcsv1.5",
            ["hashes"] = new JsonArray("pgp+SHA2"),
            ["keyval"] = new JsonObject { ["public"] = new JsonObject { ["n"] = Convert.ToHexString(numbers.Modulus!), ["e"] = Convert.ToHexString(numbers.Exponent!) } },
        }.ToJsonString()).Require()).Require();
        byte[] headers = [4, 0, 1, 8, 0, 0];
        for (int i = 0; ; i++)
        {
            var body = new JsonObject { ["_type"] = "link", ["name"] = i.ToString(System.Globalization.CultureInfo.InvariantCulture) };
            byte[] canonical = OlpcJson.Write(HostileJson.Parse(body.ToJsonString()).Require()).Require();
            byte[] signature = rsa.SignData([.. canonical, .. headers, 4, 0xFF, 0, 0, 0, (byte)headers.Length], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            if (signature[0] != 0)
            {
                continue;
            }

            InTotoMetadata Metadata(byte[] bytes) => InTotoMetadata.Parse(Encoding.UTF8.GetBytes(new JsonObject
            {
                ["signed"] = body.DeepClone(),
                ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = id, ["signature"] = Convert.ToHexStringLower(bytes), ["other_headers"] = Convert.ToHexStringLower(headers) }),
            }.ToJsonString())).Require();

            Assert.Null(key.Verify(Metadata(signature[1..]), _clock.GetUtcNow()));
            Assert.NotNull(key.Verify(Metadata(signature[2..]), _clock.GetUtcNow()));
            Assert.NotNull(key.Verify(Metadata([.. signature, 0]), _clock.GetUtcNow()));
            return;
        }
    }

    private string FunctionaryId => Id(_functionary, "ecdsa-sha2-nistp384");

    private string LinkName => $"build.{FunctionaryId[..8]}.link";

    private static string Id(ECDsa key, string scheme) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{{\"keyid_hash_algorithms\":[\"sha256\",\"sha512\"],\"keytype\":\"ecdsa\",\"keyval\":{{\"public\":\"{key.ExportSubjectPublicKeyInfoPem()}\"}},\"scheme\":\"{scheme}\"}}")));

    private static string Payload(Dictionary<string, byte[]> files)
    {
        var encoded = new JsonObject();
        foreach ((string name, byte[] bytes) in files)
        {
            encoded[name] = Convert.ToBase64String(bytes);
        }

        return new JsonObject { ["version"] = "0.9", ["line_normalization"] = false, ["files"] = encoded }.ToJsonString();
    }

    private static byte[] Sign(JsonObject body, ECDsa key, string keyId, HashAlgorithmName hash, bool dsse)
    {
        if (!dsse)
        {
            byte[] canonical = OlpcJson.Write(HostileJson.Parse(body.ToJsonString()).Require()).Require();
            byte[] signature = key.SignData(canonical, hash, DSASignatureFormat.Rfc3279DerSequence);
            return Encoding.UTF8.GetBytes(new JsonObject
            {
                ["signed"] = body.DeepClone(),
                ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = keyId, ["sig"] = Convert.ToHexStringLower(signature) }),
            }.ToJsonString());
        }

        const string Type = "application/vnd.in-toto+json";
        byte[] payload = Encoding.UTF8.GetBytes(body.ToJsonString());
        byte[] signed = [.. Encoding.UTF8.GetBytes($"DSSEv1 {Type.Length} {Type} {payload.Length} "), .. payload];
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["payloadType"] = Type,
            ["payload"] = Convert.ToBase64String(payload),
            ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = keyId, ["sig"] = Convert.ToBase64String(key.SignData(signed, hash, DSASignatureFormat.Rfc3279DerSequence)) }),
        }.ToJsonString());
    }

    private Dictionary<string, byte[]> Files(bool dsse, string step = "build", string[]? inspection = null, string[]? productRule = null, string[]? inspectionRule = null)
    {
        string functionary = FunctionaryId;
        var layout = new JsonObject
        {
            ["_type"] = "layout",
            ["expires"] = "2030-01-01T00:00:00Z",
            ["readme"] = "größe \"quoted\"\n",
            ["keys"] = new JsonObject
            {
                [functionary] = new JsonObject
                {
                    ["keyid"] = functionary,
                    ["keytype"] = "ecdsa",
                    ["scheme"] = "ecdsa-sha2-nistp384",
                    ["keyid_hash_algorithms"] = new JsonArray("sha256", "sha512"),
                    ["keyval"] = new JsonObject { ["public"] = _functionary.ExportSubjectPublicKeyInfoPem(), ["private"] = "" },
                },
            },
            ["steps"] = new JsonArray(new JsonObject
            {
                ["_type"] = "step",
                ["name"] = step,
                ["threshold"] = 1,
                ["pubkeys"] = new JsonArray(functionary),
                ["expected_command"] = new JsonArray(),
                ["expected_materials"] = new JsonArray(),
                ["expected_products"] = new JsonArray(
                    Rule(productRule ?? ["REQUIRE", "out/kernel"]), Rule(["CREATE", "out/*"]), Rule(["DISALLOW", "*"])),
            }),
            ["inspect"] = inspection is null
                ? new JsonArray()
                : new JsonArray(new JsonObject
                {
                    ["_type"] = "inspection",
                    ["name"] = "look",
                    ["run"] = Rule(inspection),
                    ["expected_materials"] = new JsonArray(),
                    ["expected_products"] = inspectionRule is null ? new JsonArray() : new JsonArray(Rule(inspectionRule)),
                }),
        };
        var link = new JsonObject
        {
            ["_type"] = "link",
            ["name"] = step,
            ["command"] = new JsonArray("make"),
            ["materials"] = new JsonObject(),
            ["products"] = new JsonObject { ["out/kernel"] = new JsonObject { ["sha256"] = "aa11" } },
            ["byproducts"] = new JsonObject { ["return-value"] = 0 },
            ["environment"] = new JsonObject(),
        };
        return new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["root.layout"] = Sign(layout, _owner, Id(_owner, "ecdsa-sha2-nistp256"), HashAlgorithmName.SHA256, dsse),
            ["owner.pub"] = Encoding.UTF8.GetBytes(_owner.ExportSubjectPublicKeyInfoPem()),
            [LinkName] = Sign(link, _functionary, functionary, HashAlgorithmName.SHA384, dsse),
        };
    }

    private static JsonArray Rule(string[] words) => new([.. words.Select(w => (JsonNode?)w)]);
}
