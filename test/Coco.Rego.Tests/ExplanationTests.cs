// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Rego.Tests;

public sealed class ExplanationTests
{
    private const string Policy =
        """
        package policy

        default allow := false

        allow if {
            input.user == "alice"
            minimum := 3
            level >= minimum
        }

        allow if {
            some container in input.containers
            container.image in trusted
        }

        level := input.claims.level

        trusted := {"a", "b"}
        """;

    [Fact]
    public void Explain_FailedRules_TellsExpressionPlaceAndVariables()
    {
        RegoExplanation explanation = Explain("""{"user":"alice","claims":{"level":2},"containers":[{"image":"x"},{"image":"y"}]}""");

        RegoRuleTrace allow = Assert.Single(explanation.Rules);
        Assert.Equal("data.policy.allow", allow.Name);
        RegoFailure first = Assert.Single(allow.Clauses[0].Failures);
        Assert.Equal("level >= minimum", first.Expression);
        Assert.Equal(new RegoLocation("test.rego", 8, 5), first.Location);
        Assert.Equal([("minimum", (RegoValue)3)], first.Variables);
        Assert.Equal("data.policy.level", Assert.Single(first.Rules).Name);
        RegoFailure second = Assert.Single(allow.Clauses[1].Failures);
        Assert.Equal("container.image in trusted", second.Expression);
        Assert.Equal(2, second.Times);
        Assert.Equal("container", Assert.Single(second.Variables).Name);
    }

    [Fact]
    public void Explain_MissingInput_IsReadAndDoesNotExist()
    {
        RegoExplanation explanation = Explain("""{"claims":{}}""");

        Assert.Contains(explanation.InputReads, r => r is { Path: "input.user", Exists: false });
        Assert.Contains(explanation.InputReads, r => r is { Path: "input.containers", Exists: false });
    }

    [Fact]
    public void Explain_ReadThroughAVariable_HasItsPath()
    {
        RegoExplanation explanation = Explain("""{"user":"alice","claims":{"level":2},"containers":[{"image":"x"},{"name":"y"}]}""");

        Assert.Contains(explanation.InputReads, r => r is { Path: "input.containers[0].image", Exists: true });
        Assert.Contains(explanation.InputReads, r => r is { Path: "input.containers[1].image", Exists: false });
        Assert.Contains(explanation.InputReads, r => r.Path == "input.claims.level" && r.Value == 2);
    }

    [Fact]
    public void Explain_NestedUndefinedRule_IsFollowed()
    {
        RegoExplanation explanation = Explain("""{"user":"alice"}""");

        RegoFailure failure = explanation.Rules[0].Clauses[0].Failures[0];
        RegoRuleTrace level = Assert.Single(failure.Rules);
        Assert.Null(level.Value);
        Assert.Equal("input.claims", Assert.Single(level.Clauses[0].Failures[0].InputReads).Path);
    }

    [Fact]
    public void Explain_SameAnswerAsWithout()
    {
        RegoProgram program = Policies.Compile(Policy);
        RegoValue input = Policies.Json("""{"user":"alice","claims":{"level":5}}""");

        RegoEvaluation fast = program.Evaluate("data.policy.allow", input);
        RegoEvaluation explained = program.Evaluate("data.policy.allow", new RegoRequest { Input = input, Explain = true });

        Assert.Equal(fast.Value, explained.Value);
        Assert.Null(fast.Explanation);
        Assert.Contains(explained.Explanation!.Rules[0].Clauses, c => c is { Holds: true, Failures.IsEmpty: true });
    }

    [Fact]
    public void Explain_Every_ShowsWhatFailedInside()
    {
        RegoEvaluation evaluation = Policies.Compile("package test\np if {\n  every x in input.xs {\n    x.ok == true\n  }\n}")
            .Evaluate("data.test.p", new RegoRequest { Input = Policies.Json("""{"xs":[{"ok":true},{"ok":false}]}"""), Explain = true });

        RegoFailure failure = Assert.Single(evaluation.Explanation!.Rules[0].Clauses[0].Failures);
        RegoFailure inner = Assert.Single(failure.Inner);
        Assert.Equal(4, inner.Location.Row);
        Assert.Equal("""{"ok": false}""", Assert.Single(inner.Variables).Value.ToString());
    }

    [Fact]
    public void Explain_NegationOfWhatHolds_NamesTheRuleAndWhatItRead()
    {
        RegoEvaluation evaluation = Policies.Compile("package test\np if not bad\nbad if input.x == 1\nq if not input.x == 1")
            .Evaluate("data.test", new RegoRequest { Input = Policies.Json("""{"x":1}"""), Explain = true });

        ImmutableArray<RegoRuleTrace> rules = evaluation.Explanation!.Rules;
        RegoFailure ofRule = rules.Single(r => r.Name == "data.test.p").Clauses[0].Failures[0];
        Assert.Equal("data.test.bad", Assert.Single(ofRule.Rules).Name);
        Assert.Equal("input.x", Assert.Single(rules.Single(r => r.Name == "data.test.q").Clauses[0].Failures[0].InputReads).Path);
    }

    [Fact]
    public void Explain_BuiltinError_IsTold()
    {
        RegoEvaluation evaluation = Policies.Compile("package test\np if { to_number(input.x) > 1 }")
            .Evaluate("data.test.p", new RegoRequest { Input = Policies.Json("""{"x":"many"}"""), Explain = true });

        Assert.StartsWith("to_number: ", Assert.Single(evaluation.Explanation!.Rules[0].Clauses[0].Failures[0].BuiltinErrors), StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_TooMuch_IsTruncatedNotUnbounded()
    {
        RegoEvaluation evaluation = Policies.Compile("package test\np if { some x in numbers.range(1, 5000); f(x) }\nf(x) if x < 0")
            .Evaluate("data.test.p", new RegoRequest { Explain = true, MaxTraceEvents = 50 });

        Assert.True(evaluation.Explanation!.IsTruncated);
    }

    [Fact]
    public void ToText_Explanation_IsReadable()
    {
        string text = Explain("""{"user":"bob"}""").ToText();

        Assert.Contains("""input.user == "alice" """.TrimEnd(), text, StringComparison.Ordinal);
        Assert.Contains("""input.user = "bob" """.TrimEnd(), text, StringComparison.Ordinal);
        Assert.Contains("not in the input: input.containers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Coverage_Evaluations_TellLines()
    {
        RegoProgram program = Policies.Compile(Policy);
        var coverage = new RegoCoverage();

        program.Evaluate("data.policy.allow", new RegoRequest { Input = Policies.Json("""{"user":"bob"}"""), Coverage = coverage });
        RegoFileCoverage file = Assert.Single(coverage.Report(program));

        Assert.Contains(6, file.Covered);
        Assert.Contains(8, file.NotCovered);
        Assert.InRange(file.Percent, 1, 99);
    }

    private static RegoExplanation Explain(string input) =>
        Policies.Compile(Policy).Evaluate("data.policy.allow", new RegoRequest { Input = Policies.Json(input), Explain = true }).Explanation!;
}
