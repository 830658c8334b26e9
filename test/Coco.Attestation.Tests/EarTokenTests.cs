// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.Attestation.Tests;

/// <summary>The token, to the letter of attestation-service.md 10.</summary>
public sealed class EarTokenTests
{
    private const string Claims = """{"tee-pubkey":{"kty":"EC"},"nonce":"n","additional-evidence":"{}"}""";

    [Fact]
    public async Task Attest_Sample_GivesTheTokenOfTheSpecification()
    {
        await using var test = new TestAttestation();
        byte[] reportData = SHA384.HashData(CanonicalJson.Write(TestAttestation.Json(Claims)).Require());

        AttestationOutcome outcome = await test.Core.AttestAsync(
            [TestAttestation.Sample(RuntimeDataInput.Structured(TestAttestation.Json(Claims)), reportData)], [], CancellationToken.None);

        string compact = outcome.Token.Require().Compact;
        string payload = Encoding.UTF8.GetString(StrictBase64.DecodeUrl(compact.Split('.')[1]).Require());
        Assert.Equal(
            "{\"eat_profile\":\"tag:github.com,2024:confidential-containers/Trustee\",\"iat\":1772713815,"
            + "\"ear.verifier-id\":{\"developer\":\"https://confidentialcontainers.org\",\"build\":\"attestation-service 0.1.0\"},"
            + "\"submods\":{\"cpu0\":{\"ear.status\":\"contraindicated\","
            + "\"ear.trustworthiness-vector\":{\"instance-identity\":0,\"configuration\":2,\"executables\":33,\"file-system\":0,\"hardware\":97,\"runtime-opaque\":0,\"storage-opaque\":0,\"sourced-data\":0},"
            + "\"ear.appraisal-policy-id\":\"default\","
            + "\"ear.veraison.annotated-evidence\":{\"report_data\":\"" + Convert.ToBase64String(reportData) + "\","
            + "\"runtime_data_claims\":{\"additional-evidence\":\"{}\",\"nonce\":\"n\",\"tee-pubkey\":{\"kty\":\"EC\"}},"
            + "\"sample\":{\"debug\":false,\"launch_digest\":\"abcde\",\"platform_version\":{\"major\":1,\"minor\":4},\"svn\":\"1\"}},"
            + "\"ear.trustee.identifiers\":{\"validated\":{}}}},"
            + "\"exp\":1772714115,\"iss\":\"CoCo-Attestation-Service\"}",
            payload);
    }

    [Fact]
    public async Task Attest_Header_CarriesTheKeyThatVerifiesAndNoKid()
    {
        await using var test = new TestAttestation();

        string compact = (await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None)).Token.Require().Compact;

