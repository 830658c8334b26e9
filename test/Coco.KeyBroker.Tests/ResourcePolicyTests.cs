// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>Resource policies in Rego: the reference's own cases, the policies that ship, and everything that is not a plain yes (kbs.md 5.4).</summary>
public sealed class ResourcePolicyTests
{
    private const string P1 = """
        package policy
        default allow := false
        allow if {
            data.plugin == "resource"
            count(data["resource-path"]) == 3
            input.submods.cpu0["ear.veraison.annotated-evidence"].sample.productId == data["resource-path"][1]
        }
        """;

    private const string P3 = "package policy\nallow := false";

    private const string P4 = P1 + "\nunused := input.nosuch.member\n";

    private const string P5 = """
        package policy
        minimum := {"secret1": 2, "secret2": 3}
        default allow := false
        allow if {
            data.plugin == "resource"
            sample := input.submods.cpu0["ear.veraison.annotated-evidence"].sample
            data["resource-path"][0] == "myrepo"
            data["resource-path"][1] == "secret"
            minimum[data["resource-path"][2]] <= sample.svn
        }
        """;

    [Theory]
    [InlineData(P1, "resource", "my_repo/Alice/key", "Alice", 1, true)]
    [InlineData(P1, "another-plugin", "my_repo/Alice/key", "Alice", 1, false)]
    [InlineData(P1, "resource", "my_repo/Alice/key", "Bob", 1, false)]
    [InlineData(P3, "resource", "my_repo/Alice/key", "Alice", 1, false)]
    [InlineData(P4, "resource", "my_repo/Alice/key", "Alice", 1, true)]
    [InlineData(P5, "resource", "myrepo/secret/secret", "n", 2, false)]
    [InlineData(P5, "resource", "myrepo/secret/secret1", "n", 1, false)]
    [InlineData(P5, "resource", "myrepo/secret/secret1", "n", 2, true)]
    [InlineData(P5, "resource", "myrepo/secret/secret2", "n", 2, false)]
    [InlineData(P5, "resource", "myrepo/secret/secret3", "n", 3, false)]
    [InlineData(P5, "resource", "a/b/secret2", "n", 3, false)]
    [InlineData(P5, "abc", "", "n", 3, false)]
    public void CasesOfTheReference_AreDecidedAlike(string policy, string plugin, string path, string product, int svn, bool allowed)
    {
        string claims = "{\"submods\":{\"cpu0\":{\"ear.veraison.annotated-evidence\":{\"sample\":{\"productId\":\"" + product + "\",\"svn\":" + svn + "}}}}}";

        Assert.Equal(allowed, Evaluate(policy, plugin, path, claims).Outcome == PolicyOutcome.Allowed);
    }

    private const string Sample = """{"submods":{"cpu0":{"ear.status":"affirming","ear.veraison.annotated-evidence":{"sample":{"svn":"1"}}}}}""";
    private const string Snp = """{"submods":{"cpu0":{"ear.status":"contraindicated","ear.veraison.annotated-evidence":{"snp":{"svn":"1"}}}}}""";
    private const string Good = """{"submods":{"cpu0":{"ear.status":"affirming"},"gpu0":{"ear.status":"affirming"},"x":{}}}""";
    private const string OneBad = """{"submods":{"cpu0":{"ear.status":"affirming"},"gpu0":{"ear.status":"warning"}}}""";

    [Theory]
    [InlineData("default", "resource", Sample, false)]
    [InlineData("default", "resource", Snp, true)]
    [InlineData("default", "resource", "{}", true)]
    [InlineData("default", "sample", Snp, false)]
    [InlineData("allow-all", "resource", Sample, true)]
    [InlineData("allow-all", "pkcs11", Snp, false)]
    [InlineData("deny-all", "resource", Snp, false)]
    [InlineData("affirming", "pkcs11", Good, true)]
    [InlineData("affirming", "resource", OneBad, false)]
    [InlineData("affirming", "resource", Snp, false)]
    [InlineData("affirming", "resource", """{"submods":{}}""", false)]
    [InlineData("affirming", "resource", "{}", false)]
    public void PoliciesThatShip_DecideAsTheReferences(string name, string plugin, string claims, bool allowed) =>
        Assert.Equal(allowed, Evaluate(Named(name), plugin, "a/b/c", claims).Outcome == PolicyOutcome.Allowed);

