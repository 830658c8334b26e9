// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol.Tests;

public sealed class RcarTests
{
    private const string Nonce = "+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=";

    private static readonly JsonElement KeyJson = HostileJson.Parse("""
        {"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","kid":"dropped","use":"enc"}
        """).Require();

    // kbs-examples.md 1 and 4.
    [Fact]
    public void RuntimeData_Examples_HaveTheDigestsOfTheExamples()
    {
        Jwk key = Jwk.Parse(KeyJson).Require();
        const string Devices = """{"sampledevice":{"svn":"2","report_data":"lx9+fETnr+GC5FV6Dzlf3ZCfF/uvvVd8ue6D96p0J2VX3kJ11YFV+HwSwNFLf1Ze"}}""";

        Assert.Equal("5bf30b38d814279ae6fe7e808cbd9ac05f32c0a99e2e3abfb6d9927485f67135329f518e1a41cdba4494d59c3f80e4f4", Digest(RuntimeDataForms.Primary(Nonce, key, "")));
        Assert.Equal("971f7e7c44e7afe182e4557a0f395fdd909f17fbafbd577cb9ee83f7aa74276557de4275d58155f87c12c0d14b7f565e", Digest(RuntimeDataForms.Device(Nonce, key)));
        Assert.Equal("e76cf2ddefcfd251c8b277126af116e1b57294079ebbb1e6754cfbf19632d6036859ae6bc2b4b0e3c9129d255d6b2290", Digest(RuntimeDataForms.Primary(Nonce, key, Devices)));
    }

    [Theory]
    [InlineData("""{"nonce":"n","extra-params":""}""", DigestAlgorithm.Sha384)]
    [InlineData("""{"nonce":"n","extra-params":{}}""", DigestAlgorithm.Sha384)]
    [InlineData("""{"nonce":"n"}""", DigestAlgorithm.Sha384)]
    [InlineData("""{"nonce":"n","extra-params":{"selected-hash-algorithm":"SHA512"}}""", DigestAlgorithm.Sha512)]
    [InlineData("""{"nonce":"n","extra-params":{"selected-hash-algorithm":"sm3"}}""", null)]
    [InlineData("""{"nonce":"n","extra-params":{"selected-hash-algorithm":"md5"}}""", null)]
    [InlineData("""{"nonce":"n","extra-params":{"selected-hash-algorithm":""}}""", null)]
    [InlineData("""{"nonce":"n","extra-params":{"selected-hash-algorithm":null}}""", null)]
    [InlineData("""{"nonce":1,"extra-params":""}""", null)]
    [InlineData("""{"extra-params":""}""", null)]
    [InlineData("""[]""", null)]
    public void Challenge_SelectedHash_MustBeOneOffered(string body, DigestAlgorithm? hash)
    {
        Result<RcarChallenge> result = RcarChallenge.Parse(HostileJson.Parse(body).Require(), [DigestAlgorithm.Sha256, DigestAlgorithm.Sha384, DigestAlgorithm.Sha512]);

        Assert.Equal(hash, result.TryGet(out RcarChallenge? challenge, out _) ? challenge.Hash : null);
    }

    [Theory]
    [InlineData("""{"k-mod":"A","k-exp":"B"}""", "nAB")]
    [InlineData("""{"n":"A","e":"B"}""", "nAB")]
    [InlineData("""{"n":"A"}""", null)]
    [InlineData("""[]""", null)]
    public void Concatenated_OldSpellings_AreTheTexts(string key, string? expected)
    {
        Result<string> result = RuntimeDataForms.Concatenated("n", HostileJson.Parse(key).Require());

        Assert.Equal(expected, result.TryGet(out string? text, out _) ? text : null);
    }

    [Theory]
    [InlineData(JweAlgorithms.EcdhEsA256Kw, "P-256", "-----BEGIN PRIVATE KEY-----")]
    [InlineData(JweAlgorithms.EcdhEsA256Kw, "P-521", "-----BEGIN PRIVATE KEY-----")]
    [InlineData(JweAlgorithms.RsaOaep256, "P-256", "-----BEGIN RSA PRIVATE KEY-----")]
    public void AgentToken_Written_ReadsBack(JweAlgorithms algorithm, string curve, string label)
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(algorithm, curve);
        using SigningKey signer = SigningKey.Generate(JwsAlgorithms.ES256);
        var token = new AttestationToken(Jws.Sign([], "{\"exp\":1790000200}"u8, signer));

        byte[] bytes = AgentToken.Write(token, key);

        Assert.Contains(label, Encoding.UTF8.GetString(bytes));
        using AgentToken read = AgentToken.Parse(bytes).Require();
        Assert.Equal(token, read.Token);
        Assert.True(read.Key.PublicJwk.IsSameKey(key.PublicJwk));
        Assert.Equal(1790000200, read.ExpiresAt?.ToUnixTimeSeconds());
    }

    [Fact]
    public void AgentToken_Mutated_NeverThrows()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using SigningKey signer = SigningKey.Generate(JwsAlgorithms.ES256);
        Mutations.Sample(
            AgentToken.Write(new AttestationToken(Jws.Sign([], "{\"exp\":1}"u8, signer)), key),
            bytes =>
            {
                if (AgentToken.Parse(bytes).TryGet(out AgentToken? token, out _))
                {
                    token.Dispose();
                }
            },
            iterations: 500);
    }

    [Fact]
    public void ErrorInformation_RoundTrips_InTheOrderOfTheProtocol()
    {
        var error = new ErrorInformation(ErrorInformation.TypePrefix + "PolicyDeny", "Access denied by policy");

        Assert.Equal("""{"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"Access denied by policy"}""", Encoding.UTF8.GetString(error.ToUtf8()));
        Assert.Equal(error, ErrorInformation.Parse(error.ToUtf8()).Require());
        Assert.Equal("PolicyDeny", error.Kind);
        Assert.NotNull(ErrorInformation.Parse("""{"type":"x"}"""u8).Refusal);
        Assert.NotNull(ErrorInformation.Parse("""{"type":"x","detail":1}"""u8).Refusal);
        Assert.NotNull(ErrorInformation.Parse(""u8).Refusal);
    }

    private static string Digest(JsonObject data) => Hex.Encode(DigestAlgorithm.Sha384.Compute(CanonicalJson.Write(data).Require()));
}
