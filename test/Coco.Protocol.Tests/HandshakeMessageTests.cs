// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Protocol.Tests;

public sealed class HandshakeMessageTests
{
    private const string Nonce = "+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=";
    private const string Key = """{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}""";

    // kbs-examples.md 1.
    private const string Current = """{"init-data":null,"runtime-data":{"nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=","tee-pubkey":KEY},"tee-evidence":{"primary_evidence":{"svn":"1"},"additional_evidence":""}}""";

    private static Result<AttestRequest> Parse(string body, ProtocolVersion version) => AttestRequest.Parse(Encoding.UTF8.GetBytes(body.Replace("KEY", Key)), version, 1 << 20);

    [Fact]
    public void Attest_Current_BindsExactlyTheCanonicalForm()
    {
        AttestRequest request = Parse(Current, ProtocolVersion.V0_4_0).Require();

        ReadOnlyMemory<byte> only = Assert.Single(request.PrimaryHashInputs(Nonce).Require());
        Assert.Equal("5bf30b38d814279ae6fe7e808cbd9ac05f32c0a99e2e3abfb6d9927485f67135329f518e1a41cdba4494d59c3f80e4f4", Hex.Encode(DigestAlgorithm.Sha384.Compute(only.Span)));
        Assert.Equal(Nonce, request.Nonce);
        Assert.Empty(request.ReadDevices().Require());
        Assert.Null(request.InitData);
    }

    [Fact]
    public void Attest_Devices_AreReadInOrder()
    {
        string body = Current.Replace("\"additional_evidence\":\"\"", "\"additional_evidence\":\"{\\\"sampledevice\\\":{\\\"a\\\":1},\\\"nvidia\\\":2}\"");

        ImmutableArray<Evidence> devices = Parse(body, ProtocolVersion.V0_4_0).Require().ReadDevices().Require();

        Assert.Equal([TeeType.SampleDevice, TeeType.Nvidia], devices.Select(d => d.Tee));
        Assert.NotNull(Parse(Current.Replace("\"additional_evidence\":\"\"", "\"additional_evidence\":\"[]\""), ProtocolVersion.V0_4_0).Require().ReadDevices().Refusal);
        Assert.NotNull(Parse(Current.Replace("\"additional_evidence\":\"\"", "\"additional_evidence\":\"{\\\"x\\\":1}\""), ProtocolVersion.V0_4_0).Require().ReadDevices().Refusal);
        Assert.NotNull(Parse(Current.Replace("\"additional_evidence\":\"\"", "\"additional_evidence\":\"{\""), ProtocolVersion.V0_4_0).Require().ReadDevices().Refusal);
    }

    [Theory]
    [InlineData("""{"tee-pubkey":KEY,"tee-evidence":{"svn":"1"}}""", ProtocolVersion.V0_1_1)]
    [InlineData("""{"tee-pubkey":KEY,"tee-evidence":{"svn":"1"}}""", ProtocolVersion.V0_2_0)]
    public void Attest_Middle_SortedFormFirstThenInsertionOrder(string body, ProtocolVersion version)
    {
        string[] forms = [.. Parse(body, version).Require().PrimaryHashInputs("n").Require().Select(f => Encoding.UTF8.GetString(f.Span))];

        Assert.Equal(
            [
                """{"nonce":"n","tee-pubkey":{"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}}""",
                "{\"tee-pubkey\":" + Key + ",\"nonce\":\"n\"}",
            ],
            forms);
    }