    [Theory]
    [InlineData("package policy\nallow if not to_number(\"x\") == 1", nameof(PolicyOutcome.Fault))]
    [InlineData("package policy\nallow := 1", nameof(PolicyOutcome.NotBoolean))]
    [InlineData("package policy\nallow := \"true\"", nameof(PolicyOutcome.NotBoolean))]
    [InlineData("package policy\nallow := null", nameof(PolicyOutcome.NotBoolean))]
    [InlineData("package policy\nallow := {\"a\": true}", nameof(PolicyOutcome.NotBoolean))]
    [InlineData("package policy\nallow if input.nosuch", nameof(PolicyOutcome.Undefined))]
    [InlineData("package other\nallow := true", nameof(PolicyOutcome.Undefined))]
    [InlineData("package policy\nallow if count([x | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); x := i * j]) > 0", nameof(PolicyOutcome.Fault))]
    [InlineData("package policy\nallow := true if data.query.a == \"1\"\nallow := false if data.plugin == \"resource\"", nameof(PolicyOutcome.Fault))]
    [InlineData("package policy\nallow if { regex.match(`^r`, data.plugin); base64.decode(\"YQ==\") == \"a\"; time.now_ns() > 0 }", nameof(PolicyOutcome.Allowed))]
    public void WhatIsNoBoolean_Denies(string policy, string expected) =>
        Assert.Equal(expected, Evaluate(policy, "resource", "a/b/c", "{}", ("a", "1")).Outcome.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("allow := true")]
    [InlineData("package policy\nallow {")]
    [InlineData("package policy\nallow { input.tee == \"snp\" }")]
    [InlineData("package policy\nallow if http.send({\"url\": \"http://x\"})")]
    [InlineData("package policy\nallow if query_reference_value(\"svn\")")]
    public void PolicyThatDoesNotCompile_IsRefused(string policy) =>
        Assert.False(new RegoPolicyCompiler(TimeProvider.System).Compile(policy, "x.rego").TryGet(out _, out _));

    [Fact]
    public async Task DryRun_TellsTheOutcomeAndReleasesNothing()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = NamedResourcePolicies.Default);
        string draft = StrictBase64.EncodeUrl(System.Text.Encoding.UTF8.GetBytes(NamedResourcePolicies.AllowAll));
        string token = Example.Text("3.token");

        JsonElement active = JsonDocument.Parse((await broker.AdminAsync("POST", "/kbs/v0/resource-policy/evaluate", $$"""{"token":"{{token}}","path":"resource/a/b/c"}""")).Body).RootElement;
        JsonElement other = JsonDocument.Parse((await broker.AdminAsync("POST", "/kbs/v0/resource-policy/evaluate", $$"""{"token":"{{token}}","path":"resource/a/b/c","policy":"{{draft}}"}""")).Body).RootElement;
        RawAnswer forged = await broker.AdminAsync("POST", "/kbs/v0/resource-policy/evaluate", """{"token":"a.b.c","path":"resource/a/b/c"}""");

        Assert.Equal((false, "false", "resource-policy"), (active.GetProperty("allowed").GetBoolean(), active.GetProperty("outcome").GetString(), active.GetProperty("policy").GetString()));
        Assert.Equal((true, "draft"), (other.GetProperty("allowed").GetBoolean(), other.GetProperty("policy").GetString()));
        Assert.Equal(400, forged.Status);
    }

    [Fact]
    public async Task StoredPolicyThatNoLongerCompiles_DeniesAndIsToldByReadiness()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = "package policy\nallow { true }");
        await ExampleTests.StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));
        RawAnswer ready = await broker.SendAsync("GET", "/readyz");

        ExampleTests.AssertError(answer, 401, "PolicyEngineError", "Policy engine error: Failed to load policy");
        Assert.Equal(503, ready.Status);
    }

    [Fact]
    public async Task PolicyThatFails_IsAPolicyEngineError()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = "package policy\nallow := true if data.plugin\nallow := false if data.plugin");
        await ExampleTests.StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));

        ExampleTests.AssertError(answer, 401, "PolicyEngineError", "Policy engine error: Failed to eval policy");
    }

    [Fact]
    public async Task StrictStatus_Answers403And404()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o =>
        {
            o.StrictStatus = true;
            o.InitialResourcePolicy = "package policy\nallow if data[\"resource-path\"][0] != \"denied\"";
        });
        string bearer = "Authorization: Bearer " + Example.Text("3.token");

        Assert.Equal(403, (await broker.SendAsync("GET", "/kbs/v0/resource/denied/b/c", null, bearer)).Status);
        Assert.Equal(404, (await broker.SendAsync("GET", "/kbs/v0/resource/a/b/c", null, bearer)).Status);
        Assert.Equal(405, (await broker.SendAsync("GET", "/kbs/v0/auth")).Status);
    }

    private static string Named(string name) => name switch
    {
        "default" => NamedResourcePolicies.Default,
        "allow-all" => NamedResourcePolicies.AllowAll,
        "deny-all" => NamedResourcePolicies.DenyAll,
        _ => NamedResourcePolicies.Affirming,
    };

    private static PolicyDecision Evaluate(string policy, string plugin, string path, string claims, params (string Name, string Value)[] query)
    {
        CompiledResourcePolicy compiled = new RegoPolicyCompiler(new FakeTimeProvider(Example.Now)).Compile(policy, "resource-policy.rego").Require();
        var token = new VerifiedToken("00", JsonDocument.Parse(claims).RootElement, Example.Now, null);
        return compiled.Evaluate(new PolicyQuestion(
            token,
            plugin,
            path.Length == 0 ? [] : [.. path.Split('/')],
            query.ToImmutableSortedDictionary(q => q.Name, q => q.Value, StringComparer.Ordinal)));
    }
}
