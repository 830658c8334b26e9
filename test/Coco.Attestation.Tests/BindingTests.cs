// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tests;

/// <summary>Runtime data and init-data (attestation-service.md 5.2, 5.3).</summary>
public sealed class BindingTests
{
    private const string Claims = """{"b":1,"a":"test","c":{"d":"e"}}""";

    [Theory]
    [InlineData(DigestAlgorithm.Sha256)]
    [InlineData(DigestAlgorithm.Sha384)]
    [InlineData(DigestAlgorithm.Sha512)]
    [InlineData(DigestAlgorithm.Sm3)]
    public async Task Attest_StructuredRuntimeData_IsHashedOverItsCanonicalForm(DigestAlgorithm algorithm)
    {
        await using var test = new TestAttestation();
        byte[] digest = algorithm.Compute("""{"a":"test","b":1,"c":{"d":"e"}}"""u8);
        RuntimeDataInput runtime = RuntimeDataInput.Structured(TestAttestation.Json(Claims), algorithm);

        Assert.Null(await test.CodeAsync(TestAttestation.Sample(runtime, digest)));
        digest[0] ^= 1;
        Assert.Equal(RefusalCode.Mismatch, await test.CodeAsync(TestAttestation.Sample(runtime, digest)));
    }

    [Fact]
    public async Task Attest_DefaultHash_IsTheVectorOfTheSpecification()
    {
        await using var test = new TestAttestation();
        byte[] digest = Convert.FromHexString("e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c4597480a186427c813ca941da78870c3");

        Assert.Null(await test.CodeAsync(TestAttestation.Sample(RuntimeDataInput.Structured(TestAttestation.Json(Claims)), digest)));
    }

    [Fact]
    public async Task Attest_RawRuntimeData_StandsAsItIsAndIsNoClaim()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample(RuntimeDataInput.Raw("raw"u8.ToArray()), "raw"u8.ToArray()));

        Assert.Null(payload["submods"]!["cpu0"]!["ear.veraison.annotated-evidence"]!["runtime_data_claims"]);
        Assert.Equal(RefusalCode.Mismatch, await test.CodeAsync(TestAttestation.Sample(RuntimeDataInput.Raw("raw"u8.ToArray()), "rew"u8.ToArray())));
        Assert.Equal(RefusalCode.Malformed, await test.CodeAsync(TestAttestation.Sample(RuntimeDataInput.Raw(Array.Empty<byte>()), [])));
    }

    [Fact]
    public async Task Attest_Candidates_OneOfThemIsEnough()
    {
        await using var test = new TestAttestation();
        RuntimeDataInput runtime = RuntimeDataInput.Hashed(TestAttestation.Json(Claims), null, ["first"u8.ToArray(), "second"u8.ToArray()]);

        Assert.Null(await test.CodeAsync(TestAttestation.Sample(runtime, SHA384.HashData("second"u8))));
        Assert.Equal(RefusalCode.Mismatch, await test.CodeAsync(TestAttestation.Sample(runtime, SHA384.HashData("third"u8))));
    }

    [Fact]
    public async Task Attest_InitDataDocument_IsHashedAsReceivedAndBecomesClaims()
    {
        await using var test = new TestAttestation();
        const string Toml = """"
            version = "0.1.0"
            algorithm = "sha256"
            [data]
            "aa.toml" = '''
            [token_configs]
            a = 1
            '''
            "policy.rego" = '''
            package agent_policy
            policy_data := {"containers":[{"OCI":{"Annotations":{"io.kubernetes.cri.image-name":"busybox"},"Process":{"User":{"UID":7}}}}]}
            '''
            other = "text"
            """";

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample(initData: InitDataInput.Toml(Toml)));

        JsonNode evidence = payload["submods"]!["cpu0"]!["ear.veraison.annotated-evidence"]!;
        Assert.Equal(Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Toml))), (string?)evidence["init_data"]);
        Assert.Equal(1, (int?)evidence["init_data_claims"]!["aa.toml"]!["token_configs"]!["a"]);
        Assert.Equal("text", (string?)evidence["init_data_claims"]!["other"]);
        Assert.Null(evidence["init_data_claims"]!["policy.rego"]);
        JsonNode identifiers = payload["submods"]!["cpu0"]!["ear.trustee.identifiers"]!["validated"]!;
        Assert.Equal("busybox", (string?)identifiers["container_images"]![0]);
        Assert.Equal(7, (int?)identifiers["container_uids"]![0]);
    }

    [Theory]
    [InlineData("not toml [")]
    [InlineData("version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]\n")]
    [InlineData("version = \"0.1.0\"\n")]
    public async Task Attest_BadInitData_IsRefused(string toml)
    {
        await using var test = new TestAttestation();

        Assert.NotNull(await test.CodeAsync(TestAttestation.Sample(initData: InitDataInput.Toml(toml))));
    }

    [Fact]
    public async Task Attest_InitDataDigest_GivesNoClaims()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample(initData: InitDataInput.Digest(new byte[] { 1, 2, 3 })));

        JsonObject evidence = payload["submods"]!["cpu0"]!["ear.veraison.annotated-evidence"]!.AsObject();
        Assert.Equal("AQID", (string?)evidence["init_data"]);
        Assert.True(evidence.ContainsKey("init_data_claims"));
        Assert.Null(evidence["init_data_claims"]);
    }

    [Fact]
    public async Task Attest_NothingOrTooMuch_IsRefused()
    {
        await using var test = new TestAttestation();

        Result<JsonObject> none = await test.AttestAsync();
        Assert.Equal("No verification requests provided.", none.Refusal?.Detail);
        Assert.Equal(RefusalCode.TooLarge, await test.CodeAsync([.. Enumerable.Repeat(TestAttestation.Sample(), 65)]));
    }
}
