// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Attestation.Tests;

/// <summary>The tokens of earlier releases (attestation-service.md 11.1).</summary>
public sealed class SimpleTokenTests
{
    [Theory]
    [InlineData(TokenForm.SimpleFirst, "typ,alg", "iss,jwk,nbf,exp,tee-pubkey,tcb-status,evaluation-report")]
    [InlineData(TokenForm.SimpleV09, "typ,alg", "iss,iat,jti,jwk,nbf,exp,tee,evaluation-reports,tcb-status,reference-data,customized_claims")]
    [InlineData(TokenForm.SimpleV011, "typ,alg,jwk", "iss,iat,jti,nbf,exp,tee,evaluation-reports,tcb-status,customized_claims")]
    public async Task Attest_EachForm_HasItsClaimsAndVerifies(TokenForm form, string header, string claims)
    {
        await using var test = new TestAttestation(new AttestationOptions { Token = new TokenOptions { Form = form } });
        System.Text.Json.JsonElement runtime = TestAttestation.Json("""{"tee-pubkey":{"kty":"RSA"},"nonce":"n"}""");
        byte[] reportData = SHA384.HashData(CanonicalJson.Write(runtime).Require());

        string compact = (await test.Core.AttestAsync([TestAttestation.Sample(RuntimeDataInput.Structured(runtime), reportData)], [], CancellationToken.None)).Token.Require().Compact;

        JsonObject head = TestAttestation.Part(compact, 0), payload = TestAttestation.Part(compact, 1);
        Assert.Equal(header, string.Join(',', head.Select(m => m.Key)));
        Assert.Equal(claims, string.Join(',', payload.Select(m => m.Key)));
        Assert.Equal("RS384", (string?)head["alg"]);
        using VerificationKey key = VerificationKey.FromJwk(Jwk.Parse(TestAttestation.Json((head["jwk"] ?? payload["jwk"])!.ToJsonString())).Require()).Require();
        Assert.Null(JwsMessage.Parse(compact).Require().Verify(key, JwsAlgorithms.RS384));
        JsonObject status = form == TokenForm.SimpleV011 ? JsonNode.Parse((string)payload["tcb-status"]!)!.AsObject() : payload["tcb-status"]!.AsObject();
        Assert.Equal("abcde", (string?)status["sample.launch_digest"]);
        Assert.Equal(4, (int?)status["sample.platform_version.minor"]);
        Assert.Equal(Convert.ToBase64String(reportData), (string?)status["report_data"]);
        Assert.Equal(string.Empty, (string?)status["init_data"]);
    }

    [Fact]
    public async Task Attest_ClaimOutsideItsReferenceValues_IsRejectedByPolicy()
    {
        await using var test = new TestAttestation(new AttestationOptions { Token = new TokenOptions { Form = TokenForm.SimpleV011 } });
        test.References.Set("sample.svn", """["1"]""");
        Assert.Null(await test.CodeAsync(TestAttestation.Sample()));

        test.References.Set("sample.svn", """["2"]""");
        Result<JsonObject> result = await test.AttestAsync(TestAttestation.Sample());

        Assert.Equal("Reject by policy default", result.Refusal?.Detail);
    }
}
