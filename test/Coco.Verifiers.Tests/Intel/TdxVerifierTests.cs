// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Tee.EventLogs;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

public sealed class TdxVerifierTests : IDisposable
{
    private readonly IntelLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(4, false)]
    [InlineData(5, false)]
    [InlineData(5, true)]
    public async Task Verify_OrdinaryTd_GivesAllClaims(int version, bool is15)
    {
        IntelLab.Run run = _lab.NewRun();
        byte[] reportData = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        byte[] initData = [.. Enumerable.Range(1, 48).Select(i => (byte)i)];
        run.Quote = new SimulatedQuoteOptions { Version = version, Is15 = is15, ReportData = reportData, ConfigId = initData };
        run.ReportData = Binding.ToDigest(reportData);
        run.InitData = Binding.ToDigest(initData);

        JsonObject claims = await run.ClaimsAsync();

        string[] expected =
        [
            "quote", "td_attributes", "report_data", "init_data", "platform_instance_id", "platform_provider_id", "sgx_type", "is_dynamic_platform",
            "is_cached_keys", "is_smt_enabled", "root_key_id", "earliest_issue_date", "latest_issue_date", "earliest_expiration_date", "tcb_date",
            "pck_crl_num", "root_ca_crl_num", "tcb_eval_num", "tcb_status", "collateral_expiration_status", "advisory_ids", "tcb_date_current",
            "tcb_status_current", "advisory_ids_current",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), claims.Select(c => c.Key).Order(StringComparer.Ordinal));
        Assert.Equal(Convert.ToHexStringLower(reportData), (string?)claims["report_data"]);
        Assert.Equal(Convert.ToHexStringLower(initData), (string?)claims["init_data"]);
        Assert.Equal($"0{version}00", (string?)claims["quote"]!["header"]!["version"]);
        Assert.Equal("81000000", (string?)claims["quote"]!["header"]!["tee_type"]);
        Assert.Equal(version == 5 ? (is15 ? "0300" : "0200") : null, (string?)claims["quote"]!["type"]);
        Assert.Equal(is15, claims["quote"]!["body"]!.AsObject().ContainsKey("tee_tcb_svn2"));
        Assert.Equal("UpToDate", (string?)claims["tcb_status"]);
        Assert.Equal("0", (string?)claims["collateral_expiration_status"]);
        Assert.Equal(17, (int?)claims["tcb_eval_num"]);
        Assert.Equal("Scalable", (string?)claims["sgx_type"]);
        Assert.Equal(_lab.Root.Id, (string?)claims["root_key_id"]);
        Assert.Equal(Convert.ToHexStringLower(_lab.Platform.PlatformInstanceId.Reverse().ToArray()), (string?)claims["platform_instance_id"]);
        Assert.Equal(Convert.ToHexStringLower(_lab.Platform.Ppid), (string?)claims["platform_provider_id"]);
        Assert.False((bool?)claims["td_attributes"]!["debug"]);
        Assert.True((bool?)claims["td_attributes"]!["septve_disable"]);
    }

    [Fact]
    public async Task Verify_OrdinaryTd_RecordsChecksAndCollateral()
    {
        IntelLab.Run run = _lab.NewRun();

        Assert.Null(await run.RefusalAsync());

        Assert.DoesNotContain(run.Record.Checks, c => c.Held == false);
        Assert.Contains(run.Record.Checks, c => c is { Check: "dcap.quote-signature", Held: true });
        Assert.Contains(run.Record.Checks, c => c is { Check: "tdx.report-data", Held: null });
        foreach (string kind in (string[])[CollateralKinds.IntelTcbInfo, CollateralKinds.IntelQeIdentity, CollateralKinds.IntelPckCrl, CollateralKinds.IntelRootCrl, "certificate"])
        {
            Assert.Contains(run.Record.Collateral, u => u.Kind == kind && u.NotAfter is not null && u.Sha256 is { Length: 64 });
        }
    }

    [Fact]
    public async Task Verify_SecondQuote_RecordsTheSameChecks()
    {
        IntelLab.Run first = _lab.NewRun();
        DcapVerifier dcap = first.NewVerifier();
        Assert.Null((await first.VerifyAsync(sgx: false, dcap)).Refusal);
        IntelLab.Run second = _lab.NewRun();

        Assert.Null((await second.VerifyAsync(sgx: false, dcap)).Refusal);

        Assert.Equal(first.Record.Checks.Select(c => (c.Check, c.Held)), second.Record.Checks.Select(c => (c.Check, c.Held)));
    }

    [Fact]
    public async Task Verify_BodyTypeWithPartitioning_IsAccepted()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { Version = 5, Is15Extended = true, TrailingBytes = 70 };

        Assert.Equal("0400", (string?)(await run.ClaimsAsync())["quote"]!["type"]);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"quote\": 7}")]
    [InlineData("{\"quote\": \"\"}")]
    [InlineData("{\"quote\": \"AAAA\", \"cc_eventlog\": 3}")]
    [InlineData("[]")]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused(string json)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Evidence = JsonNode.Parse(json);

        Assert.Equal("tdx.evidence", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_QuoteCutShort_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Evidence = new JsonObject { ["quote"] = Convert.ToBase64String(_lab.Platform.MakeQuote(run.Quote).AsSpan(..1000)) };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("tdx.quote-format", refusal?.Check);
        Assert.NotNull(refusal!.Offset);
    }

    [Fact]
    public async Task Verify_QuoteOfAnEnclave_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { Version = 3 };

        Assert.Equal("tdx.quote-kind", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_OtherReportData_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ReportData = Binding.ToDigest(Enumerable.Repeat((byte)1, 48).ToArray());

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("tdx.report-data", refusal?.Check);
        Assert.StartsWith("REPORT_DATA is different from that in TDX Quote", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_OtherInitData_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.InitData = Binding.ToDigest(Enumerable.Repeat((byte)1, 32).ToArray());

        Assert.Equal("tdx.init-data", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_WithItsEventLog_GivesTheEvents()
    {
        IntelLab.Run run = _lab.NewRun();
        SimulatedEventLog log = NewLog();
        run.EventLog = log.ToArray();
        run.Quote = run.Quote with { Rtmrs = log.Rtmrs() };

        JsonObject claims = await run.ClaimsAsync();

        JsonArray events = claims["uefi_event_logs"]!.AsArray();
        Assert.Equal(3, events.Count);
        Assert.Equal("EV_EVENT_TAG", (string?)events[2]!["type_name"]);
        Assert.Equal("PullImage", (string?)events[2]!["details"]!["data"]!["operation"]);
    }

    [Fact]
    public async Task Verify_EventLogThatIsMalformed_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        SimulatedEventLog log = NewLog();
        run.EventLog = log.ToArray()[..^12];
        run.Quote = run.Quote with { Rtmrs = log.Rtmrs() };

        Assert.Equal("tdx.event-log", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Verify_EventLogThatReplaysToOtherRegisters_IsRefused(int register)
    {
        IntelLab.Run run = _lab.NewRun();
        SimulatedEventLog log = NewLog();
        byte[][] rtmrs = log.Rtmrs();
        rtmrs[register][47] ^= 1;
        run.EventLog = log.ToArray();
        run.Quote = run.Quote with { Rtmrs = rtmrs };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("tdx.event-log-replay", refusal?.Check);
        Assert.Contains($"[index = {register + 1}]", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_EventDataThatCannotBeRead_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        SimulatedEventLog log = NewLog().Add(2, 0x80000001, [1, 2, 3]);
        run.EventLog = log.ToArray();
        run.Quote = run.Quote with { Rtmrs = log.Rtmrs() };

        Assert.Equal("tdx.event-log-details", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_DebugTd_IsAcceptedAndSaysSo()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { TdAttributes = 1 };

        Assert.True((bool?)(await run.ClaimsAsync())["td_attributes"]!["debug"]);
    }

    [Fact]
    public async Task Verify_ModuleWithoutIdentity_UsesTdxModule()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { TeeTcbSvn = [3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
        run.Collateral = run.Collateral with { ModuleLevels = [new SimulatedSvnLevel(200, "Revoked")] };

        Assert.Equal("UpToDate", (string?)(await run.ClaimsAsync())["tcb_status"]);
    }

    [Fact]
    public async Task Verify_OutOfDateQuotingEnclave_MergesStatusDateAndAdvisories()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with
        {
            ModuleLevels = [new SimulatedSvnLevel(4, "UpToDate") { Date = new(2023, 1, 2, 0, 0, 0, TimeSpan.Zero), Advisories = ["INTEL-SA-00003", "INTEL-SA-00002"] }],
            QeLevels = [new SimulatedSvnLevel(4, "OutOfDate") { Advisories = ["INTEL-SA-00002"] }],
        };

        JsonObject claims = await run.ClaimsAsync();

        Assert.Equal("OutOfDate", (string?)claims["tcb_status"]);
        Assert.Equal("2023-01-02T00:00:00Z", (string?)claims["tcb_date"]);
        Assert.Equal("""["INTEL-SA-00002","INTEL-SA-00003"]""", claims["advisory_ids"]!.ToJsonString());
    }

    [Theory]
    [InlineData("UpToDate", "UpToDate", "TDRelaunchAdvised")]
    [InlineData("ConfigurationNeeded", "ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded")]
    public async Task Verify_OldModuleAtLaunchAndCurrentOneNow_AdvisesRelaunch(string platform, string current, string expected)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with
        {
            Version = 5,
            Is15 = true,
            TeeTcbSvn = [4, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            TeeTcbSvn2 = [9, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        run.Collateral = run.Collateral with
        {
            Levels = [new SimulatedTcbLevel(new byte[16], 0, new byte[16], platform)],
            ModuleLevels = [new SimulatedSvnLevel(9, "UpToDate"), new SimulatedSvnLevel(4, "OutOfDate")],
        };

        JsonObject claims = await run.ClaimsAsync();

        Assert.Equal(expected, (string?)claims["tcb_status"]);
        Assert.Equal(current, (string?)claims["tcb_status_current"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Verify_ExpiredCollateral_IsAcceptedAndSaysSo(bool onlyLists)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = onlyLists
            ? run.Collateral with { CrlNextUpdate = _lab.Vendor.Now.AddHours(-1) }
            : run.Collateral with { NextUpdate = _lab.Vendor.Now.AddHours(-1), CrlNextUpdate = _lab.Vendor.Now.AddDays(1) };

        Assert.Equal("1", (string?)(await run.ClaimsAsync())["collateral_expiration_status"]);
    }

    [Fact]
    public async Task Verify_ExpiredCollateralWithinGrace_IsAccepted()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = _lab.Options with { ExpiryGrace = TimeSpan.FromHours(2) };
        run.Collateral = run.Collateral with { NextUpdate = _lab.Vendor.Now.AddHours(-1) };

        Assert.Equal("1", (string?)(await run.ClaimsAsync())["collateral_expiration_status"]);
    }

    [Fact]
    public async Task Verify_LeafOfTheProcessorCa_HasNoPlatformClaims()
    {
        using var lab = new IntelLab(new SimulatedPlatformOptions { UsePlatformCa = false, SgxType = 0 });

        JsonObject claims = await lab.NewRun().ClaimsAsync();

        Assert.Equal("Standard", (string?)claims["sgx_type"]);
        Assert.DoesNotContain(claims, c => c.Key is "platform_instance_id" or "is_dynamic_platform" or "is_cached_keys" or "is_smt_enabled");
    }

    [Fact]
    public async Task Verify_EvidenceCollateral_IsUsedOnlyWhenAccepted()
    {
        IntelLab.Run run = _lab.NewRun();
        JsonObject evidence = _lab.Platform.GetTdxEvidence(run.Quote);
        evidence["collateral"] = _lab.Vendor.MakeCollateral(_lab.Platform).ToSingleObject();
        run.Evidence = evidence;
        run.Provider = IntelCollateralFile.FromItems(new Dictionary<string, CollateralItem>());

        Assert.Equal("dcap.collateral", (await run.RefusalAsync())?.Check);
        run.Options = _lab.Options with { AcceptEvidenceCollateral = true };
        Assert.Null(await run.RefusalAsync());
        _lab.Clock.Advance(TimeSpan.FromDays(60));
        Assert.Equal("dcap.collateral-expiry", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_WithoutCollateral_ChecksSignaturesAndClaimsNoTcb()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = _lab.Options with { InsecureSkipCollateral = true };

        JsonObject claims = await run.ClaimsAsync();

        Assert.DoesNotContain("tcb_status", claims.Select(c => c.Key));
        run.Quote = run.Quote with { ChangeFinished = q => q[100] ^= 1 };
        Assert.Equal("dcap.quote-signature", (await run.RefusalAsync())?.Check);
    }

    private static SimulatedEventLog NewLog() => new SimulatedEventLog()
        .Add(1, TcgEventType.Separator, [0, 0, 0, 0])
        .Add(3, TcgEventType.Ipl, "grub_cmd: linux\0"u8)
        .Add(4, AgentEvent.Create("github.com/confidential-containers", "PullImage", "{\"image\":\"a\"}").Require());
}
