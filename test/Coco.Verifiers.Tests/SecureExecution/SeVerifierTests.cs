// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.SecureExecution;
using Coco.Tee.SecureExecution;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.SecureExecution;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.SecureExecution;

public sealed class SeVerifierTests : IDisposable
{
    private readonly SimulatedSeHost _host = new(Now);
    private readonly RSA _serviceKey = RSA.Create(2048);
    private readonly SeVerifier _verifier;

    public SeVerifierTests() => _verifier = new SeVerifier(Options());

    public void Dispose()
    {
        _host.Dispose();
        _serviceKey.Dispose();
    }

    private static byte[] ReportData => [.. SHA512.HashData("runtime data"u8)];

    private static Binding Expected => Binding.ToDigest(ReportData);

    [Fact]
    public async Task Verify_AnsweredChallenge_GivesClaims()
    {
        byte[] digest = [];
        JsonObject evidence = await AnswerAsync(f => digest = f.AdditionalData[..32]);

        JsonObject claims = await ClaimsAsync(_verifier, evidence, Expected);

        Assert.Equal(Convert.ToHexStringLower(ReportData), (string)claims["report_data"]!);
        Assert.Equal(Convert.ToHexStringLower(digest), (string)claims["image_phkh"]!);
        Assert.Equal(Convert.ToHexStringLower(digest), (string)claims["attestation_phkh"]!);
        Assert.Equal(Convert.ToHexStringLower(Convert.FromBase64String((string)evidence["cuid"]!)), (string)claims["cuid"]!);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("tag"u8).AsSpan(0, 16)), (string)claims["tag"]!);
        Assert.Equal(256, (int)claims["version"]!);
        Assert.Equal(6, claims.Count);
        Assert.Equal(string.Empty, (string)(await ClaimsAsync(_verifier, evidence, Binding.NotChecked))["report_data"]!);
    }

    [Fact]
    public async Task CreateChallenge_OfTwoHosts_OpensOnBoth()
    {
        using var second = new SimulatedSeHost(Now);
        var verifier = new SeVerifier(Options() with
        {
            HostKeyDocuments = [_host.HostKeyDocument, second.HostKeyDocument],
            HostKeyCheck = SeHostKeyCheck.Create(new SeHostKeyOptions { InsecureSkipVerification = true }).Require(),
        });
        string challenge = await ChallengeAsync(verifier);

        Assert.NotNull(await ClaimsAsync(verifier, second.GetEvidence(challenge, ReportData), Expected));
        Assert.NotNull(await ClaimsAsync(verifier, _host.GetEvidence(challenge, ReportData), Expected));
        using var third = new SimulatedSeHost(Now);
        Assert.ThrowsAny<CryptographicException>(() => third.GetEvidence(challenge, ReportData));
    }

    [Fact]
    public async Task CreateChallenge_HasTheMembersOfTheProtocol()
    {
        JsonNode challenge = JsonNode.Parse(await ChallengeAsync(_verifier))!;
        JsonNode again = JsonNode.Parse(await ChallengeAsync(_verifier))!;

        Assert.Equal(400, Convert.FromBase64String((string)challenge["request_blob"]!).Length);
        Assert.Equal(64, (int)challenge["measurement_size"]!);
        Assert.Equal(64, (int)challenge["additional_size"]!);
        Assert.Equal(208, Convert.FromBase64String((string)challenge["image_hdr_tags"]!).Length);
        Assert.NotEqual((string)challenge["request_blob"]!, (string)again["request_blob"]!);
        Assert.NotEqual((string)challenge["encr_measurement_key"]!, (string)again["encr_measurement_key"]!);
    }

    [Fact]
    public async Task CreateChallenge_WithoutHeaderHostKeyOrTrust_IsRefused()
    {
        SeVerifierOptions untrusted = Options() with { HostKeyCheck = SeHostKeyCheck.Create(new SeHostKeyOptions { Clock = Clock() }).Require() };

        Assert.Equal(RefusalCode.Unsupported, (await CreateAsync(new SeVerifier(Options() with { ImageHeader = null }))).Refusal!.Code);
        Assert.Equal(RefusalCode.Unsupported, (await CreateAsync(new SeVerifier(Options() with { HostKeyDocuments = [] }))).Refusal!.Code);
        Assert.Equal(RefusalCode.Untrusted, (await CreateAsync(new SeVerifier(untrusted))).Refusal!.Code);
        Assert.Equal("se.signing-key", (await CreateAsync(new SeVerifier(untrusted))).Refusal!.Check);
    }

    [Fact]
    public void Verifier_WithAShortKey_CannotBeMade()
    {
        using RSA weak = RSA.Create(1024);

        Assert.Throws<ArgumentException>(() => new SeVerifier(Options() with { EncryptionKey = weak }));
    }

    [Theory]
    [InlineData("measurement")]
    [InlineData("cuid")]
    [InlineData("image_hdr_tags")]
    [InlineData("user_data")]
    [InlineData("additional_data")]
    [InlineData("encr_measurement_key")]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused(string member)
    {
        JsonObject evidence = await AnswerAsync();
        evidence[member] = member is "cuid" or "measurement" or "image_hdr_tags" ? "AAAA" : "!";

        await AssertRefusedAsync(_verifier, evidence, "se.form", reportData: Expected);
    }

    [Fact]
    public async Task Verify_AnyMemberChangedAfterMeasuring_IsRefused()
    {
        Action<SeEvidenceFields, byte[]>[] changes =
        [
            (_, m) => m[63] ^= 1,
            (f, _) => f.UserData[63] ^= 1,
            (f, _) => f.UserData = [.. f.UserData, 0],
            (f, _) => f.AdditionalData[0] ^= 1,
            (f, _) => f.AdditionalData[63] ^= 1,
            (f, _) => f.Cuid[15] ^= 1,
            (f, _) => f.ImageTags[0] ^= 1,
            (f, _) => f.ImageTags[207] ^= 1,
        ];
        foreach (Action<SeEvidenceFields, byte[]> change in changes)
        {
            await AssertRefusedAsync(_verifier, await AnswerAsync(f => f.Afterwards = change), "se.measurement", RefusalCode.BadSignature, Expected);
        }
    }

    [Fact]
    public async Task Verify_KeyOfAnotherService_IsRefusedLikeAWrongMeasurement()
    {
        using RSA other = RSA.Create(2048);
        JsonObject wrongKey = await AnswerAsync();
        wrongKey["encr_measurement_key"] = Convert.ToBase64String(other.Encrypt(new byte[64], RSAEncryptionPadding.Pkcs1));
        JsonObject wrongSize = await AnswerAsync();
        wrongSize["encr_request_nonce"] = Convert.ToBase64String(_serviceKey.Encrypt(new byte[15], RSAEncryptionPadding.Pkcs1));
        JsonObject noCiphertext = await AnswerAsync();
        noCiphertext["encr_measurement_key"] = string.Empty;
        Refusal? expected = (await RunAsync(_verifier, await AnswerAsync(f => f.Afterwards = (_, m) => m[0] ^= 1), Expected)).Refusal;

        Assert.Equal("se.measurement", expected?.Check);
        foreach (JsonObject evidence in (JsonObject[])[wrongKey, wrongSize, noCiphertext])
        {
            Assert.Equal(expected, (await RunAsync(_verifier, evidence, Expected)).Refusal);
        }
    }

    [Fact]
    public async Task Verify_OtherReportData_IsRefused()
    {
        await AssertRefusedAsync(_verifier, await AnswerAsync(f => f.UserData[0] ^= 1), "se.report-data", RefusalCode.Mismatch, Expected);
        await AssertRefusedAsync(_verifier, await AnswerAsync(), "se.report-data", RefusalCode.Mismatch, default(Binding));
    }

    [Fact]
    public async Task Verify_ShortUserData_IsRefused()
    {
        await AssertRefusedAsync(_verifier, await AnswerAsync(f => f.UserData = f.UserData[..63]), "se.report-data", RefusalCode.Mismatch, Expected);
    }

    [Fact]
    public async Task Verify_ShortAdditionalData_IsRefused()
    {
        await AssertRefusedAsync(_verifier, await AnswerAsync(f => f.AdditionalData = f.AdditionalData[..32]), "se.additional-data", RefusalCode.Malformed, Expected);
    }

    [Fact]
    public async Task Verify_InitData_IsPassedOver()
    {
        var record = new VerificationRecord();

        await ClaimsAsync(_verifier, await AnswerAsync(), Expected, Binding.ToDigest(new byte[32]), record);

        Assert.Contains(record.Checks, c => c is { Check: "se.init-data", Held: null });
    }

    private SeVerifierOptions Options() => new()
    {
        EncryptionKey = _serviceKey,
        ImageHeader = SeImageHeader.Parse(SimulatedSeHost.MakeImageHeader()).Require(),
        HostKeyDocuments = [_host.HostKeyDocument],
        HostKeyCheck = SeHostKeyCheck.Create(new SeHostKeyOptions
        {
            Clock = Clock(),
            Roots = [new TrustedKey("root", _host.Root.PublicKeyInfo)],
            Certificates = _host.Certificates,
            RevocationLists = _host.RevocationLists,
        }).Require(),
    };

    private static async Task<Result<string>> CreateAsync(SeVerifier verifier) =>
        await verifier.CreateChallengeAsync(Element(new JsonObject()), TestContext.Current.CancellationToken);

    private static async Task<string> ChallengeAsync(SeVerifier verifier) => (await CreateAsync(verifier)).Require();

    private async Task<JsonObject> AnswerAsync(Action<SeEvidenceFields>? change = null) => _host.GetEvidence(await ChallengeAsync(_verifier), ReportData, change);
}
