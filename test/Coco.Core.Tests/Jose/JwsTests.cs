// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Coco.Core.Tests;

public sealed class JwsTests
{
    private const JwsAlgorithms All = (JwsAlgorithms)~0;

    public static TheoryData<string> Rfc() => [.. RfcExamples.Sources("jws")];

    public static TheoryData<JwsAlgorithms> Algorithms() =>
    [
        JwsAlgorithms.ES256, JwsAlgorithms.ES384, JwsAlgorithms.ES512, JwsAlgorithms.RS256, JwsAlgorithms.RS384, JwsAlgorithms.RS512,
        JwsAlgorithms.PS256, JwsAlgorithms.PS384, JwsAlgorithms.PS512, JwsAlgorithms.EdDSA,
    ];

    [Theory]
    [MemberData(nameof(Rfc))]
    public void Verify_RfcExamples_Accepted(string source)
    {
        JsonElement example = RfcExamples.Get("jws", source);
        using VerificationKey key = VerificationKey.FromJwk(Jwk.Parse(example.GetProperty("key")).Require()).Require();
        JwsMessage message = JwsMessage.Parse(example.GetProperty("compact").GetString()!).Require();

        Assert.Null(message.Verify(key, All));
        Assert.Equal(example.GetProperty("payload").GetString(), Encoding.UTF8.GetString(message.Payload.Span));
    }

    public static TheoryData<string> RfcRefused() => [.. RfcExamples.Sources("jwsRefused")];

    public static TheoryData<string> RfcKeys() => [.. RfcExamples.Sources("jwk")];

    // HMAC and "none" are right by the RFC and never accepted here, whatever key is at hand.
    [Theory]
    [MemberData(nameof(RfcRefused))]
    public void Verify_RfcExamplesOfOtherAlgorithms_Refused(string source)
    {
        JwsMessage message = JwsMessage.Parse(RfcExamples.Get("jwsRefused", source).GetProperty("compact").GetString()!).Require();
        foreach (string example in RfcExamples.Sources("jws"))
        {
            using VerificationKey key = VerificationKey.FromJwk(Jwk.Parse(RfcExamples.Get("jws", example).GetProperty("key")).Require()).Require();
            Assert.Equal(RefusalCode.Unsupported, message.Verify(key, All)?.Code);
        }
    }

