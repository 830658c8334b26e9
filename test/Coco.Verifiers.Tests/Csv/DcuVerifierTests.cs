// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.ShangMi;
using Coco.Simulator.Csv;
using Coco.Verifiers.Csv;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Csv;

public sealed class DcuVerifierTests
{
    private readonly SimulatedHygon _hygon = new();

    [Fact]
    public async Task Verify_GenuineReports_GiveClaimsForEach()
    {
        JsonObject evidence = _hygon.GetDcuEvidence(Nonce);
        evidence["attestation_reports"]!.AsArray().Add(evidence["attestation_reports"]![0]!.DeepClone());

        VerifiedClaims[] all = [.. (await RunAsync(Verifier(_hygon), evidence)).Require()];

        Assert.Equal(2, all.Length);
        Assert.All(all, c => Assert.Equal("dcu", c.TeeClass));
        JsonObject claims = all[0].Claims;
        Assert.Equal(Convert.ToHexStringLower(Nonce).PadRight(128, '0'), (string)claims["report_data"]!);
        Assert.Equal((string)claims["report_data"]!, (string)claims["body"]!["user_data"]!);
        Assert.Equal("1004", (string)claims["body"]!["sig_usage"]!);
        Assert.Equal("4", (string)claims["body"]!["sig_algo"]!);
        Assert.Equal(1u, (uint)claims["body"]!["version"]!);
    }

    [Fact]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused()
    {
        JsonObject chip = _hygon.GetDcuEvidence(Nonce);
        chip["attestation_reports"]![0]!["body"]!["chip_id"]![0] = (int)'.';
        JsonObject number = _hygon.GetDcuEvidence(Nonce);
        number["attestation_reports"]![0]!["sig"]!["r"]![50] = 1;

        await AssertRefusedAsync(Verifier(_hygon), new JsonObject { ["attestation_reports"] = new JsonArray() }, "hygondcu.form");
        await AssertRefusedAsync(Verifier(_hygon), chip, "hygondcu.form");
        await AssertRefusedAsync(Verifier(_hygon), number, "hygondcu.form");
    }

    [Fact]
    public Task Verify_ChainThatNobodyHas_IsRefused() => AssertRefusedAsync(
        new DcuVerifier(new CsvVerifierOptions { Roots = CsvVerifierTests.Roots(_hygon) }), _hygon.GetDcuEvidence(Nonce), "hygondcu.chain-available", RefusalCode.Untrusted);

    [Fact]
    public Task Verify_HskOfAnotherRoot_IsRefused() => AssertRefusedAsync(
        new DcuVerifier(new CsvVerifierOptions { Collateral = new CsvVerifierTests.Chain(_hygon.HskCek) }), _hygon.GetDcuEvidence(Nonce), "hygondcu.hsk", RefusalCode.Untrusted);

    [Fact]
    public async Task Verify_CekOfAnotherHsk_IsRefused()
    {
        var stranger = new SimulatedHygon(f => f.CekSigner = Sm2PrivateKey.Generate());

        await AssertRefusedAsync(Verifier(stranger), stranger.GetDcuEvidence(Nonce), "hygondcu.cek", RefusalCode.BadSignature);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(84)]
    [InlineData(116)]
    [InlineData(251)]
    public Task Verify_ChangedReport_IsRefused(int at) =>
        AssertRefusedAsync(Verifier(_hygon), _hygon.GetDcuEvidence(Nonce, afterwards: b => b[at] ^= 1), "hygondcu.report-signature", RefusalCode.BadSignature);

    [Fact]
    public Task Verify_OtherUserData_IsRefused() => AssertRefusedAsync(Verifier(_hygon), _hygon.GetDcuEvidence([.. Nonce, 1]), "hygondcu.report-data", RefusalCode.Mismatch);

    [Fact]
    public Task Verify_NoExpectedReportData_IsRefused() =>
        AssertRefusedAsync(Verifier(_hygon), _hygon.GetDcuEvidence(Nonce), "hygondcu.report-data", RefusalCode.Mismatch, Binding.NotChecked);

    private static DcuVerifier Verifier(SimulatedHygon hygon) =>
        new(new CsvVerifierOptions { Roots = CsvVerifierTests.Roots(hygon), Collateral = new CsvVerifierTests.Chain(hygon.HskCek) });
}
