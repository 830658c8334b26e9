// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Cca;
using Coco.Verifiers.Cca;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Cca;

public sealed class CcaVerifierTests : IDisposable
{
    private readonly SimulatedCca _cca = new();
    private readonly CcaVerifier _verifier;

    public CcaVerifierTests() => _verifier = new CcaVerifier(new CcaVerifierOptions { TrustAnchors = Anchors(_cca) });

    public void Dispose() => _cca.Dispose();

    [Theory]
    [InlineData("sha-256")]
    [InlineData("sha-512")]
    public async Task Verify_GenuineToken_GivesClaims(string hash)
    {
        byte[] initData = SHA512.HashData("init-data"u8);

        JsonObject claims = await ClaimsAsync(
            _verifier,
            _cca.GetEvidence(Nonce, f =>
            {
                f.PublicKeyHashAlgorithm = hash;
                f.PersonalizationValue = initData;
            }),
            initData: Binding.ToDigest(initData));

        Assert.Equal(Convert.ToHexStringLower(Nonce).PadRight(128, '0'), (string)claims["report_data"]!);
        Assert.Equal(Convert.ToHexStringLower(initData), (string)claims["init_data"]!);
        Assert.Equal(Convert.ToBase64String(initData), (string)claims["realm"]!["cca-realm-personalization-value"]!);
        Assert.Equal("sha-512", (string)claims["realm"]!["cca-realm-hash-algo-id"]!);
        Assert.Equal(4, claims["realm"]!["cca-realm-extensible-measurements"]!.AsArray().Count);
        Assert.Equal(5, claims["realm"]!.AsObject().Count);
        Assert.Equal(Convert.ToBase64String(_cca.InstanceId), (string)claims["platform"]!["cca-platform-instance-id"]!);
        Assert.Equal(2, claims["platform"]!.AsObject().Count);
    }

