// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.ShangMi;
using Coco.Simulator.Csv;
using Coco.Simulator.EventLogs;
using Coco.Tee.Csv;
using Coco.Tee.EventLogs;
using Coco.Verifiers.Csv;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Csv;

public sealed class CsvVerifierTests
{
    private readonly SimulatedHygon _hygon = new();

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task Verify_GenuineReport_GivesClaims(int version, bool withChain)
    {
        JsonObject claims = await ClaimsAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce, f => f.Version = version, withChain));

        Assert.Equal(version == 1 ? "1" : "2", (string)claims["version"]!);
        Assert.Equal(Convert.ToHexStringLower(Nonce).PadRight(128, '0'), (string)claims["report_data"]!);
        Assert.Equal(Convert.ToHexStringLower(Sm3.HashData("a simulated guest"u8)), (string)claims["measure"]!);
        Assert.Equal(1u, (uint)claims["policy"]!["nodbg"]!);
        Assert.Equal(1u, (uint)claims["policy"]!["csv"]!);
        Assert.Equal(3u, (uint)claims["policy"]!["api_minor"]!);
        Assert.Equal(12, claims["policy"]!.AsObject().Count);
        Assert.Equal("02100000", (string)claims["sig_usage"]!);
        Assert.Equal("04000000", (string)claims["sig_algo"]!);
        Assert.Equal(_hygon.SerialNumber, (string)claims["serial_number"]!);
        Assert.False(claims.ContainsKey("init_data"));
        Assert.True((bool)claims["simulated"]!);
        Assert.Equal(version == 1 ? "2b1a375d" : null, (string?)claims["anonce"]);
        Assert.Equal(version == 2 ? new string('0', 64) : null, (string?)claims["rtmr4"]);
        Assert.Equal(version == 1 ? 13 : 21, claims.Count);
    }

    [Fact]
    public async Task Verify_EventLogThatReplays_GivesEvents()
    {
        var log = new SimulatedEventLog(TcgAlgorithm.Sm3);
        log.Add(1, TcgEventType.Separator, [0, 0, 0, 0]).Add(3, TcgEventType.Separator, [1]);

        JsonObject claims = await ClaimsAsync(
            Verifier(_hygon), _hygon.GetEvidence(Nonce, f => Version2(f, log), eventLog: log.ToArray()));

        Assert.Equal(2, claims["uefi_event_logs"]!.AsArray().Count);
    }

    [Fact]
    public async Task Verify_EventLogWithAReportWithoutRegisters_IsPassedOver()
    {
        SimulatedEventLog log = new SimulatedEventLog(TcgAlgorithm.Sm3).Add(1, TcgEventType.Separator, [0]);

        JsonObject claims = await ClaimsAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce, f => f.Version = 1, eventLog: log.ToArray()));

        Assert.False(claims.ContainsKey("uefi_event_logs"));
    }

    [Fact]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused()
    {
        Action<JsonObject>[] changes =
        [
            e => e.Remove("attestation_report"),
            e => e["attestation_report"]!["magic"] = new JsonArray(1),
            e => e["attestation_report"]!["magic"]![0] = 9,
            e => e["attestation_report"]!["data"] = new JsonArray(1, 2, 3),
            e => e.Remove("cert_chain"),
            e => e["cert_chain"]!["pek"]!["body"]!["data"]!["pubkey"]!["key"]!["g"] = 2,
            e => e["cert_chain"]!["pek"]!["body"]!["data"]!["pubkey"]!["key"]!["x"]![40] = 1,
            e => e["cert_chain"]!["pek"]!["body"]!["data"]!["uid_size"] = 255,
            e => e["cert_chain"]!["pek"]!["sigs"] = new JsonArray(),
            e => e["cert_chain"]!["hsk_cek"]!["hsk"]!["body"]!["preamble"]!["data"]!["kid"] = new JsonArray(),
            e => e["serial_number"]![0] = (int)'/',
            e => e["serial_number"]![0] = 0,
            e => e["cc_eventlog"] = "!",
        ];
        foreach (Action<JsonObject> change in changes)
        {
            JsonObject evidence = _hygon.GetEvidence(Nonce);
            change(evidence);
            await AssertRefusedAsync(Verifier(_hygon), evidence, "csv.form");
        }

        await AssertRefusedAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce, f => (f.Version, f.Flags) = (2, 2)), "csv.form", RefusalCode.Unsupported);
    }

    [Fact]
    public async Task Verify_ChainThatNobodyHas_IsRefused()
    {
        var without = new CsvVerifier(new CsvVerifierOptions { Roots = Roots(_hygon) });
        var none = new CsvVerifier(new CsvVerifierOptions { Roots = Roots(_hygon), Collateral = new Chain(null) });
        var broken = new CsvVerifier(new CsvVerifierOptions { Roots = Roots(_hygon), Collateral = new Chain(new byte[100]) });

        await AssertRefusedAsync(without, _hygon.GetEvidence(Nonce, withChain: false), "csv.chain-available", RefusalCode.Untrusted);
        await AssertRefusedAsync(none, _hygon.GetEvidence(Nonce, withChain: false), "csv.chain-available", RefusalCode.NotFound);
        await AssertRefusedAsync(broken, _hygon.GetEvidence(Nonce, withChain: false), "csv.chain-available", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_HskOfAnotherRoot_IsRefused()
    {
        var stranger = new SimulatedHygon(f => f.HskSigner = Sm2PrivateKey.Generate());
        var usage = new SimulatedHygon(f => f.HskUsage = HygonKeyUsage.Oca);
        var changed = new SimulatedHygon(f => f.ChangeHsk = h => h[470] ^= 1);

        await AssertRefusedAsync(new CsvVerifier(new CsvVerifierOptions()), _hygon.GetEvidence(Nonce), "csv.hsk", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(stranger), stranger.GetEvidence(Nonce), "csv.hsk", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(usage), usage.GetEvidence(Nonce), "csv.hsk", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(changed), changed.GetEvidence(Nonce), "csv.hsk", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_CekOfAnotherHskOrUsage_IsRefused()
    {
        var stranger = new SimulatedHygon(f => f.CekSigner = Sm2PrivateKey.Generate());
        var usage = new SimulatedHygon(f => f.CekUsage = HygonKeyUsage.Pdh);
        var changed = new SimulatedHygon(f => f.ChangeCek = c => c[500] ^= 1);

        await AssertRefusedAsync(Verifier(stranger), stranger.GetEvidence(Nonce), "csv.cek", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(usage), usage.GetEvidence(Nonce), "csv.cek", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(changed), changed.GetEvidence(Nonce), "csv.cek", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_PekOfAnotherCekOrUsage_IsRefused()
    {
        var stranger = new SimulatedHygon(f => f.PekSigner = Sm2PrivateKey.Generate());
        var usage = new SimulatedHygon(f => f.PekUsage = HygonKeyUsage.Pdh);
        var block = new SimulatedHygon(f => f.PekSignatureUsage = HygonKeyUsage.Oca);
        var changed = new SimulatedHygon(f => f.ChangePek = c => c[500] ^= 1);

        await AssertRefusedAsync(Verifier(stranger), stranger.GetEvidence(Nonce), "csv.pek", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(usage), usage.GetEvidence(Nonce), "csv.pek", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(block), block.GetEvidence(Nonce), "csv.pek", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(changed), changed.GetEvidence(Nonce), "csv.pek", RefusalCode.BadSignature);
    }

    [Theory]
    [InlineData(1, 0x40)]
    [InlineData(1, 0x90)]
    [InlineData(1, 0xB0)]
    [InlineData(1, 0xC4)]
    [InlineData(2, 0x40)]
    [InlineData(2, 0xB8)]
    [InlineData(2, 0xD0)]
    [InlineData(2, 0x300)]
    public async Task Verify_ChangedReport_IsRefused(int version, int at)
    {
        JsonObject evidence = _hygon.GetEvidence(Nonce, f =>
        {
            f.Version = version;
            f.AfterSigning = b => b[at] ^= 1;
        });

        await AssertRefusedAsync(Verifier(_hygon), evidence, "csv.report-signature", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_ReportThatNamesAnotherKeyUsage_IsRefused()
    {
        await AssertRefusedAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce, f => f.SignatureUsage = (uint)HygonKeyUsage.Oca), "csv.report-signature-usage", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce, f => f.SignatureAlgorithm = 5), "csv.report-signature-usage", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherReportData_IsRefused()
    {
        byte[] other = [.. Nonce];
        other[5] ^= 1;

        await AssertRefusedAsync(Verifier(_hygon), _hygon.GetEvidence(other), "csv.report-data", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(_hygon), _hygon.GetEvidence([.. Nonce, 1]), "csv.report-data", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_InitData_IsPassedOver()
    {
        var record = new VerificationRecord();

        JsonObject claims = await ClaimsAsync(Verifier(_hygon), _hygon.GetEvidence(Nonce), initData: Binding.ToDigest(new byte[32]), record: record);

        Assert.False(claims.ContainsKey("init_data"));
        Assert.Contains(record.Checks, c => c is { Check: "csv.init-data", Held: null });
    }

    [Fact]
    public async Task Verify_MalformedEventLog_IsRefused()
    {
        var log = new SimulatedEventLog(TcgAlgorithm.Sm3).Add(1, TcgEventType.Separator, [0, 0, 0, 0]);

        await AssertRefusedAsync(
            Verifier(_hygon), _hygon.GetEvidence(Nonce, f => Version2(f, log), eventLog: log.ToArray()[..80]), "csv.event-log-form", RefusalCode.Malformed);
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(3u)]
    [InlineData(4u)]
    public async Task Verify_EventLogOfOtherRegisters_IsRefused(uint register)
    {
        var log = new SimulatedEventLog(TcgAlgorithm.Sm3).Add(1, TcgEventType.Separator, [0, 0, 0, 0]);
        var longer = new SimulatedEventLog(TcgAlgorithm.Sm3).Add(1, TcgEventType.Separator, [0, 0, 0, 0]).Add(register, TcgEventType.Separator, [1]);

        await AssertRefusedAsync(
            Verifier(_hygon), _hygon.GetEvidence(Nonce, f => Version2(f, log), eventLog: longer.ToArray()), "csv.event-log-replay", RefusalCode.Mismatch);
    }

    internal static HygonRoot[] Roots(SimulatedHygon hygon) => [HygonRoot.Simulated(HygonCaCertificate.Parse(hygon.Hrk).Require())];

    private static CsvVerifier Verifier(SimulatedHygon hygon) => new(new CsvVerifierOptions { Roots = Roots(hygon), Collateral = new Chain(hygon.HskCek) });

    private static void Version2(CsvReportFields fields, SimulatedEventLog log)
    {
        fields.Version = 2;
        fields.Rtmrs = [new byte[32], log.Register(1), log.Register(2), log.Register(3), log.Register(4)];
    }

    /// <summary>Has the same certificates for every chip.</summary>
    internal sealed class Chain(byte[]? body) : ICollateralProvider
    {
        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) =>
            new(body is null ? new Refusal(RefusalCode.NotFound, "no such chip") : (Result<CollateralItem>)new CollateralItem(body));
    }
}
