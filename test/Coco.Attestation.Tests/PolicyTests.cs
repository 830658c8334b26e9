// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Attestation.Tests;

/// <summary>Policies of administrators, good and bad (attestation-service.md 8).</summary>
public sealed class PolicyTests
{
    [Theory]
    [InlineData("package policy\nallow if {")]
    [InlineData("not rego at all")]
    [InlineData("package policy\nimport rego.v1\na := unknown_function(1)")]
    [InlineData("package other\nimport rego.v1\ntrust_claims := {}")]
    public async Task Set_WhatDoesNotCompile_IsRefusedAndTheOldOneStays(string source)
    {
        await using var test = new TestAttestation();

        Refusal? why = await test.Core.Policies.SetAsync(PolicyId.Parse("default_cpu").Require(), source, CancellationToken.None);

        Assert.Equal(RefusalCode.Malformed, why?.Code);
        Assert.Equal("33/97/2", TestAttestation.Vector(await test.RequireAsync(TestAttestation.Sample())));
    }

    [Theory]
    [InlineData("""trust_claims := {"executables": 3, "surprise": 2}""", "unknown trust claim 'surprise'")]
    [InlineData("""trust_claims := {"executables": 128}""", "128")]
    [InlineData("""trust_claims := {"executables": 2.5}""", "2.5")]
    [InlineData("""trust_claims := {"executables": "3"}""", "not a number")]
    [InlineData("""trust_claims := [3]""", "not an object")]
    [InlineData("""trust_claims := {}""", "At least one policy claim must be set.")]
    [InlineData("""trust_claims := {"executables": 3} if false""", "not an object")]
    [InlineData("""trust_claims := {"executables": to_number("x")}""", "to_number")]
    [InlineData("""trust_claims := {"executables": count({x | some a in numbers.range(1, 4000); some b in numbers.range(1, 4000); x := (a * b) % 7})}""", "limit")]
    [InlineData("""extensions := 1""", "not an array")]
    [InlineData("""extensions := [{"name": "a", "key": 1}]""", "name, key and value")]
    [InlineData("""extensions := [{"name": "a", "key": 1, "value": 1}, {"name": "b", "key": 1, "value": 1}]""", "twice")]
    [InlineData("""extensions := [{"name": "a", "key": 1, "value": 1}, {"name": "a", "key": 2, "value": 1}]""", "twice")]
    [InlineData("""extensions := [{"name": "a", "key": 9999999999, "value": 1}]""", "32-bit")]
    [InlineData("""extensions := [{"name": "ear.status", "key": 1, "value": "affirming"}]""", "replace")]
    public async Task Attest_PolicyThatGivesNonsense_IsRefusedAndTheRestUnharmed(string rules, string reason)
    {
        await using var test = new TestAttestation();
        await test.SetAsync("bad_cpu", "package policy\nimport rego.v1\n" + rules);

        AttestationOutcome outcome = await test.Core.AttestAsync([TestAttestation.Sample()], [PolicyId.Parse("bad").Require()], CancellationToken.None);

        Assert.Equal(RefusalCode.PolicyDenied, outcome.Token.Refusal?.Code);
        Assert.Contains(reason, outcome.Token.Refusal!.Detail, StringComparison.Ordinal);
        Assert.Equal("33/97/2", TestAttestation.Vector(await test.RequireAsync(TestAttestation.Sample())));
    }

    [Fact]
    public async Task Attest_PolicyWithoutRules_SetsAllClaimsToZero()
    {
        await using var test = new TestAttestation();
        await test.SetAsync("default_cpu", "package policy\n");

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample());

