// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.Intel;
using Coco.Simulator.Tpm;
using Coco.Tee.Azure;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Snp;
using Coco.Verifiers.Tests.Intel;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Azure;

public sealed class AzureVtpmTests : IDisposable
{
    private static readonly SimulatedAmd Amd = new(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = Clock() });

    private readonly SimulatedSnpGuest _chip = Amd.CreateGuest();
    private readonly IntelLab _intel = new();
    private readonly SimulatedAzureGuest _snp;
    private readonly SimulatedAzureGuest _tdx;
    private readonly AzSnpVtpmVerifier _snpVerifier;
    private readonly AzTdxVtpmVerifier _tdxVerifier;

    public AzureVtpmTests()
    {
        _snp = SimulatedAzureGuest.OnSnp(_chip);
        _tdx = OnTdx();
        _snpVerifier = new AzSnpVtpmVerifier(new SnpVerifier(new SnpVerifierOptions { Clock = Clock(), SimulatedRoots = [AmdTrustAnchor.Simulated(SnpGeneration.Milan, Amd.Ark, Amd.Ask, Amd.Asvk).Require()] }));
        Dictionary<string, CollateralItem> items = IntelLab.Items(_intel.Vendor.MakeCollateral(_intel.Platform));
        _tdxVerifier = new AzTdxVtpmVerifier(new DcapVerifier(_intel.Options, IntelCollateralFile.FromItems(items)));
    }

    public void Dispose()
    {
        _snp.Dispose();
        _tdx.Dispose();
        _chip.Dispose();
        _intel.Dispose();
    }

    private static Binding Expected => Binding.ToDigest(Nonce);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Snp_GenuineEvidence_GivesTextClaims(int version)
    {
        JsonObject claims = await ClaimsAsync(_snpVerifier, _snp.GetEvidence(Nonce, version: version), Expected);

        Assert.Equal("0", (string)claims["policy_abi_major"]!);
        Assert.Equal("true", (string)claims["policy_smt_allowed"]!);
        Assert.Equal("false", (string)claims["platform_tsme_enabled"]!);
        Assert.Equal(Convert.ToBase64String(_chip.Measurement), (string)claims["measurement"]!);
        Assert.Equal(Convert.ToHexStringLower(Nonce), (string)claims["report_data"]!);
        Assert.Equal(new string('0', 64), (string)claims["init_data"]!);
        Assert.Equal(24, claims["tpm"]!.AsObject().Count);
        Assert.False(claims.ContainsKey("chip_id"));
        Assert.Equal(17, claims.Count);
        Assert.True((bool)claims["simulated"]!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Tdx_GenuineEvidence_GivesClaims(int version)
    {
        JsonObject claims = await ClaimsAsync(_tdxVerifier, _tdx.GetEvidence(Nonce, version: version), Expected);

        Assert.Equal("0400", (string)claims["quote"]!["header"]!["version"]!);
        Assert.Equal(Convert.ToHexStringLower(Nonce), (string)claims["report_data"]!);
        Assert.Equal(24, claims["tpm"]!.AsObject().Count);
        Assert.Equal("UpToDate", (string)claims["tcb_status"]!);
    }

    [Fact]
    public async Task Snp_InitDataInRegister8_IsAccepted()
    {
        byte[] digest = SHA256.HashData("init-data"u8);
        _snp.Tpm.Extend(8, digest);

        JsonObject claims = await ClaimsAsync(_snpVerifier, _snp.GetEvidence(Nonce), Expected, Binding.ToDigest(digest));

        Assert.Equal((string)claims["tpm"]!["pcr08"]!, (string)claims["init_data"]!);
    }

    [Fact]
    public Task Snp_EvidenceOfAnotherForm_IsRefused() => FormAsync(_snpVerifier, _snp, "az-snp-vtpm", "vcek");

    [Fact]
    public Task Tdx_EvidenceOfAnotherForm_IsRefused() => FormAsync(_tdxVerifier, _tdx, "az-tdx-vtpm", "td_quote");

    [Fact]
    public Task Snp_MalformedHclReport_IsRefused() => HclFormAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_MalformedHclReport_IsRefused() => HclFormAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_HclReportOfTdx_IsRefused() =>
        AssertRefusedAsync(_snpVerifier, _snp.GetEvidence(Nonce, r => r.ReportType = (uint)HclReportType.Tdx), "az-snp-vtpm.hcl-kind", RefusalCode.Mismatch, Expected);

    [Fact]
    public Task Tdx_HclReportOfSnp_IsRefused() =>
        AssertRefusedAsync(_tdxVerifier, _tdx.GetEvidence(Nonce, r => r.ReportType = (uint)HclReportType.Snp), "az-tdx-vtpm.hcl-kind", RefusalCode.Mismatch, Expected);

    [Fact]
    public async Task Snp_WeakAttestationKey_IsRefused()
    {
        using SimulatedAzureGuest weak = SimulatedAzureGuest.OnSnp(_chip, tpm: new SimulatedTpm(rsaKeySize: 1024));

        await AssertRefusedAsync(_snpVerifier, weak.GetEvidence(Nonce), "az-snp-vtpm.ak-key", RefusalCode.Unsupported, Expected);
    }

    [Fact]
    public async Task Tdx_WeakAttestationKey_IsRefused()
    {
        using SimulatedAzureGuest weak = OnTdx(new SimulatedTpm(rsaKeySize: 1024));

        await AssertRefusedAsync(_tdxVerifier, weak.GetEvidence(Nonce), "az-tdx-vtpm.ak-key", RefusalCode.Unsupported, Expected);
    }

    [Fact]
    public async Task Snp_SchemeOfTheQuote_IsRsassa()
    {
        // The evidence has no field for the scheme: another one has to fail as a wrong signature.
        using SimulatedAzureGuest pss = SimulatedAzureGuest.OnSnp(_chip, tpm: new SimulatedTpm(TpmAlgorithm.RsaPss));
        var record = new VerificationRecord();
        await RunAsync(_snpVerifier, _snp.GetEvidence(Nonce), Expected, record: record);

        Assert.Contains(record.Checks, c => c is { Check: "az-snp-vtpm.signature-scheme", Held: true });
        await AssertRefusedAsync(_snpVerifier, pss.GetEvidence(Nonce), "az-snp-vtpm.quote-signature", RefusalCode.BadSignature, Expected);
    }

    [Fact]
    public Task Snp_ChangedQuote_IsRefused() => ChangedQuoteAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_ChangedQuote_IsRefused() => ChangedQuoteAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_SignedMessageThatIsNoQuote_IsRefused() =>
        AssertRefusedAsync(_snpVerifier, _snp.GetEvidence(Nonce, changeQuote: q => q.Type = 0x8017), "az-snp-vtpm.quote-form", RefusalCode.Malformed, Expected);

    [Fact]
    public Task Tdx_SignedMessageThatIsNoQuote_IsRefused() =>
        AssertRefusedAsync(_tdxVerifier, _tdx.GetEvidence(Nonce, changeQuote: q => q.Magic = 1), "az-tdx-vtpm.quote-form", RefusalCode.Malformed, Expected);

    [Fact]
    public Task Snp_FewerRegistersQuoted_IsRefused() => SelectionAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_FewerRegistersQuoted_IsRefused() => SelectionAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_OtherRegistersHandedOver_IsRefused() => RegistersAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_OtherRegistersHandedOver_IsRefused() => RegistersAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_OtherNonce_IsRefused() => OtherNonceAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_OtherNonce_IsRefused() => OtherNonceAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_NoExpectedNonce_IsRefused() => AssertRefusedAsync(_snpVerifier, _snp.GetEvidence(Nonce), "az-snp-vtpm.nonce", RefusalCode.Mismatch, Binding.NotChecked);

    [Fact]
    public Task Tdx_NoExpectedNonce_IsRefused() => AssertRefusedAsync(_tdxVerifier, _tdx.GetEvidence(Nonce), "az-tdx-vtpm.nonce", RefusalCode.Mismatch, Binding.NotChecked);

    [Fact]
    public Task Snp_OtherOrShortUserData_IsRefused() => UserDataAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_OtherOrShortUserData_IsRefused() => UserDataAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public async Task Snp_MalformedHardwareReport_IsRefused()
    {
        using SimulatedAzureGuest guest = SimulatedAzureGuest.OnSnp(_chip, f => f.Version = 9);
        JsonObject certificate = _snp.GetEvidence(Nonce);
        certificate["vcek"] = "AAAA";

        await AssertRefusedAsync(_snpVerifier, guest.GetEvidence(Nonce), "az-snp-vtpm.hardware-report", reportData: Expected);
        await AssertRefusedAsync(_snpVerifier, certificate, "az-snp-vtpm.hardware-report", RefusalCode.Malformed, Expected);
    }

    [Fact]
    public async Task Snp_HardwareReportThatSnpRefuses_IsRefused()
    {
        using SimulatedAzureGuest version2 = SimulatedAzureGuest.OnSnp(_chip, f => f.Version = 2);
        using SimulatedAzureGuest vmpl = SimulatedAzureGuest.OnSnp(_chip, f => f.Vmpl = 1);
        using SimulatedAzureGuest forged = SimulatedAzureGuest.OnSnp(_chip, f => f.AfterSigning = r => r[0x90] ^= 1);

        await AssertRefusedAsync(_snpVerifier, version2.GetEvidence(Nonce), "snp.version", reportData: Expected);
        await AssertRefusedAsync(_snpVerifier, vmpl.GetEvidence(Nonce), "snp.vmpl", reportData: Expected);
        await AssertRefusedAsync(_snpVerifier, forged.GetEvidence(Nonce), "snp.report-signature", reportData: Expected);
    }

    [Fact]
    public Task Snp_VariableDataThatTheHardwareDoesNotVouchFor_IsRefused() => VariableDataAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_VariableDataThatTheHardwareDoesNotVouchFor_IsRefused() => VariableDataAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public Task Snp_OtherInitData_IsRefused() => InitDataAsync(_snpVerifier, _snp, "az-snp-vtpm");

    [Fact]
    public Task Tdx_OtherInitData_IsRefused() => InitDataAsync(_tdxVerifier, _tdx, "az-tdx-vtpm");

    [Fact]
    public async Task Snp_ManyGuestsAtOnce_AreAllAccepted()
    {
        using SimulatedAzureGuest second = SimulatedAzureGuest.OnSnp(_chip);
        JsonObject[] evidence = [_snp.GetEvidence(Nonce), second.GetEvidence(Nonce)];

        bool[] accepted = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(
            async () => (await RunAsync(_snpVerifier, evidence[i % 2], Expected)).Refusal is null, TestContext.Current.CancellationToken)));

        Assert.All(accepted, Assert.True);
    }

    private static async Task FormAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix, string endorsement)
    {
        foreach (string member in (string[])["tpm_quote", "hcl_report", endorsement, "version"])
        {
            JsonObject evidence = guest.GetEvidence(Nonce);
            evidence[member] = new JsonArray();
            await AssertRefusedAsync(verifier, evidence, prefix + ".form", reportData: Expected);
        }

        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, version: 3), prefix + ".form", RefusalCode.Unsupported, Expected);
        await AssertRefusedAsync(verifier, new JsonArray(), prefix + ".form", reportData: Expected);
    }

    private static async Task HclFormAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        Action<HclReportFields>[] changes =
        [
            r => r.Signature = "HCLB"u8.ToArray(),
            r => r.Version = 3,
            r => r.ReportType = 3,
            r => r.HashType = 2,
            r => r.VariableDataSize = uint.MaxValue,
            r => r.VariableDataSize = 5,
            r => r.VariableDataBytes = "[]"u8.ToArray(),
            r => r.VariableData["keys"]!.AsArray().RemoveAt(0),
            r => r.VariableData["keys"]!.AsArray().Add(r.VariableData["keys"]![0]!.DeepClone()),
            r => r.VariableData["keys"]![0]!["kty"] = "EC",
            r => r.VariableData["keys"]![0]!["n"] = "!",
            r => r.VariableData["user-data"] = "xyz",
        ];
        foreach (Action<HclReportFields> change in changes)
        {
            await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, change), prefix + ".hcl-form", reportData: Expected);
        }
    }

    private static async Task ChangedQuoteAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, changeQuote: q => q.ChangeMessage = m => m[^1] ^= 1), prefix + ".quote-signature", RefusalCode.BadSignature, Expected);
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, changeQuote: q => q.ChangeSignature = s => s[^1] ^= 1), prefix + ".quote-signature", RefusalCode.BadSignature, Expected);
    }

    private static Task SelectionAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix) => AssertRefusedAsync(
        verifier,
        guest.GetEvidence(Nonce, changeQuote: q => q.Selections[0] = new TpmPcrSelection(TpmAlgorithm.Sha256, 0xFF)),
        prefix + ".pcr-selection",
        RefusalCode.Mismatch,
        Expected);

    private static async Task RegistersAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        byte[][] given = [.. guest.Tpm.Registers];
        given[11][0] ^= 1;

        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, changeQuote: q => q.HandedOver = given), prefix + ".pcr-digest", RefusalCode.Mismatch, Expected);
    }

    private static async Task OtherNonceAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        byte[] other = [.. Nonce];
        other[^1] ^= 1;

        await AssertRefusedAsync(verifier, guest.GetEvidence(other), prefix + ".nonce", RefusalCode.Mismatch, Expected);
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce), prefix + ".nonce", RefusalCode.Mismatch, default(Binding));

        // Exact: neither padded nor cut.
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, changeQuote: q => q.ExtraData = [.. Nonce, 0]), prefix + ".nonce", RefusalCode.Mismatch, Expected);
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, changeQuote: q => q.ExtraData = Nonce[..32]), prefix + ".nonce", RefusalCode.Mismatch, Expected);
    }

    private static async Task UserDataAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        foreach (string? userData in (string?[])[new string('0', 128), Convert.ToHexString(Nonce)[..94], string.Empty, null])
        {
            await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, r => r.VariableData["user-data"] = userData), prefix + ".user-data", RefusalCode.Mismatch, Expected);
        }
    }

    private static async Task VariableDataAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        await AssertRefusedAsync(
            verifier,
            guest.GetEvidence(Nonce, r => r.ChangeAfterwards = v => v["vm-configuration"]!["secure-boot"] = false),
            prefix + ".variable-data",
            RefusalCode.Mismatch,
            Expected);
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce, r => r.ChangeReportData = d => d[40] = 1), prefix + ".variable-data", RefusalCode.Mismatch, Expected);
    }

    private static async Task InitDataAsync(IVerifier verifier, SimulatedAzureGuest guest, string prefix)
    {
        byte[] digest = SHA256.HashData("init-data"u8);

        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce), prefix + ".init-data", RefusalCode.Mismatch, Expected, Binding.ToDigest(digest));
        await AssertRefusedAsync(verifier, guest.GetEvidence(Nonce), prefix + ".init-data", RefusalCode.Mismatch, Expected, Binding.ToDigest(new byte[48]));
    }

    private SimulatedAzureGuest OnTdx(SimulatedTpm? tpm = null) => SimulatedAzureGuest.OnTdx(
        data =>
        {
            byte[] report = new byte[TdReport.Length];
            report[0] = 0x81;
            data.CopyTo(report, 128);
            return report;
        },
        data => _intel.Platform.MakeQuote(new SimulatedQuoteOptions { ReportData = data }),
        tpm);
}
