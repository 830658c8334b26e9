// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests;

public sealed class HostFunctionTests
{
    private const string Policy =
        """
        package policy

        default hardware := 97

        hardware := 2 if input.svn in query_reference_value("svn")

        name := concat("_", ["computed", input.tee])

        computed if input.svn in query_reference_value(name)
        """;

    [Fact]
    public void ReferenceNames_Literals_AreKnownWhenCompiled() => Assert.Equal(["svn"], Policies.Compile(Policy).ReferenceNames);

    [Fact]
    public void Evaluate_KnownValue_IsUsed() => Assert.Equal("2", Evaluate("data.policy.hardware", new() { ["svn"] = RegoArray.Of(1, 2) }));

    [Fact]
    public void Evaluate_NullForUnknown_FailsTheComparison() => Assert.Equal("97", Evaluate("data.policy.hardware", new() { ["svn"] = RegoValue.Null }));

    [Fact]
    public void Evaluate_NameNotFetched_NeedsDataThenHolds()
    {
        var known = new Dictionary<string, RegoValue>();

        Assert.Equal("needs computed_snp", Evaluate("data.policy.computed", known));

        known["computed_snp"] = RegoArray.Of(1);

        Assert.Equal("true", Evaluate("data.policy.computed", known));
    }

    [Fact]
    public void Evaluate_HostWithoutTheFunction_IsAFault() =>
        Assert.Equal(RegoErrorCodes.Host, Policies.Outcome(Policies.Compile(Policy).Evaluate("data.policy.hardware", Policies.Json("""{"svn":1}"""))));

    [Fact]
    public void Evaluate_HostFunctionThrows_IsAFaultNotACrash() =>
        Assert.Equal(
            RegoErrorCodes.Internal,
            Policies.Outcome(Policies.Compile(Policy).Evaluate(
                "data.policy.hardware",
                Policies.Json("""{"svn":1}"""),
                functions: new Dictionary<string, RegoHostFunction> { ["query_reference_value"] = _ => throw new InvalidOperationException("down") })));

    [Fact]
    public void Compile_OtherFunctions_AreDeclaredByTheHost()
    {
        var options = new RegoCompileOptions { HostFunctions = RegoCompileOptions.Default.HostFunctions.Add("acme.level", 2) };

        RegoEvaluation evaluation = Policies.Compile("package test\np := acme.level(1, 2)", options).Evaluate(
            "data.test.p", input: null, functions: new Dictionary<string, RegoHostFunction> { ["acme.level"] = a => RegoNumber.Add((RegoNumber)a[0], (RegoNumber)a[1]) });

        Assert.Equal("3", Policies.Outcome(evaluation));
    }

    [Fact]
    public void Print_Undefined_IsShownAndNeverFails()
    {
        var lines = new List<string>();

        RegoEvaluation evaluation = Policies.Compile("package test\np if { print(\"x is\", input.x, {1}); true }")
            .Evaluate("data.test.p", new RegoRequest { Host = new RegoHost { Print = lines.Add } });

        Assert.True(evaluation.IsTrue);
        Assert.Equal(["x is <undefined> {1}"], lines);
    }

    private static string Evaluate(string path, Dictionary<string, RegoValue> known) => Policies.Outcome(Policies.Compile(Policy).Evaluate(
        path,
        Policies.Json("""{"svn":1,"tee":"snp"}"""),
        functions: new Dictionary<string, RegoHostFunction>
        {
            ["query_reference_value"] = a =>
            {
                string name = ((RegoString)a[0]).Value;
                return known.TryGetValue(name, out RegoValue? value) ? value : throw new RegoNeedsDataException(name);
            },
        }));
}