        JsonObject header = TestAttestation.Part(compact, 0);
        Assert.Equal(["typ", "alg", "jwk"], header.Select(m => m.Key));
        Assert.Equal("JWT", (string?)header["typ"]);
        Assert.Equal(["kty", "crv", "x", "y", "alg"], header["jwk"]!.AsObject().Select(m => m.Key));
        JsonNode keys = JsonNode.Parse(await test.Core.GetKeySetAsync(CancellationToken.None))!;
        Assert.True(JsonNode.DeepEquals(header["jwk"], keys["keys"]![0]));
        JwsMessage message = JwsMessage.Parse(compact).Require();
        using VerificationKey key = VerificationKey.FromJwk(Jwk.Parse(TestAttestation.Json(header["jwk"]!.ToJsonString())).Require()).Require();
        Assert.Null(message.Verify(key, JwsAlgorithms.ES256));
    }

    [Fact]
    public async Task Attest_TwoReplicas_SignWithOneKey()
    {
        await using var one = new TestAttestation();
        await using var two = new TestAttestation(stores: one.Stores);

        string[] keys = await Task.WhenAll(one.Core.GetKeySetAsync(CancellationToken.None).AsTask(), two.Core.GetKeySetAsync(CancellationToken.None).AsTask());

        Assert.Equal(keys[0], keys[1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Attest_ConfiguredKey_IsUsedWithItsCertificates(bool sec1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=signer", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(80));
        string pem = sec1 ? key.ExportECPrivateKeyPem() : key.ExportPkcs8PrivateKeyPem();
        var options = new AttestationOptions
        {
            Signer = new SignerOptions(Secret.CopyOf(Encoding.UTF8.GetBytes(pem))) { CertificateUrl = "https://example.org/c", CertificateChainPem = certificate.ExportCertificatePem() },
        };
        await using var test = new TestAttestation(options);

        JsonNode jwk = JsonNode.Parse(await test.Core.GetKeySetAsync(CancellationToken.None))!["keys"]![0]!;

        Assert.Equal("https://example.org/c", (string?)jwk["x5u"]);
        Assert.Equal(Convert.ToBase64String(certificate.RawData), (string?)jwk["x5c"]![0]);
        Assert.Equal(Base64Url(key.ExportParameters(false).Q.X!), (string?)jwk["x"]);
    }

    [Fact]
    public async Task Attest_KeyOfAnotherCurveOrCertificateOfAnotherKey_DoesNotStart()
    {
        using var wrong = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        await using var test = new TestAttestation(new AttestationOptions { Signer = new SignerOptions(Secret.CopyOf(Encoding.UTF8.GetBytes(wrong.ExportPkcs8PrivateKeyPem()))) });

        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(async () => await test.Core.GetKeySetAsync(CancellationToken.None));

        Assert.Equal("Only P-256 attestation token signing keys are supported", e.Message);
    }

    [Fact]
    public async Task Attest_NotVerbose_LeavesAdditionalEvidenceOut()
    {
        await using var test = new TestAttestation(new AttestationOptions { Token = new TokenOptions { Verbose = false } });
        byte[] reportData = SHA384.HashData(CanonicalJson.Write(TestAttestation.Json(Claims)).Require());

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample(RuntimeDataInput.Structured(TestAttestation.Json(Claims)), reportData));

        JsonObject claims = payload["submods"]!["cpu0"]!["ear.veraison.annotated-evidence"]!["runtime_data_claims"]!.AsObject();
        Assert.Equal(["nonce", "tee-pubkey"], claims.Select(m => m.Key));
    }

    [Fact]
    public async Task Attest_SeveralDevices_CountsFromZeroPerClass()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await test.RequireAsync(
            TestAttestation.Sample(),
            TestAttestation.Input(TeeType.SampleDevice, """{"svn":"1"}"""),
            TestAttestation.Input(TeeType.SampleDevice, """{"svn":"2"}"""));

        Assert.Equal(["cpu0", "gpu0", "gpu1"], payload["submods"]!.AsObject().Select(m => m.Key));
    }

    [Fact]
    public async Task Attest_DeviceWithoutReportData_ShowsNoRuntimeData()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await test.RequireAsync(
            TestAttestation.Input(TeeType.Nvidia, """{"class":"gpu","claims":{"arch":"Hopper"}}""", RuntimeDataInput.Structured(TestAttestation.Json("""{"nonce":"n"}"""))));

        Assert.Equal(["nvidia"], payload["submods"]!["gpu0"]!["ear.veraison.annotated-evidence"]!.AsObject().Select(m => m.Key));
    }

    [Fact]
    public async Task Attest_IntegerOver64Bits_IsRefused()
    {
        await using var test = new TestAttestation();

        Assert.Equal(RefusalCode.Unsupported, await test.CodeAsync(TestAttestation.Input(TeeType.Snp, """{"claims":{"a":[{"b":18446744073709551615}]}}""")));
    }

    [Fact]
    public async Task Attest_SimulatedAllowed_SaysSoInTheToken()
    {
        await using var test = new TestAttestation(new AttestationOptions { InsecureSimulatedTee = true });

        Assert.True((bool)(await test.RequireAsync(TestAttestation.Sample()))["coco.insecure_simulated_tee"]!);
    }

    private static string Base64Url(byte[] bytes) => StrictBase64.EncodeUrl(bytes);
}