    [Theory]
    [InlineData("k-mod", "k-exp", false, 1)]
    [InlineData("n", "e", false, 1)]
    [InlineData("n", "e", true, 4)]
    public void Attest_Oldest_ConcatenatedTextsFirst(string modulus, string exponent, bool kty, int atLeast)
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.Rsa15);
        JsonObject jwk = key.PublicJwk.ToJson();
        string n = Convert.ToBase64String(StrictBase64.DecodeUrl(jwk["n"]!.GetValue<string>()).Require());
        string body = $$"""{"tee-pubkey":{{{(kty ? "\"kty\":\"RSA\"," : "")}}"alg":"RSA1_5","{{modulus}}":"{{n}}","{{exponent}}":"AQAB"},"tee-evidence":"{\"svn\":\"1\"}"}""";

        AttestRequest request = Parse(body, ProtocolVersion.V0_1_0).Require();

        ImmutableArray<ReadOnlyMemory<byte>> forms = request.PrimaryHashInputs("N").Require();
        Assert.Equal("N" + n + "AQAB", Encoding.UTF8.GetString(forms[0].Span));
        Assert.True(forms.Length >= atLeast);
        Assert.True(request.Key.IsRsa15);
        Assert.True(JsonNode.DeepEquals(jwk, request.Key.ToJwk()));
        Assert.Equal("1", request.Primary.GetProperty("svn").GetString());
    }

    [Theory]
    [InlineData("{}", ProtocolVersion.V0_4_0)]
    [InlineData("[]", ProtocolVersion.V0_4_0)]
    [InlineData("""{"runtime-data":{"nonce":1,"tee-pubkey":KEY},"tee-evidence":{"primary_evidence":{},"additional_evidence":""}}""", ProtocolVersion.V0_4_0)]
    [InlineData("""{"runtime-data":{"nonce":"n","tee-pubkey":KEY},"tee-evidence":{"additional_evidence":""}}""", ProtocolVersion.V0_4_0)]
    [InlineData("""{"runtime-data":{"nonce":"n","tee-pubkey":KEY},"tee-evidence":{"primary_evidence":{}}}""", ProtocolVersion.V0_4_0)]
    [InlineData("""{"init-data":{"format":"json","body":"x"},"runtime-data":{"nonce":"n","tee-pubkey":KEY},"tee-evidence":{"primary_evidence":{},"additional_evidence":""}}""", ProtocolVersion.V0_4_0)]
    [InlineData("""{"init-data":{"format":"toml"},"runtime-data":{"nonce":"n","tee-pubkey":KEY},"tee-evidence":{"primary_evidence":{},"additional_evidence":""}}""", ProtocolVersion.V0_4_0)]
    [InlineData("""{"tee-pubkey":KEY,"tee-evidence":{"svn":"1"}}""", ProtocolVersion.V0_1_0)]
    [InlineData("""{"tee-pubkey":KEY,"tee-evidence":"{"}""", ProtocolVersion.V0_1_0)]
    [InlineData("""{"tee-pubkey":KEY}""", ProtocolVersion.V0_2_0)]
    [InlineData("""{"tee-evidence":{}}""", ProtocolVersion.V0_2_0)]
    public void Attest_MissingOrWrong_Refused(string body, ProtocolVersion version) => Assert.NotNull(Parse(body, version).Refusal);

    [Theory]
    [InlineData("""{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}""")]
    [InlineData("""{"kty":"EC","crv":"P-384","alg":"ECDH-ES+A256KW","x":"AQ","y":"AQ"}""")]
    [InlineData("""{"kty":"EC","crv":"P-256","alg":"RSA1_5","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}""")]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}""")]
    [InlineData("""{"kty":"RSA","alg":"RSA-OAEP-256","n":"AQAB","e":"AQAB"}""")]
    [InlineData("""{"kty":"AKP","alg":"ML-KEM-768+A192KW","pub":"AQAB"}""")]
    [InlineData("""{"kty":"oct","alg":"A256KW","k":"AQAB"}""")]
    [InlineData("""{"alg":"RSA1_5","n":"AQAB","e":"AQAB"}""")]
    [InlineData("[]")]
    public void TeePublicKey_Unusable_Refused(string key) => Assert.NotNull(TeePublicKey.Parse(HostileJson.Parse(key).Require(), ProtocolVersion.V0_4_0).Refusal);

    [Theory]
    [InlineData("0.4.0", "0.4.0")]
    [InlineData("0.4.0+build.7", "0.4.0")]
    [InlineData("0.4.0-rc1", "0.4.0-rc1")]
    [InlineData("v0.4.0", null)]
    [InlineData("0.4", null)]
    [InlineData("0.04.0", null)]
    [InlineData("", null)]
    [InlineData("0.4.0.0", null)]
    [InlineData("0.4.0-", null)]
    [InlineData("0.4.0-01", null)]
    public void Version_StrictSemantic_IsCompared(string text, string? compared)
    {
        Assert.Equal(compared is not null, ProtocolVersions.TryParseSemantic(text, out string? actual));
        Assert.Equal(compared, actual);
    }

    [Fact]
    public void Parse_MutatedBodies_NeverThrow()
    {
        foreach (ProtocolVersion version in Enum.GetValues<ProtocolVersion>())
        {
            string body = version == ProtocolVersion.V0_4_0 ? Current : """{"tee-pubkey":KEY,"tee-evidence":{"primary_evidence":{},"additional_evidence":"{\"sampledevice\":1}"}}""";
            Mutations.Sample(
                Encoding.UTF8.GetBytes(body.Replace("KEY", Key)),
                bytes =>
                {
                    if (AttestRequest.Parse(bytes, version, 1 << 20).TryGet(out AttestRequest? request, out _))
                    {
                        _ = request.PrimaryHashInputs("n");
                        _ = request.ReadDevices();
                    }
                },
                iterations: 500);
        }

        Mutations.Sample("""{"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256"]}}"""u8.ToArray(), bytes => _ = AuthRequest.Parse(bytes));
    }
}
