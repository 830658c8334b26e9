// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;
using Coco.Simulator.Tpm;
using Coco.Tee.Tpm;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Tpm;
using Microsoft.Extensions.Time.Testing;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Tpm;

public sealed class TpmEndorsementTests : IDisposable
{
    private readonly FakeTimeProvider _clock = Clock();
    private readonly SimulatedAuthority _vendor = SimulatedAuthority.CreateRoot("CN=Simulated TPM vendor", Now, rsa: true);
    private readonly SimulatedAuthority _stranger = SimulatedAuthority.CreateRoot("CN=Simulated TPM vendor", Now, rsa: true);
    private readonly SimulatedTpm _tpm = new();
    private readonly Secret _key = Secret.Random(32);
    private readonly TpmVerifier _verifier;

    public TpmEndorsementTests() => _verifier = new TpmVerifier(Options);

    private TpmVerifierOptions Options => new()
    {
        Clock = _clock,
        Roots = [new TrustedKey("vendor", _vendor.PublicKeyInfo)],
        RequireEndorsement = true,
        ChallengeKey = _ => new(_key),
    };

    public void Dispose()
    {
        _vendor.Dispose();
        _stranger.Dispose();
        _tpm.Dispose();
        _key.Dispose();
    }

    [Theory]
    [InlineData(TpmAlgorithm.RsaSsa)]
    [InlineData(TpmAlgorithm.EcDsa)]
    public async Task Verify_AnsweredCredentialChallenge_EndorsesTheKey(TpmAlgorithm scheme)
    {
        using var tpm = new SimulatedTpm(scheme);

        JsonObject claims = await ClaimsAsync(_verifier, await AnsweredAsync(tpm));

        Assert.Equal("endorsement-key", (string)claims["ak_endorsed_by"]!);
        Assert.Null(claims["simulated"]);
    }

    [Fact]
    public async Task Verify_EndorsementOfASimulatedRoot_SaysSo()
    {
        var verifier = new TpmVerifier(Options with { Roots = [new TrustedKey("simulated", _vendor.PublicKeyInfo) { IsSimulated = true }] });

        JsonObject claims = await ClaimsAsync(verifier, await AnsweredAsync(_tpm));

        Assert.True((bool)claims["simulated"]!);
    }

    [Fact]
    public async Task Verify_AkCertificate_EndorsesTheKey()
    {
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        evidence["ak_certificates"] = new JsonArray(Convert.ToBase64String(_vendor.Issue("CN=AK", _tpm.AkPublic, [])));

        JsonObject claims = await ClaimsAsync(_verifier, evidence);

        Assert.Equal("certificate", (string)claims["ak_endorsed_by"]!);
    }

    [Fact]
    public async Task Verify_AkCertificateOfAnotherKeyOrRoot_IsRefused()
    {
        using var other = new SimulatedTpm();
        JsonObject otherKey = _tpm.GetEvidence(Nonce);
        otherKey["ak_certificates"] = new JsonArray(Convert.ToBase64String(_vendor.Issue("CN=AK", other.AkPublic, [])));
        JsonObject otherRoot = _tpm.GetEvidence(Nonce);
        otherRoot["ak_certificates"] = new JsonArray(Convert.ToBase64String(_stranger.Issue("CN=AK", _tpm.AkPublic, [])));
        JsonObject old = _tpm.GetEvidence(Nonce);
        old["ak_certificates"] = new JsonArray(Convert.ToBase64String(_vendor.Issue("CN=AK", _tpm.AkPublic, [], c => c with { NotAfter = Now.AddDays(-1) })));

        await AssertRefusedAsync(_verifier, otherKey, "tpm.ak-certificate", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, otherRoot, "tpm.ak-certificate", RefusalCode.Untrusted);
        await AssertRefusedAsync(_verifier, old, "tpm.ak-certificate", RefusalCode.Expired);
    }