        Assert.Equal("none", (string?)payload["submods"]!["cpu0"]!["ear.status"]);
        Assert.Equal(8, payload["submods"]!["cpu0"]!["ear.trustworthiness-vector"]!.AsObject().Count);
    }

    [Fact]
    public async Task Attest_OnlyClaimsThatAreSet_StandInTheVector()
    {
        await using var test = new TestAttestation();
        await test.SetAsync("default_cpu", """
            package policy
            trust_claims := {"hardware": -1, "executables": -97}
            extensions := [{"name": "zeta", "key": -70, "value": {"a": 1}}, {"name": "alpha", "key": 2, "value": null}]
            """);

        JsonObject submodule = (await test.RequireAsync(TestAttestation.Sample()))["submods"]!["cpu0"]!.AsObject();

        Assert.Equal("""{"executables":-97,"hardware":-1}""", submodule["ear.trustworthiness-vector"]!.ToJsonString());
        Assert.Equal("contraindicated", (string?)submodule["ear.status"]);
        Assert.Equal("""{"a":1}""", submodule["zeta"]!.ToJsonString());
        Assert.False(submodule.ContainsKey("alpha"));
    }

    [Fact]
    public async Task Attest_NamesComputedAtRunTime_AreFetchedInRounds()
    {
        await using var test = new TestAttestation();
        test.References.Set("step1", "\"step2\"").Set("step2", "\"step3\"").Set("step3", "3");
        await test.SetAsync("default_cpu", """
            package policy
            trust_claims := {"executables": query_reference_value(query_reference_value(query_reference_value("step1")))}
            """);

        Assert.Equal(3, (int?)(await test.RequireAsync(TestAttestation.Sample()))["submods"]!["cpu0"]!["ear.trustworthiness-vector"]!["executables"]);
        int calls = test.References.Calls;
        await test.RequireAsync(TestAttestation.Sample());
        Assert.Equal(calls + 1, test.References.Calls);
    }

    [Fact]
    public async Task Attest_EndlessNewNames_IsRefused()
    {
        await using var test = new TestAttestation();
        for (int i = 0; i < 40; i++)
        {
            test.References.Set($"n{i}", $"\"n{i + 1}\"");
        }

        string nested = string.Concat(Enumerable.Repeat("query_reference_value(", 30)) + "\"n0\"" + new string(')', 30);
        await test.SetAsync("default_cpu", $"package policy\nimport rego.v1\ntrust_claims := {{\"executables\": 3}} if {nested} != \"\"");

        Assert.Equal(RefusalCode.PolicyDenied, await test.CodeAsync(TestAttestation.Sample()));
    }

    [Fact]
    public async Task Attest_ReferenceValuesUnreachable_FailsAndAssumesNothing()
    {
        await using var test = new TestAttestation();
        test.References.IsDown = true;

        await Assert.ThrowsAsync<HttpRequestException>(async () => await test.AttestAsync(TestAttestation.Sample()));
    }

    [Fact]
    public async Task Set_ThenAttest_UsesTheNewPolicyOnEveryReplica()
    {
        await using var one = new TestAttestation();
        await using var two = new TestAttestation(stores: one.Stores);
        Assert.Equal("33/97/2", TestAttestation.Vector(await two.RequireAsync(TestAttestation.Sample())));

        await one.SetAsync("default_cpu", """
            package policy
            trust_claims := {"executables": 3, "hardware": 2, "configuration": 2}
            """);

        Assert.Equal("3/2/2", TestAttestation.Vector(await two.RequireAsync(TestAttestation.Sample())));
    }

    [Fact]
    public async Task Defaults_AreWrittenOnlyWhereAbsent()
    {
        await using var one = new TestAttestation();
        await one.SetAsync("default_gpu", "package policy\n");

        await using var two = new TestAttestation(stores: one.Stores);
        var list = await two.Core.Policies.ListAsync(CancellationToken.None);

        Assert.Equal(["default_cpu", "default_gpu", "default_ppcie", "default_switch"], list.Keys);
        Assert.Equal("package policy\n", (await two.Core.Policies.GetAsync(PolicyId.Parse("default_gpu").Require(), CancellationToken.None)).Require());
        Assert.Null(await two.Core.Policies.DeleteAsync(PolicyId.Parse("default_gpu").Require(), CancellationToken.None));
        Assert.Equal(RefusalCode.NotFound, (await two.Core.Policies.DeleteAsync(PolicyId.Parse("default_gpu").Require(), CancellationToken.None))?.Code);
    }
}