    [Fact]
    public async Task Verify_TokenOfAnotherForm_IsRefused()
    {
        Action<CcaTokenFields>[] changes =
        [
            f => f.Tag = 400,
            f => f.WithPlatform = false,
            f => f.ExtraMember = 44242,
            f => f.Trailing = [0],
            f => f.Challenge = null,
            f => f.Challenge = new byte[63],
            f => f.PersonalizationValue = null,
            f => f.PersonalizationValue = new byte[32],
            f => f.InitialMeasurement = null,
            f => f.InitialMeasurement = new byte[33],
            f => f.ExtensibleMeasurements = [new byte[32]],
            f => f.ExtensibleMeasurements = [new byte[32], new byte[32], new byte[32], new byte[31]],
            f => f.HashAlgorithm = null,
            f => f.HashAlgorithm = "sha-1",
            f => f.PublicKey = null,
            f => f.PublicKey = new byte[97],
            f => f.PublicKeyHashAlgorithm = "md5",
            f => f.PublicKeyHashAlgorithm = null,
            f => f.RealmProfile = "tag:example.com,2023:realm#1.0.0",
            f => f.PlatformProfile = null,
            f => f.PlatformProfile = "another",
            f => f.PlatformChallenge = new byte[31],
            f => f.ImplementationId = new byte[31],
            f => f.InstanceId = new byte[32],
            f => f.Lifecycle = 0x7000,
            f => f.Lifecycle = 0x0100,
            f => f.Lifecycle = -1,
            f => f.ExtraComponentMember = 9,
        ];
        foreach (Action<CcaTokenFields> change in changes)
        {
            await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, change), "cca.form");
        }

        await AssertRefusedAsync(_verifier, new JsonObject { ["token"] = "AAAA" }, "cca.form");
    }

    [Fact]
    public async Task Verify_UnknownInstanceOrOtherImplementation_IsRefused()
    {
        await AssertRefusedAsync(new CcaVerifier(new CcaVerifierOptions()), _cca.GetEvidence(Nonce), "cca.trust-anchor", RefusalCode.Untrusted);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.InstanceId = [1, .. new byte[32]]), "cca.trust-anchor", RefusalCode.Untrusted);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.ImplementationId = new byte[32]), "cca.trust-anchor", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_ChangedPlatformSignature_IsRefused()
    {
        using var other = new SimulatedCca();
        var stranger = new CcaVerifier(new CcaVerifierOptions { TrustAnchors = Anchors(other) });

        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.ChangePlatformSignature = s => s[0] ^= 1), "cca.platform-signature", RefusalCode.BadSignature);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PlatformAlgorithm = -7), "cca.platform-signature");
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PlatformAlgorithm = -37), "cca.platform-signature", RefusalCode.Unsupported);
        await AssertRefusedAsync(stranger, _cca.GetEvidence(Nonce), "cca.platform-signature", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_ChangedRealmSignature_IsRefused()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        ECParameters point = other.ExportParameters(false);

        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.ChangeRealmSignature = s => s[95] ^= 1), "cca.realm-signature", RefusalCode.BadSignature);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.RealmAlgorithm = -7), "cca.realm-signature");

        // A platform that vouches for another key than the one which signed.
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PublicKey = [4, .. point.Q.X!, .. point.Q.Y!]), "cca.realm-signature", RefusalCode.BadSignature);

        // A point that is not on the curve.
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PublicKey![96] ^= 1), "cca.realm-signature", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_RealmKeyThatThePlatformDoesNotVouchFor_IsRefused()
    {
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PlatformChallenge = new byte[32]), "cca.realm-binding", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.PlatformChallenge = SHA512.HashData(f.PublicKey!)), "cca.realm-binding", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherChallenge_IsRefused()
    {
        byte[] other = [.. Nonce];
        other[0] ^= 1;

        await AssertRefusedAsync(_verifier, _cca.GetEvidence(other), "cca.report-data", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce, f => f.Challenge![63] = 1), "cca.report-data", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce), "cca.report-data", reportData: default(Binding));
    }

    [Fact]
    public Task Verify_NoExpectedChallenge_IsRefused() => AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce), "cca.report-data", RefusalCode.Mismatch, Binding.NotChecked);

    [Fact]
    public async Task Verify_OtherPersonalizationValue_IsRefused()
    {
        byte[] digest = SHA256.HashData("init-data"u8);

        await AssertRefusedAsync(_verifier, _cca.GetEvidence(Nonce), "cca.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(SHA512.HashData("x"u8)));

        // Exact: a shorter digest is not padded.
        await AssertRefusedAsync(
            _verifier, _cca.GetEvidence(Nonce, f => f.PersonalizationValue = [.. digest, .. new byte[32]]), "cca.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(digest));
    }

    [Fact]
    public async Task Verify_ReferenceValues_AreWrittenDown()
    {
        var component = new JsonObject
        {
            ["measurement-value"] = Convert.ToHexString(SHA256.HashData("boot loader"u8)),
            ["signer-id"] = Convert.ToHexString(SHA256.HashData("signer"u8)),
            ["component-type"] = "BL",
        };
        var store = new JsonObject
        {
            ["platform"] = new JsonArray(new JsonObject
            {
                ["implementation-id"] = Convert.ToHexString(_cca.ImplementationId),
                ["platform-configuration"] = "CFCF",
                ["sw-components"] = new JsonArray(component),
            }),
            ["realm"] = new JsonArray(new JsonObject
            {
                ["initial-measurement"] = Convert.ToHexString(SHA512.HashData("a simulated realm"u8)),
                ["rak-hash-algorithm"] = "sha-256",
                ["personalization-value"] = new string('0', 128),
                ["extensible-measurements"] = new JsonArray([.. Enumerable.Repeat(new string('0', 128), 4).Select(t => (JsonNode)JsonValue.Create(t))]),
            }),
        };
        CcaReferenceValueStore values = CcaReferenceValueStore.Parse(Encoding.UTF8.GetBytes(store.ToJsonString())).Require();
        var verifier = new CcaVerifier(new CcaVerifierOptions { TrustAnchors = Anchors(_cca), ReferenceValues = values });
        var matching = new VerificationRecord();
        var other = new VerificationRecord();

        await ClaimsAsync(verifier, _cca.GetEvidence(Nonce), record: matching);
        await ClaimsAsync(
            verifier,
            _cca.GetEvidence(Nonce, f =>
            {
                f.Configuration = [0];
                f.ExtensibleMeasurements[2] = SHA512.HashData("event"u8);
            }),
            record: other);

        Assert.All((string[])["cca.platform-reference-values", "cca.realm-reference-values"], name =>
        {
            Assert.Contains(matching.Checks, c => c.Check == name && c.Held == true);
            Assert.Contains(other.Checks, c => c.Check == name && c.Held is null);
        });
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[{}]")]
    [InlineData("""[{"pkey":{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"},"implementation-id":"00","instance-id":"00"}]""")]
    public void TrustAnchors_OfAnotherForm_AreRefused(string json)
    {
        Assert.NotNull(CcaTrustAnchorStore.Parse(Encoding.UTF8.GetBytes(json)).Refusal);
    }

    [Fact]
    public void TrustAnchors_OfOneInstanceTwice_AreRefused()
    {
        JsonArray anchors = _cca.GetTrustAnchors();
        anchors.Add(anchors[0]!.DeepClone());

        Assert.NotNull(CcaTrustAnchorStore.Parse(Encoding.UTF8.GetBytes(anchors.ToJsonString())).Refusal);
    }

    private static CcaTrustAnchorStore Anchors(SimulatedCca cca) => CcaTrustAnchorStore.Parse(Encoding.UTF8.GetBytes(cca.GetTrustAnchors().ToJsonString())).Require();
}
