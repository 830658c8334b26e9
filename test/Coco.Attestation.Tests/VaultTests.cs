// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Tests;

/// <summary>Recorded traffic: appraised again, under other policies, beside shadow policies, and forecast.</summary>
public sealed class VaultTests
{
    private static readonly AttestationOptions Recording = new() { Decisions = new DecisionOptions { RecordEvidence = true } };

    [Fact]
    public async Task Reverify_AfterReferenceValuesChanged_SaysWhoWouldPassAndWhoFail()
    {
        await using var test = new TestAttestation(Recording);
        Affirm(test, "a");
        AttestationOutcome a = await AttestAsync(test, "a"), b = await AttestAsync(test, "b");
        AttestationOutcome refused = await test.Core.AttestAsync([TestAttestation.Input(TeeType.Snp, "{}")], [], CancellationToken.None);
        Affirm(test, "b");

        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), null, CancellationToken.None)).Require();

        Assert.Equal((3, 0, 1, 1), (report.Examined, report.Skipped, report.WouldPass, report.WouldFail));
        VerdictChange fails = Assert.Single(report.Changes, c => c.DecisionId == a.DecisionId);
        Assert.Equal(("snp", "affirming", "warning"), (fails.Tee, fails.Before, fails.After));
        Assert.Contains("measurement", fails.Why, StringComparison.Ordinal);
        Assert.Equal("affirming", Assert.Single(report.Changes, c => c.DecisionId == b.DecisionId).After);
        Assert.DoesNotContain(report.Changes, c => c.DecisionId == refused.DecisionId);
    }

    [Fact]
    public async Task Reverify_UnderAnotherPolicy_UsesIt()
    {
        await using var test = new TestAttestation(Recording);
        await AttestAsync(test, "a");
        ImmutableDictionary<string, string> policies = ImmutableDictionary<string, string>.Empty.Add("default_cpu", "package policy\ntrust_claims := {\"hardware\": 2}");

        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest { Policies = policies }, null, CancellationToken.None)).Require();

        Assert.Equal(1, report.WouldPass);
        Assert.Equal(
            RefusalCode.Malformed,
            (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest { Policies = policies.Add("x", "nonsense") }, null, CancellationToken.None)).Refusal?.Code);
    }

    [Fact]
    public async Task Reverify_WithoutRecordedEvidence_Skips()
    {
        await using var test = new TestAttestation();
        await AttestAsync(test, "a");

        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), null, CancellationToken.None)).Require();

        Assert.Equal((0, 1), (report.Examined, report.Skipped));
    }

    [Fact]
    public async Task Reverify_BindingOfThen_IsCheckedAgain()
    {
        await using var test = new TestAttestation(Recording);
        await test.RequireAsync(TestAttestation.Sample(RuntimeDataInput.Raw("raw"u8.ToArray()), "raw"u8.ToArray()));
        await test.AttestAsync(TestAttestation.Sample(RuntimeDataInput.Raw("raw"u8.ToArray()), "row"u8.ToArray()));

        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), null, CancellationToken.None)).Require();

        Assert.Equal(2, report.Examined);
        Assert.Empty(report.Changes);
    }

    [Fact]
    public async Task Reverify_ManyReports_ShowsProgress()
    {
        await using var test = new TestAttestation(Recording);
        for (int i = 0; i < 200; i++)
        {
            await AttestAsync(test, "a");
        }

        var notes = new List<ReverifyProgress>();
        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), new Notes(notes), CancellationToken.None)).Require();

        Assert.Equal(200, report.Examined);
        Assert.True(notes.Count >= 3);
        Assert.Equal(200, notes.Max(n => n.Done));
    }

    [Fact]
    public async Task DiffPolicies_OnRecordedClaims_CountsWhoWouldFail()
    {
        await using var test = new TestAttestation();
        Affirm(test, "a");
        await AttestAsync(test, "a");
        await AttestAsync(test, "b");
        string live = (await test.Core.Policies.GetAsync(PolicyId.Parse("default_cpu").Require(), CancellationToken.None)).Require();
        string stricter = live.Replace("default executables := 33", "default executables := 96", StringComparison.Ordinal)
            .Replace("input.snp.policy_migrate_ma == false", "input.snp.policy_migrate_ma == true", StringComparison.Ordinal);
        EvidenceVault vault = test.Get<EvidenceVault>();

        ReverifyReport same = (await vault.DiffPoliciesAsync("cpu", null, live, DateTimeOffset.UnixEpoch, null, CancellationToken.None)).Require();
        ReverifyReport diff = (await vault.DiffPoliciesAsync("cpu", live, stricter, DateTimeOffset.UnixEpoch, null, CancellationToken.None)).Require();

        Assert.Empty(same.Changes);
        Assert.Equal((2, 0, 1), (diff.Examined, diff.WouldPass, diff.WouldFail));
        Assert.Contains("policy_migrate_ma", Assert.Single(diff.Changes, c => c.Before == "affirming").Why, StringComparison.Ordinal);
        Assert.Equal(RefusalCode.Malformed, (await vault.DiffPoliciesAsync("cpu", null, "nonsense", DateTimeOffset.UnixEpoch, null, CancellationToken.None)).Refusal?.Code);
    }

    [Fact]
    public async Task ShadowPolicy_IsRecordedAndChangesNothing()
    {
        await using var test = new TestAttestation();
        await test.SetAsync("default_cpu.shadow", "package policy\ntrust_claims := {\"hardware\": 2}");

        AttestationOutcome outcome = await AttestAsync(test, "a");

        JsonObject payload = TestAttestation.Payload(outcome.Token.Require());
        Assert.Equal("contraindicated", (string?)payload["submods"]!["cpu0"]!["ear.status"]);
        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None))!;
        JsonNode shadow = explained["evidences"]![0]!["devices"]![0]!["shadow"]!;
        Assert.Equal("would_pass", (string?)shadow["result"]);
        Assert.Equal("affirming", (string?)shadow["status"]);
    }

    [Fact]
    public async Task ShadowPolicy_ThatFails_HarmsNothing()
    {
        await using var test = new TestAttestation();
        await test.SetAsync("default_cpu.shadow", "package policy\ntrust_claims := {\"nonsense\": 2}");

        AttestationOutcome outcome = await AttestAsync(test, "a");

        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None))!;
        Assert.Contains("unknown trust claim", (string?)explained["evidences"]![0]!["devices"]![0]!["shadow"]!["fault"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShadowPolicyOfTheConfiguration_WinsAndIsCountedWithoutRecords()
    {
        var options = new AttestationOptions
        {
            Decisions = new DecisionOptions { Enabled = false },
            ShadowPolicies = ImmutableSortedDictionary<string, string>.Empty.Add("default_cpu", "package policy\ntrust_claims := {\"hardware\": 2}"),
        };
        await using var test = new TestAttestation(options);
        await test.SetAsync("default_cpu.shadow", "package policy\ntrust_claims := {\"nonsense\": 2}");
        var counted = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = (i, l) => { if (i.Name == "coco_attestation_shadow_policy_total") { l.EnableMeasurementEvents(i); } } };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Add(counted, tags.ToArray().Single(t => t.Key == "result").Value!.ToString()!));
        listener.Start();

        AttestationOutcome outcome = await AttestAsync(test, "a");
        await test.Get<DecisionLog>().FlushAsync(CancellationToken.None);

        Assert.Contains("would_pass", counted);
        Assert.Null(await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None));
    }

    [Fact]
    public async Task CollateralHistory_AsOfAnInstant_GivesWhatWasInUseThen()
    {
        await using var test = new TestAttestation(Recording);
        CollateralHistory history = test.Get<CollateralHistory>();
        var key = new CollateralKey("amd-crl", "vcek/Milan");
        DateTimeOffset first = test.Clock.GetUtcNow();
        await history.RecordAsync(key, Item("one"), CancellationToken.None);
        await history.RecordAsync(key, Item("one"), CancellationToken.None);
        test.Clock.Advance(TimeSpan.FromDays(1));
        await history.RecordAsync(key, Item("two"), CancellationToken.None);

        Assert.Equal("one", await InUseAsync(first));
        Assert.Equal("one", await InUseAsync(first + TimeSpan.FromHours(23)));
        Assert.Equal("two", await InUseAsync(first + TimeSpan.FromDays(2)));
        Assert.Null(await InUseAsync(first - TimeSpan.FromHours(1)));

        // Superseded before anything that is still kept: gone with the next change.
        test.Clock.Advance(TimeSpan.FromDays(40));
        await history.RecordAsync(key, Item("three"), CancellationToken.None);
        Assert.Null(await InUseAsync(first));
        Assert.Equal("two", await InUseAsync(first + TimeSpan.FromDays(2)));

        async Task<string?> InUseAsync(DateTimeOffset at) =>
            (await history.AsOf(at, null).GetAsync(key, CancellationToken.None)).TryGet(out CollateralItem? item, out _) ? System.Text.Encoding.UTF8.GetString(item.Body.Span) : null;

        static CollateralItem Item(string text) => new(System.Text.Encoding.UTF8.GetBytes(text));
    }

    [Fact]
    public async Task Reverify_AtAnotherInstant_NeedsVerifiersForIt()
    {
        await using var test = new TestAttestation(Recording);

        Result<ReverifyReport> report = await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest { At = DateTimeOffset.UnixEpoch }, null, CancellationToken.None);

        Assert.Equal(RefusalCode.Unsupported, report.Refusal?.Code);
    }

    [Fact]
    public async Task Doctor_SaysWhatEndsAndWhoIsHit()
    {
        await using var test = new TestAttestation();
        await AttestAsync(test, "abcdef");
        await test.RequireAsync(TestAttestation.Sample());

        ImmutableArray<DoctorFinding> far = await test.Get<AttestationDoctor>().ExamineAsync(DateTimeOffset.UnixEpoch, TimeSpan.FromDays(1), CancellationToken.None);
        ImmutableArray<DoctorFinding> near = await test.Get<AttestationDoctor>().ExamineAsync(DateTimeOffset.UnixEpoch, TimeSpan.FromDays(3650), CancellationToken.None);

        Assert.DoesNotContain(far, f => f.EndsAt is not null);
        DoctorFinding ends = Assert.Single(near, f => f.EndsAt is not null);
        Assert.Contains("CN=scripted ends at 2030-01-01", ends.What, StringComparison.Ordinal);
        Assert.Equal("snp abcdef (1 decisions)", Assert.Single(ends.Workloads));
        Assert.Contains(near, f => f.What.Contains("snp_launch_measurement", StringComparison.Ordinal));
        Assert.Contains(near, f => f.What.Contains("sample evidence", StringComparison.Ordinal));
        Assert.All(near, f => Assert.NotEmpty(f.Remedy));
    }

    private static void Add(List<string> list, string item)
    {
        lock (list)
        {
            list.Add(item);
        }
    }

    private static void Affirm(TestAttestation test, string measurement) =>
        test.References.Set("snp_launch_measurement", $"[\"{measurement}\"]")
            .Set("snp_bootloader", "[4]").Set("snp_tee_svn", "[0]").Set("snp_snp_svn", "[24]").Set("snp_microcode", "[219]");

    private static async Task<AttestationOutcome> AttestAsync(TestAttestation test, string measurement) =>
        await test.Core.AttestAsync(
            [
                TestAttestation.Input(
                    TeeType.Snp,
                    "{\"claims\":{\"measurement\":\"" + measurement + "\",\"reported_tcb_bootloader\":4,\"reported_tcb_tee\":0,\"reported_tcb_snp\":24,"
                    + "\"reported_tcb_microcode\":219,\"policy_debug_allowed\":false,\"policy_migrate_ma\":false}}"),
            ],
            [],
            CancellationToken.None);

    private sealed class Notes(List<ReverifyProgress> notes) : IProgress<ReverifyProgress>
    {
        public void Report(ReverifyProgress value)
        {
            lock (notes)
            {
                notes.Add(value);
            }
        }
    }
}
