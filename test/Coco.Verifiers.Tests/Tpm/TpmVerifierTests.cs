// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Tpm;
using Coco.Tee.EventLogs;
using Coco.Tee.Tpm;
using Coco.Verifiers.Tpm;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Tpm;

public sealed class TpmVerifierTests : IDisposable
{
    private readonly SimulatedTpm _tpm = new();
    private readonly TpmVerifier _verifier = new(new TpmVerifierOptions());

    public void Dispose() => _tpm.Dispose();

    [Theory]
    [InlineData(TpmAlgorithm.RsaSsa)]
    [InlineData(TpmAlgorithm.RsaPss)]
    [InlineData(TpmAlgorithm.EcDsa)]
    public async Task Verify_GenuineQuote_GivesClaims(TpmAlgorithm scheme)
    {
        using var tpm = new SimulatedTpm(scheme);
        byte[] initData = SHA256.HashData("init-data"u8);
        tpm.Extend(8, initData);

        JsonObject claims = await ClaimsAsync(_verifier, tpm.GetEvidence(Nonce), initData: Binding.ToDigest(initData));

        Assert.Equal(Convert.ToHexStringLower(Nonce)[..64], (string)claims["report_data"]!);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData([.. new byte[32], .. initData])), (string)claims["init_data"]!);
        Assert.Equal((string)claims["init_data"]!, (string)claims["pcr08"]!);
        Assert.Equal(new string('f', 64), (string)claims["pcr17"]!);
        Assert.Equal(Convert.ToBase64String(tpm.AkPublic), (string)claims["ak_public"]!);
        Assert.Equal(27, claims.Count);
    }

    [Theory]
    [InlineData("tpm_quote")]
    [InlineData("ak_public")]
    [InlineData("message")]
    [InlineData("signature")]
    [InlineData("pcrs")]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused(string member)
    {
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        JsonObject parent = evidence.ContainsKey(member) ? evidence : (JsonObject)evidence["tpm_quote"]!;
        parent[member] = new JsonArray("x");

        await AssertRefusedAsync(_verifier, evidence, "tpm.form");
    }

    [Theory]
    [InlineData(23)]
    [InlineData(25)]
    public async Task Verify_OtherNumberOfRegisters_IsRefused(int count)
    {
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        evidence["tpm_quote"]!["pcrs"] = new JsonArray([.. Enumerable.Repeat(new string('0', 64), count).Select(t => (JsonNode)JsonValue.Create(t))]);

        await AssertRefusedAsync(_verifier, evidence, "tpm.form");
    }

    [Fact]
    public async Task Verify_WeakOrForeignAttestationKey_IsRefused()
    {
        using var weak = new SimulatedTpm(rsaKeySize: 1024);
        using ECDsa ed = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1);
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        evidence["ak_public"] = Convert.ToBase64String(ed.ExportSubjectPublicKeyInfo());
        JsonObject trailing = _tpm.GetEvidence(Nonce);
        trailing["ak_public"] = Convert.ToBase64String([.. _tpm.AkPublic, 0]);

        await AssertRefusedAsync(_verifier, weak.GetEvidence(Nonce), "tpm.ak-key", RefusalCode.Unsupported);
        await AssertRefusedAsync(_verifier, evidence, "tpm.ak-key");
        await AssertRefusedAsync(_verifier, trailing, "tpm.ak-key");
    }

    [Fact]
    public async Task Verify_SchemeThatDoesNotFitTheKey_IsRefused()
    {
        using var ec = new SimulatedTpm(TpmAlgorithm.EcDsa);
        JsonObject other = _tpm.GetEvidence(Nonce);
        other["ak_public"] = Convert.ToBase64String(ec.AkPublic);
        JsonObject sha1 = _tpm.GetEvidence(Nonce);
        byte[] signature = Convert.FromBase64String((string)sha1["tpm_quote"]!["signature"]!);
        signature[3] = 4;
        sha1["tpm_quote"]!["signature"] = Convert.ToBase64String(signature);

        await AssertRefusedAsync(_verifier, other, "tpm.signature-scheme", RefusalCode.Unsupported);
        await AssertRefusedAsync(_verifier, sha1, "tpm.signature-scheme", RefusalCode.Unsupported);
    }

    [Fact]
    public async Task Verify_ChangedMessageOrSignature_IsRefused()
    {
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.ChangeMessage = m => m[50] ^= 1), "tpm.quote-signature", RefusalCode.BadSignature);
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.ChangeSignature = s => s[9] ^= 1), "tpm.quote-signature", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_QuoteOfAnotherKey_IsRefused()
    {
        using var other = new SimulatedTpm();
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        evidence["ak_public"] = Convert.ToBase64String(other.AkPublic);

        await AssertRefusedAsync(_verifier, evidence, "tpm.quote-signature", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_SignedMessageThatIsNoQuote_IsRefused()
    {
        // A restricted key signs foreign data only without the magic; other attestations have another type.
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.Magic = 0x12345678), "tpm.quote-form", RefusalCode.Malformed);
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.Type = 0x8017), "tpm.quote-form", RefusalCode.Malformed);
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.Trailing = [0]), "tpm.quote-form", RefusalCode.Malformed);
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.Safe = 2), "tpm.quote-form", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_FewerRegistersOrAnotherBankQuoted_IsRefused()
    {
        JsonObject fewer = _tpm.GetEvidence(Nonce, f => f.Selections[0] = new TpmPcrSelection(TpmAlgorithm.Sha256, 0x0000_438F));
        JsonObject none = _tpm.GetEvidence(Nonce, f => f.Selections.Clear());
        JsonObject bank = _tpm.GetEvidence(Nonce, f =>
        {
            f.Selections[0] = new TpmPcrSelection(TpmAlgorithm.Sha1, TpmPcrSelection.AllTwentyFour);
            f.PcrDigest = new byte[32];
        });

        await AssertRefusedAsync(_verifier, fewer, "tpm.pcr-selection", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, none, "tpm.pcr-selection", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, bank, "tpm.pcr-selection", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherRegistersHandedOver_IsRefused()
    {
        for (int register = 0; register < 24; register++)
        {
            byte[][] given = [.. _tpm.Registers];
            given[register][31] ^= 1;

            await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.HandedOver = given), "tpm.pcr-digest", RefusalCode.Mismatch);
        }
    }

    [Fact]
    public async Task Verify_OtherNonce_IsRefused()
    {
        byte[] other = [.. Nonce];
        other[31] ^= 1;

        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(other), "tpm.nonce", RefusalCode.Mismatch);
        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce), "tpm.nonce", reportData: default(Binding));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(64)]
    public async Task Verify_NonceOfAnotherLength_IsRefused(int length)
    {
        byte[] nonce = new byte[length];
        Nonce.AsSpan(0, Math.Min(length, Nonce.Length)).CopyTo(nonce);

        await AssertRefusedAsync(_verifier, _tpm.GetEvidence(Nonce, f => f.ExtraData = nonce), "tpm.nonce", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherInitData_IsRefused()
    {
        byte[] digest = SHA256.HashData("init-data"u8);
        JsonObject without = _tpm.GetEvidence(Nonce);
        _tpm.Extend(8, digest);
        JsonObject with = _tpm.GetEvidence(Nonce);
        byte[] other = [.. digest];
        other[0] ^= 1;

        await AssertRefusedAsync(_verifier, without, "tpm.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(digest));
        await AssertRefusedAsync(_verifier, with, "tpm.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(other));
        await AssertRefusedAsync(_verifier, with, "tpm.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(SHA384.HashData("init-data"u8)));
        await AssertRefusedAsync(_verifier, with, "tpm.init-data", initData: default(Binding));
    }

    [Fact]
    public async Task Verify_EventLogThatReplays_GivesEvents()
    {
        JsonObject evidence = WithLog(out SimulatedEventLog log);

        JsonObject claims = await ClaimsAsync(_verifier, evidence);

        Assert.Equal(2, claims["uefi_event_logs"]!.AsArray().Count);
        Assert.Equal(Convert.ToHexStringLower(log.Register(4)), (string)claims["pcr04"]!);
    }

    [Fact]
    public async Task Verify_MalformedEventLog_IsRefused()
    {
        JsonObject evidence = WithLog(out SimulatedEventLog log);
        evidence["event_log"] = Convert.ToBase64String(log.ToArray().AsSpan(0, 90));

        await AssertRefusedAsync(_verifier, evidence, "tpm.event-log-form");
    }

    [Fact]
    public async Task Verify_EventLogOfOtherRegisters_IsRefused()
    {
        JsonObject evidence = WithLog(out SimulatedEventLog log);
        evidence["event_log"] = Convert.ToBase64String(log.Add(4, TcgEventType.Separator, [0, 0, 0, 1]).ToArray());

        await AssertRefusedAsync(_verifier, evidence, "tpm.event-log-replay", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_EventLogOfARegisterThatWasNotQuoted_IsRefused()
    {
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        byte[] log = new SimulatedEventLog(TcgAlgorithm.Sha256).Add(23, TcgEventType.Separator, [0]).ToArray();
        log[65] = 24;
        evidence["event_log"] = Convert.ToBase64String(log);

        await AssertRefusedAsync(_verifier, evidence, "tpm.event-log-replay", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_NonceThatNobodyExpects_MayHaveAnyLength()
    {
        JsonObject claims = await ClaimsAsync(_verifier, _tpm.GetEvidence([], f => f.ExtraData = [1, 2, 3]), Binding.NotChecked);

        Assert.Equal("010203", (string)claims["report_data"]!);
    }

    [Fact]
    public void Verify_SignatureWiderThanTheCurve_DoesNotHold()
    {
        using var tpm = new SimulatedTpm(TpmAlgorithm.EcDsa);
        using TpmAttestationKey key = TpmAttestationKey.FromSubjectPublicKeyInfo(tpm.AkPublic).Require();

        Assert.False(key.Verify(new TpmSignature(TpmAlgorithm.EcDsa, TpmAlgorithm.Sha256, new byte[96]), [1]));
        Assert.False(key.Verify(new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, new byte[64]), [1]));
    }

    [Fact]
    public async Task Verify_WithoutRecord_GivesTheSame()
    {
        JsonObject claims = await ClaimsAsync(_verifier, _tpm.GetEvidence(Nonce));
        JsonObject recorded = await ClaimsAsync(_verifier, _tpm.GetEvidence(Nonce), record: new VerificationRecord());

        Assert.Equal(claims.ToJsonString(), recorded.ToJsonString());
    }

    private JsonObject WithLog(out SimulatedEventLog log)
    {
        log = new SimulatedEventLog(TcgAlgorithm.Sha256).Add(0, TcgEventType.Separator, [0, 0, 0, 0]).Add(4, TcgEventType.Separator, [0, 0, 0, 0]);
        _tpm.Extend(0, SHA256.HashData([0, 0, 0, 0]));
        _tpm.Extend(4, SHA256.HashData([0, 0, 0, 0]));
        JsonObject evidence = _tpm.GetEvidence(Nonce);
        evidence["event_log"] = Convert.ToBase64String(log.ToArray());
        return evidence;
    }
}
