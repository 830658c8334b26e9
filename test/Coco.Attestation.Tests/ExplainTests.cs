// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Protocol;
using Coco.Rego;
using Coco.Storage;

namespace Coco.Attestation.Tests;

/// <summary>Why was I denied?</summary>
public sealed class ExplainTests
{
    [Fact]
    public async Task Explain_MeasurementOneByteOff_SaysWhichByte()
    {
        await using var test = new TestAttestation();
        string good = new('3', 96), bad = "3f" + good[2..];
        test.References.Set("snp_launch_measurement", $"""["{good}","{new string('9', 96)}"]""");

        JsonObject explained = await ExplainAsync(test, Snp(bad));

        string sentence = (string)explained["sentence"]!;
        Assert.Contains("measurement 3f33333333333333… is not in snp_launch_measurement: 2 values registered", sentence, StringComparison.Ordinal);
        Assert.Contains("nearest differs in byte 0 only (33 there, 3f here)", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_NothingRegistered_SaysSo()
    {
        await using var test = new TestAttestation();

        JsonObject explained = await ExplainAsync(test, Snp(new string('3', 96)));

        Assert.Equal("measurement is 3333333333333333…, and nothing is registered under snp_launch_measurement", (string?)explained["sentence"]);
        Assert.Contains(explained["findings"]!.AsArray(), f => ((string)f!).Contains("snp_bootloader", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Explain_AllAffirmed_SaysSo()
    {
        await using var test = new TestAttestation();
        test.References.Set("launch_digest", """["abcde"]""").Set("svn", """["1"]""").Set("major_version", "1").Set("minimum_minor_version", "4");

        JsonObject explained = await ExplainAsync(test, TestAttestation.Sample());

        Assert.Equal("every trust claim that the policy sets is affirmed", (string?)explained["sentence"]);
        Assert.Equal("""["abcde"]""", explained["evidences"]![0]!["devices"]![0]!["reference_value_answers"]!["launch_digest"]!.ToJsonString());
    }

    [Fact]
    public async Task Explain_RefusedEvidence_NamesTheCheck()
    {
        await using var test = new TestAttestation();

        JsonObject explained = await ExplainAsync(test, TestAttestation.Input(TeeType.Tdx, "{}"));

        Assert.Equal("refused", (string?)explained["outcome"]);
        Assert.StartsWith("the tdx evidence did not pass scripted.claims: ", (string?)explained["sentence"], StringComparison.Ordinal);
        Assert.False((bool)explained["evidences"]![0]!["checks"]![0]!["held"]!);
    }

    [Fact]
    public async Task Explain_Record_HoldsHashesTimesAndCollateralButNoAdditionalEvidence()
    {
        await using var test = new TestAttestation();
        System.Text.Json.JsonElement runtime = TestAttestation.Json("""{"nonce":"n","additional-evidence":"PLANTED"}""");
        AttestationOutcome outcome = await test.Core.AttestAsync(
            [TestAttestation.Input(TeeType.Snp, """{"claims":{"report_data":"00","measurement":"m"}}""", RuntimeDataInput.Structured(runtime))], [], CancellationToken.None);

        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None))!;

        string compact = outcome.Token.Require().Compact;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(compact))), (string?)explained["token_sha256"]);
        Assert.Equal("2030-01-01T00:00:00Z", (string?)explained["evidences"]![0]!["collateral"]![0]!["not_after"]);
        Assert.NotNull(explained["evidences"]![0]!["devices"]![0]!["policy_sha384"]);
        Assert.DoesNotContain("PLANTED", explained.ToJsonString(), StringComparison.Ordinal);
        string text = DecisionText.Of(explained);
        Assert.StartsWith((string)explained["sentence"]!, text, StringComparison.Ordinal);
        Assert.Contains("collateral certificate CN=scripted, 1970-01-01T00:00:00Z to 2030-01-01T00:00:00Z", text, StringComparison.Ordinal);
        Assert.Contains("token sha256 " + (string?)explained["token_sha256"], text, StringComparison.Ordinal);
        Assert.Contains("input.snp.measurement in query_reference_value(\"snp_launch_measurement\")", text, StringComparison.Ordinal);
        Assert.Contains("reference value snp_launch_measurement: nothing registered", text, StringComparison.Ordinal);
        Assert.Contains("snp.measurement = \"m\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_RefusedRelease_NamesTheExpressionAndTheAppraisalBehindIt()
    {
        await using var test = new TestAttestation();
        AttestationOutcome outcome = await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None);
        string compact = outcome.Token.Require().Compact;
        RegoProgram policy = RegoProgram.Compile("package policy\nimport rego.v1\nallow if input.submods.cpu0[\"ear.status\"] == \"affirming\"", "p").Require();
        var request = new RegoRequest { Input = RegoValue.FromJson(TestAttestation.Payload(outcome.Token.Require())), Explain = true };
        string id = test.Get<ReleaseLog>().Record(new ReleaseDecision
        {
            Time = test.Clock.GetUtcNow(),
            Request = "GET /kbs/v0/resource/a/b/c",
            Refusal = new Refusal(RefusalCode.PolicyDenied, "policy p says no"),
            TokenSha256 = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(compact))),
            TokenIssuedAt = test.Clock.GetUtcNow(),
            PolicyId = "p",
            Explain = () => policy.Evaluate("data.policy.allow", request).Explanation,
        });

        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(id, CancellationToken.None))!;

        Assert.StartsWith("GET /kbs/v0/resource/a/b/c was refused: ear.status is contraindicated, and the policy wants ", (string?)explained["sentence"], StringComparison.Ordinal);
        Assert.Equal(outcome.DecisionId, (string?)explained["appraisal"]!["id"]);
        Assert.Contains(explained["findings"]!.AsArray(), f => ((string?)f)!.Contains("nothing is registered under launch_digest", StringComparison.Ordinal));
        Assert.Equal(["release", "appraisal"], (await test.Get<DecisionExplainer>().ListAsync(DateTimeOffset.UnixEpoch, 10, CancellationToken.None)).Select(d => (string?)d!["kind"]).OrderDescending(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Explain_Release_IsNoTrafficToAppraiseAgain()
    {
        await using var test = new TestAttestation();
        string id = test.Get<ReleaseLog>().Record(new ReleaseDecision { Time = test.Clock.GetUtcNow(), Request = "GET /x", PolicyId = "p" });

        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(id, CancellationToken.None))!;
        ReverifyReport report = (await test.Get<EvidenceVault>().ReverifyAsync(new ReverifyRequest(), null, CancellationToken.None)).Require();

        Assert.Equal("GET /x was released under the policy p", (string?)explained["sentence"]);
        Assert.Equal((0, 0), (report.Examined, report.Skipped));
    }

    [Fact]
    public async Task Explain_UnknownId_IsNull()
    {
        await using var test = new TestAttestation();

        Assert.Null(await test.Get<DecisionExplainer>().ExplainAsync("nonsense", CancellationToken.None));
        Assert.Null(await test.Get<DecisionExplainer>().ExplainAsync(new string('0', 26), CancellationToken.None));
    }

    [Fact]
    public async Task Records_OfManyAlikeGuests_ShareTheirContent()
    {
        await using var test = new TestAttestation();
        for (int i = 0; i < 50; i++)
        {
            await test.RequireAsync(Snp(new string('3', 96)));
        }

        await test.Get<DecisionLog>().FlushAsync(CancellationToken.None);

        IKeyValueStore content = await test.Stores.OpenAsync(StoreNamespace.Parse(ContentStore.Namespace).Require(), CancellationToken.None);
        int blobs = 0;
        await foreach (string _ in content.ListAsync(string.Empty, CancellationToken.None))
        {
            blobs++;
        }

        // Claims, reference values and the policy: once each.
        Assert.Equal(3, blobs);
        Assert.Equal(50, (await test.Get<DecisionExplainer>().ListAsync(DateTimeOffset.UnixEpoch, 100, CancellationToken.None)).Count);
    }

    [Fact]
    public async Task Retention_ByTimeAndBySize_RemovesTheOldest()
    {
        await using var test = new TestAttestation(new AttestationOptions { Decisions = new DecisionOptions { Retention = TimeSpan.FromDays(1), MaxBytes = 3000 } });
        DecisionLog log = test.Get<DecisionLog>();
        AttestationOutcome old = await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None);
        await log.FlushAsync(CancellationToken.None);
        test.Clock.Advance(TimeSpan.FromDays(2));
        var later = new List<string>();
        for (int i = 0; i < 8; i++)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            later.Add((await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None)).DecisionId);
            await log.FlushAsync(CancellationToken.None);
        }

        await log.EnforceRetentionAsync(CancellationToken.None);

        Assert.Null(await log.FindAsync(old.DecisionId, CancellationToken.None));
        Assert.Null(await log.FindAsync(later[0], CancellationToken.None));
        JsonObject newest = (await test.Get<DecisionExplainer>().ExplainAsync(later[^1], CancellationToken.None))!;
        Assert.NotNull(newest["evidences"]![0]!["devices"]![0]!["claim_values"]);
    }

    [Fact]
    public async Task Retention_BySize_RemovesContentThatIsNamedNoMoreAndKeepsTheRest()
    {
        await using var test = new TestAttestation(new AttestationOptions { Decisions = new DecisionOptions { MaxBytes = 40_000, RecordEvidence = true } });
        DecisionLog log = test.Get<DecisionLog>();
        var ids = new List<string>();
        for (int i = 0; i < 40; i++)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            ids.Add((await test.Core.AttestAsync([Snp(i.ToString("d96", System.Globalization.CultureInfo.InvariantCulture))], [], CancellationToken.None)).DecisionId);
            await log.FlushAsync(CancellationToken.None);
        }

        await log.EnforceRetentionAsync(CancellationToken.None);

        int kept = 0;
        foreach (string id in ids)
        {
            if (await log.FindAsync(id, CancellationToken.None) is not null)
            {
                kept++;
                Assert.NotNull((await test.Get<DecisionExplainer>().ExplainAsync(id, CancellationToken.None))!["evidences"]![0]!["devices"]![0]!["claim_values"]);
            }
        }

        IKeyValueStore vault = await test.Stores.OpenAsync(StoreNamespace.Parse(ContentStore.VaultNamespace).Require(), CancellationToken.None);
        Assert.InRange(kept, 1, 39);
        Assert.Equal(kept, await vault.ListAsync(string.Empty, CancellationToken.None).CountAsync());
    }

    [Fact]
    public async Task Retention_WhereHardlyAnythingHappens_EndsRecordsByTheClockAlone()
    {
        await using var test = new TestAttestation(new AttestationOptions { Decisions = new DecisionOptions { Retention = TimeSpan.FromDays(1) } });
        AttestationOutcome outcome = await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None);
        await test.Get<DecisionLog>().FlushAsync(CancellationToken.None);
        Assert.NotNull(await test.Get<DecisionLog>().FindAsync(outcome.DecisionId, CancellationToken.None));

        test.Clock.Advance(TimeSpan.FromDays(1));

        Assert.Null(await test.Get<DecisionLog>().FindAsync(outcome.DecisionId, CancellationToken.None));
    }

    [Fact]
    public async Task Records_SwitchedOff_GiveIdsAllTheSame()
    {
        await using var test = new TestAttestation(new AttestationOptions { Decisions = new DecisionOptions { Enabled = false } });

        AttestationOutcome outcome = await test.Core.AttestAsync([TestAttestation.Sample()], [], CancellationToken.None);

        Assert.True(DecisionId.IsValid(outcome.DecisionId));
        Assert.Null(await test.Get<DecisionLog>().FindAsync(outcome.DecisionId, CancellationToken.None));
    }

    [Theory]
    [InlineData(TeeType.Sgx)]
    [InlineData(TeeType.Csv)]
    [InlineData(TeeType.Cca)]
    public async Task Explain_TeeThatThePolicyDoesNotKnow_SaysSo(TeeType tee)
    {
        await using var test = new TestAttestation();

        JsonObject explained = await ExplainAsync(test, TestAttestation.Input(tee, """{"claims":{"a":"b"}}"""));

        Assert.Equal(
            $"no rule of the policy default_cpu affirms {tee.ToWireName()} evidence whatever it says: configuration 36, executables 33, hardware 97",
            (string?)explained["sentence"]);
    }

    private static AttestationInput Snp(string measurement) => TestAttestation.Input(
        TeeType.Snp,
        "{\"claims\":{\"measurement\":\"" + measurement + "\",\"reported_tcb_bootloader\":4,\"policy_debug_allowed\":false,\"policy_migrate_ma\":false}}");

    private static async Task<JsonObject> ExplainAsync(TestAttestation test, AttestationInput input)
    {
        AttestationOutcome outcome = await test.Core.AttestAsync([input], [], CancellationToken.None);
        return (await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None))!;
    }
}