    [Fact]
    public async Task Verify_EndorsementDemandedAndMissing_IsRefused()
    {
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce), "tpm.endorsement-required", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Challenge_EkCertificateOfAnotherRoot_IsRefused()
    {
        Refusal? refusal = (await ChallengeAsync(_tpm.GetEndorsementParameters([_tpm.IssueEkCertificate(_stranger)]))).Refusal;

        Assert.Equal("tpm.ek-certificate", refusal?.Check);
        Assert.Equal(RefusalCode.Untrusted, refusal!.Code);
    }

    [Fact]
    public async Task Challenge_CertificateWithoutEkUsage_IsRefused()
    {
        JsonObject parameters = _tpm.GetEndorsementParameters([_tpm.IssueEkCertificate(_vendor, c => c with { Extensions = [] })]);

        Assert.Equal("tpm.ek-usage", (await ChallengeAsync(parameters)).Refusal?.Check);
    }

    [Fact]
    public async Task Challenge_EndorsementKeyThatIsNotRsa_IsRefused()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var usage = new System.Security.Cryptography.X509Certificates.X509EnhancedKeyUsageExtension([new System.Security.Cryptography.Oid("2.23.133.8.1")], critical: false);

        Refusal? refusal = (await ChallengeAsync(_tpm.GetEndorsementParameters([_vendor.Issue("CN=EK", key.ExportSubjectPublicKeyInfo(), [usage])]))).Refusal;