    [Theory]
    [MemberData(nameof(RfcKeys))]
    public void JwkParse_RfcExamples_WrittenAsTheyWere(string source)
    {
        JsonElement example = RfcExamples.Get("jwk", source).GetProperty("key");

        Jwk key = Jwk.Parse(example).Require();

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(example.GetRawText()), key.ToJson()));
        Assert.Null(VerificationKey.FromJwk(key).Refusal);
    }

    [Fact]
    public void Sign_Rfc8037_IsDeterministicAndEqual()
    {
        JsonElement example = RfcExamples.Get("jws", "RFC 8037 A.4");
        using SigningKey key = SigningKey.FromJwk(example.GetProperty("key")).Require();

        Assert.Equal(example.GetProperty("compact").GetString(), Jws.Sign([], Encoding.UTF8.GetBytes(example.GetProperty("payload").GetString()!), key));
    }

    // RFC 7638 section 3.1; RFC 8037 A.3.
    [Fact]
    public void Thumbprint_RfcExamples_Equal()
    {
        JsonElement rsa = HostileJson.Parse("""
            {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}
            """).Require();

        Assert.Equal("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", StrictBase64.EncodeUrl(Jwk.Parse(rsa).Require().Thumbprint()));
        Assert.Equal("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", StrictBase64.EncodeUrl(Jwk.Parse(RfcExamples.Get("jws", "RFC 8037 A.4").GetProperty("key")).Require().Thumbprint()));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Sign_EveryAlgorithm_VerifiesAndNothingElseDoes(JwsAlgorithms algorithm)
    {
        using SigningKey key = SigningKey.Generate(algorithm);
        using SigningKey other = SigningKey.Generate(algorithm);
        using VerificationKey publicKey = key.ToVerificationKey();
        using VerificationKey stranger = other.ToVerificationKey();
        string compact = Jws.Sign(new JsonObject { ["typ"] = "JWT" }, "{\"exp\":1}"u8, key);
        JwsMessage message = JwsMessage.Parse(compact).Require();

        Assert.Null(message.Verify(publicKey, algorithm));
        Assert.Equal(RefusalCode.BadSignature, message.Verify(stranger, algorithm)?.Code);
        Assert.Equal(RefusalCode.Unsupported, message.Verify(publicKey, All & ~algorithm)?.Code);
        using SigningKey fromPem = SigningKey.FromPem(key.ExportPem(), algorithm).Require();
        Assert.True(fromPem.PublicJwk.IsSameKey(key.PublicJwk));
        using VerificationKey fromSpki = VerificationKey.FromSubjectPublicKeyInfo(publicKey.SubjectPublicKeyInfo).Require();
        Assert.Null(message.Verify(fromSpki, algorithm));
        using VerificationKey pem = VerificationKey.FromPem(PemEncoding.WriteString("PUBLIC KEY", publicKey.SubjectPublicKeyInfo.Span)).Require();
        Assert.Null(message.Verify(pem, algorithm));
    }

    // The oracle does not know EdDSA.
    public static TheoryData<JwsAlgorithms> OracleAlgorithms() => [.. Algorithms().Select(row => row.Data).Where(a => a != JwsAlgorithms.EdDSA)];

    [Theory]
    [MemberData(nameof(OracleAlgorithms))]
    public async Task Sign_OracleAlgorithms_IdentityModelAgrees(JwsAlgorithms algorithm)
    {
        using SigningKey key = SigningKey.Generate(algorithm);
        string compact = Jws.Sign(new JsonObject { ["typ"] = "JWT" }, "{\"exp\":4102444800}"u8, key);

        TokenValidationResult result = await new JsonWebTokenHandler().ValidateTokenAsync(
            compact,
            new TokenValidationParameters
            {
                IssuerSigningKey = new JsonWebKey(key.PublicJwk.ToJson().ToJsonString()),
                ValidateIssuer = false,
                ValidateAudience = false,
            });

        Assert.True(result.IsValid, result.Exception?.Message);
    }

    [Theory]
    [InlineData(Jose.JwsAlgorithm.ES256, JwsAlgorithms.ES256)]
    [InlineData(Jose.JwsAlgorithm.ES384, JwsAlgorithms.ES384)]
    [InlineData(Jose.JwsAlgorithm.ES512, JwsAlgorithms.ES512)]
    public void Verify_SignedByJoseJwt_Accepted(Jose.JwsAlgorithm theirs, JwsAlgorithms ours)
    {
        using SigningKey key = SigningKey.Generate(ours);
        using ECDsa ec = ECDsa.Create();
        ec.ImportFromPem(key.ExportPem());
        string compact = Jose.JWT.Encode("{\"a\":1}", ec, theirs);
        using VerificationKey publicKey = key.ToVerificationKey();

        Assert.Null(JwsMessage.Parse(compact).Require().Verify(publicKey, ours));
        Assert.Equal("{\"a\":1}", Jose.JWT.Decode(Jws.Sign([], "{\"a\":1}"u8, key), ec));
    }

    [Theory]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"HS256"}""")]
    [InlineData("""{"alg":"es256"}""")]
    [InlineData("""{"alg":"ES384"}""")]
    public void Verify_OtherAlgorithmInHeader_Refused(string header)
    {
        using SigningKey key = SigningKey.Generate(JwsAlgorithms.ES256);
        using VerificationKey publicKey = key.ToVerificationKey();
        byte[] input = Jws.SigningInput(Encoding.UTF8.GetBytes(header), "{}"u8);

        Refusal? refusal = JwsMessage.Parse(Jws.Assemble(input, key.Sign(input))).Require().Verify(publicKey, All);

        Assert.Contains(refusal!.Code, (RefusalCode[])[RefusalCode.Unsupported, RefusalCode.Mismatch]);
    }

    // The classic confusion: a MAC keyed with the public key's text.
    [Fact]
    public void Verify_HmacWithPublicKeyAsSecret_Refused()
    {
        using SigningKey key = SigningKey.Generate(JwsAlgorithms.RS256);
        using VerificationKey publicKey = key.ToVerificationKey();
        byte[] input = Jws.SigningInput("{\"alg\":\"HS256\"}"u8, "{}"u8);
        string forged = Jws.Assemble(input, HMACSHA256.HashData(publicKey.SubjectPublicKeyInfo.Span, input));

        Assert.Equal(RefusalCode.Unsupported, JwsMessage.Parse(forged).Require().Verify(publicKey, All)?.Code);
    }

    [Theory]
    [InlineData("""{"alg":"ES256","crit":["b64"],"b64":false}""")]
    [InlineData("""{"alg":"ES256","crit":[]}""")]
    [InlineData("""{"alg":1}""")]
    [InlineData("""{}""")]
    [InlineData("""[]""")]
    [InlineData("""{"alg":"ES256","alg":"none"}""")]
    [InlineData("""{"alg":"ES256","kid":1}""")]
    public void Parse_BadHeader_Refused(string header) =>
        Assert.NotNull(JwsMessage.Parse(StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(header)) + ".e30.AA").Refusal);

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AA.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30=.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9 .e30.AA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AB")]
    public void Parse_NotCompact_Refused(string text) => Assert.NotNull(JwsMessage.Parse(text).Refusal);

    [Fact]
    public void Parse_TooLong_Refused() => Assert.Equal(RefusalCode.TooLarge, JwsMessage.Parse(new string('a', 100), 99).Refusal?.Code);

    [Fact]
    public void Verify_EcdsaAsDer_Refused()
    {
        using SigningKey key = SigningKey.Generate(JwsAlgorithms.ES256);
        using ECDsa ec = ECDsa.Create();
        ec.ImportFromPem(key.ExportPem());
        using VerificationKey publicKey = key.ToVerificationKey();
        byte[] input = Jws.SigningInput("{\"alg\":\"ES256\"}"u8, "{}"u8);
        byte[] der = ec.SignData(input, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        Assert.Equal(RefusalCode.BadSignature, JwsMessage.Parse(Jws.Assemble(input, der)).Require().Verify(publicKey, All)?.Code);
        Assert.True(publicKey.VerifyDer(JwsAlgorithms.ES256, input, der));
    }

    [Fact]
    public void FromJwk_UnusableKeys_Refused()
    {
        using RSA small = RSA.Create(1024);
        RSAParameters p = small.ExportParameters(false);
        byte[] x = Enumerable.Repeat((byte)1, 32).ToArray();

        Assert.Equal(RefusalCode.Unsupported, VerificationKey.FromJwk(Jwk.FromRsa(p.Modulus, p.Exponent, "RS256")).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, VerificationKey.FromJwk(Jwk.FromPoint("P-256", x, x, "ES256")).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, VerificationKey.FromJwk(Jwk.FromPoint("P-256", x, x, "ES384")).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, VerificationKey.FromJwk(Jwk.FromPoint("P-256", x, x, "HS256")).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, VerificationKey.FromJwk(Jwk.FromEd25519(new byte[32])).Refusal?.Code);
    }

    [Theory]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""")]
    [InlineData("""{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}""")]
    [InlineData("""{"kty":"ec","crv":"P-256","x":"AA","y":"AA"}""")]
    [InlineData("""{"kty":"oct","k":"AA"}""")]
    [InlineData("""{"kty":"RSA","n":"AA=","e":"AQAB"}""")]
    [InlineData("""{"kty":"RSA","n":"","e":"AQAB"}""")]
    [InlineData("""{"kty":"RSA","e":"AQAB"}""")]
    [InlineData("""{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}""")]
    [InlineData("""{"kty":"RSA","n":"AQAB","e":"AQAB","alg":1}""")]
    [InlineData("""{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":"AA"}""")]
    [InlineData("[]")]
    public void JwkParse_BadKeys_Refused(string json) => Assert.NotNull(Jwk.Parse(HostileJson.Parse(json).Require()).Refusal);

    [Fact]
    public void JwkSet_UnknownKeys_LeftOut()
    {
        JwkSet set = JwkSet.Parse("""{"keys":[{"kty":"oct","k":"AA"},{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"},7]}"""u8).Require();

        Assert.Single(set.Keys);
        Assert.NotNull(set.Find("a"));
        Assert.Null(set.Find("b"));
        Assert.NotNull(JwkSet.Parse("[]"u8).Refusal);
        Assert.NotNull(JwkSet.Parse("{}"u8).Refusal);
    }

    [Fact]
    public void Parse_MutatedTokensAndKeys_NeverThrow()
    {
        using SigningKey signer = SigningKey.Generate(JwsAlgorithms.ES256);
        using VerificationKey key = signer.ToVerificationKey();
        Mutations.Sample(
            Encoding.ASCII.GetBytes(Jws.Sign(new JsonObject { ["kid"] = "a" }, "{\"exp\":1}"u8, signer)),
            bytes =>
            {
                if (JwsMessage.Parse(Encoding.Latin1.GetString(bytes)).TryGet(out JwsMessage? m, out _))
                {
                    _ = m.Verify(key, All);
                }
            });
        Mutations.Sample(Jws.ToUtf8(signer.PublicJwk.ToJson()), bytes =>
        {
            if (HostileJson.Parse(bytes).TryGet(out JsonElement e, out _) && Jwk.Parse(e).TryGet(out Jwk? jwk, out _))
            {
                VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? k, out _);
                k?.Dispose();
            }
        });
        Mutations.Sample(key.SubjectPublicKeyInfo.ToArray(), bytes =>
        {
            VerificationKey.FromSubjectPublicKeyInfo(bytes).TryGet(out VerificationKey? k, out _);
            k?.Dispose();
        });
        Mutations.Sample(Encoding.ASCII.GetBytes(signer.ExportPem()), bytes =>
        {
            SigningKey.FromPem(Encoding.Latin1.GetString(bytes)).TryGet(out SigningKey? k, out _);
            k?.Dispose();
        });
    }
}