        Assert.Equal(("tpm.ek-usage", RefusalCode.Unsupported), (refusal?.Check, refusal!.Code));
    }

    [Theory]
    [InlineData(TpmPublic.Restricted)]
    [InlineData(TpmPublic.FixedTpm)]
    [InlineData(TpmPublic.FixedParent)]
    [InlineData(TpmPublic.SensitiveDataOrigin)]
    [InlineData(TpmPublic.SignEncrypt)]
    public async Task Challenge_KeyThatIsNotRestricted_IsRefused(uint missing)
    {
        const uint All = TpmPublic.FixedTpm | TpmPublic.FixedParent | TpmPublic.SensitiveDataOrigin | TpmPublic.Restricted | TpmPublic.SignEncrypt;
        byte[] certificate = _tpm.IssueEkCertificate(_vendor);

        Assert.Equal("tpm.ak-attributes", (await ChallengeAsync(_tpm.GetEndorsementParameters([certificate], All & ~missing))).Refusal?.Check);
        Assert.Equal("tpm.ak-attributes", (await ChallengeAsync(_tpm.GetEndorsementParameters([certificate], All | TpmPublic.Decrypt))).Refusal?.Check);
    }

    [Fact]
    public async Task Challenge_WithoutParameters_IsEmpty()
    {
        Assert.Equal(string.Empty, (await ChallengeAsync(new JsonObject())).Require());
    }

    [Fact]
    public async Task Verify_EkCertificateOverItsTime_IsRefused()
    {
        JsonObject evidence = await AnsweredAsync(_tpm, c => c with { NotAfter = Now.AddDays(1) });
        _clock.Advance(TimeSpan.FromDays(2));

        await AssertRefusedAsync(_verifier, evidence, "tpm.ek-certificate", RefusalCode.Expired);
    }

    [Fact]
    public async Task Verify_EndorsementOfAnotherAttestationKey_IsRefused()
    {
        using var other = new SimulatedTpm();
        using var elliptic = new SimulatedTpm(TpmAlgorithm.EcDsa);
        using var otherElliptic = new SimulatedTpm(TpmAlgorithm.EcDsa);
        foreach ((SimulatedTpm endorsed, SimulatedTpm tpm) in ((SimulatedTpm, SimulatedTpm)[])[(_tpm, other), (_tpm, elliptic), (elliptic, otherElliptic), (elliptic, _tpm)])
        {
            JsonObject evidence = tpm.GetEvidence(Nonce);
            evidence["endorsement"] = (await AnsweredAsync(endorsed))["endorsement"]!.DeepClone();

            await AssertRefusedAsync(_verifier, evidence, "tpm.ak-binding", RefusalCode.Mismatch);
        }
    }

    [Fact]
    public async Task Verify_OtherSecretOrState_IsRefused()
    {
        JsonObject secret = await AnsweredAsync(_tpm);
        secret["endorsement"]!["secret"] = Convert.ToBase64String(new byte[32]);
        JsonObject state = await AnsweredAsync(_tpm);
        byte[] bytes = Convert.FromBase64String((string)state["endorsement"]!["state"]!);
        bytes[^1] ^= 1;
        state["endorsement"]!["state"] = Convert.ToBase64String(bytes);
        JsonObject shorter = await AnsweredAsync(_tpm);
        shorter["endorsement"]!["state"] = Convert.ToBase64String(bytes.AsSpan(1));
        JsonObject swapped = await AnsweredAsync(_tpm);
        using var other = new SimulatedTpm();
        swapped["endorsement"]!["state"] = (await AnsweredAsync(other))["endorsement"]!["state"]!.DeepClone();
        using Secret otherKey = Secret.Random(32);
        var otherService = new TpmVerifier(Options with { ChallengeKey = _ => new(otherKey) });

        await AssertRefusedAsync(_verifier, secret, "tpm.credential", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, state, "tpm.credential", RefusalCode.BadSignature);
        await AssertRefusedAsync(_verifier, shorter, "tpm.credential", RefusalCode.Malformed);
        await AssertRefusedAsync(_verifier, swapped, "tpm.credential", RefusalCode.BadSignature);
        await AssertRefusedAsync(otherService, await AnsweredAsync(_tpm), "tpm.credential", RefusalCode.BadSignature);
        await AssertRefusedAsync(new TpmVerifier(Options with { ChallengeKey = null }), await AnsweredAsync(_tpm), "tpm.credential", RefusalCode.Unsupported);
    }

    [Fact]
    public async Task Verify_AnswerThatCameTooLate_IsRefused()
    {
        JsonObject evidence = await AnsweredAsync(_tpm);
        _clock.Advance(TimeSpan.FromMinutes(10));
        await ClaimsAsync(_verifier, evidence);
        _clock.Advance(TimeSpan.FromSeconds(1));

        await AssertRefusedAsync(_verifier, evidence, "tpm.credential", RefusalCode.Expired);
    }

    [Fact]
    public async Task ActivateCredential_OfAnotherTpm_Fails()
    {
        using var other = new SimulatedTpm();
        JsonNode challenge = JsonNode.Parse((await ChallengeAsync(_tpm.GetEndorsementParameters([_tpm.IssueEkCertificate(_vendor)]))).Require())!;

        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => other.ActivateCredential(Bytes(challenge, "credential_blob"), Bytes(challenge, "encrypted_secret")));
    }

    private static byte[] Bytes(JsonNode json, string name) => Convert.FromBase64String((string)json[name]!);

    private async Task<Result<string>> ChallengeAsync(JsonObject parameters) =>
        await _verifier.CreateChallengeAsync(Element(parameters), TestContext.Current.CancellationToken);

    private async Task<JsonObject> AnsweredAsync(SimulatedTpm tpm, Func<CertificateContent, CertificateContent>? change = null)
    {
        JsonObject parameters = tpm.GetEndorsementParameters([tpm.IssueEkCertificate(_vendor, change)]);
        JsonNode challenge = JsonNode.Parse((await ChallengeAsync(parameters)).Require())!;
        JsonObject endorsement = parameters.DeepClone().AsObject();
        endorsement["secret"] = Convert.ToBase64String(tpm.ActivateCredential(Bytes(challenge, "credential_blob"), Bytes(challenge, "encrypted_secret")));
        endorsement["state"] = (string)challenge["state"]!;
        JsonObject evidence = tpm.GetEvidence(Nonce);
        evidence["endorsement"] = endorsement;
        return evidence;
    }
}
