// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests;

public sealed class LimitTests
{
    private static readonly RegoLimits Small = new(MaxSteps: 10_000, MaxDepth: 32, MaxValues: 10_000, MaxRegexLength: 100, MaxOutputLength: 10_000);

    [Theory]
    [InlineData("p if { some a in numbers.range(1, 1000); some b in numbers.range(1, 1000); a * b == -1 }", RegoLimit.Steps)]
    [InlineData("p := [[a, b] | some a in numbers.range(1, 60); some b in numbers.range(1, 60)]", RegoLimit.Values)]
    [InlineData("p := numbers.range(1, 1000000000)", RegoLimit.Values)]
    [InlineData("p := regex.match(concat(\"\", [\"a\" | some x in numbers.range(1, 200)]), \"a\")", RegoLimit.Regex)]
    [InlineData("p := sprintf(\"%20000d\", [1])", RegoLimit.Output)]
    [InlineData("p := x if { a := replace(\"aaaaaaaaaa\", \"a\", \"aaaaaaaaaa\"); b := replace(a, \"a\", a); x := replace(b, \"a\", b) }", RegoLimit.Output)]
    public void Evaluate_OverLimit_NamesLimitAndRule(string rule, RegoLimit limit)
    {
        RegoEvaluation evaluation = Policies.Compile("package test\n" + rule).Evaluate("data.test.p", input: null, limits: Small);

        Assert.Equal((RegoOutcome.Fault, limit, "data.test.p"), (evaluation.Outcome, evaluation.Fault?.Limit, evaluation.Fault?.Rule));
    }

    [Fact]
    public void Evaluate_NegatedLimit_CannotBeHidden() =>
        Assert.Equal(
            RegoLimit.Steps,
            Policies.Compile("package test\np if not q\nq if { some a in numbers.range(1, 9999); some b in numbers.range(1, 9999); a + b == -1 }")
                .Evaluate("data.test.p", input: null, limits: Small).Fault!.Limit);

    [Fact]
    public void Evaluate_DeepChainOfRules_IsADepthFault()
    {
        string chain = string.Concat(Enumerable.Range(0, 100).Select(i => $"r{i} := r{i + 1}\n"));

        RegoEvaluation evaluation = Policies.Compile("package test\n" + chain + "r100 := 1").Evaluate("data.test.r0", input: null, limits: Small);

        Assert.Equal(RegoLimit.Depth, evaluation.Fault!.Limit);
    }

    [Fact]
    public void Evaluate_ManyScansInOneBody_NeverOverflowsTheStack()
    {
        string body = string.Concat(Enumerable.Range(0, 50_000).Select(i => $"some x{i} in [1]\n"));
        RegoCompilation compilation = new RegoCompiler().Add("t.rego", "package test\np if {\nsome x in [1]\n" + body + "}").Compile();

        if (compilation.Program is { } program)
        {
            // How much fits depends on the thread's stack; what does not fit is a fault.
            RegoEvaluation evaluation = program.Evaluate("data.test.p", input: null);
            Assert.True(evaluation.IsTrue || evaluation.Fault?.Limit == RegoLimit.Depth, evaluation.ToString());
        }
    }

    [Fact]
    public void Evaluate_NumberThatDoubles_IsADigitsFault()
    {
        string chain = string.Concat(Enumerable.Range(0, 30).Select(i => $"r{i} := r{i + 1} * r{i + 1}\n"));

        Assert.Equal(RegoLimit.Digits, Policies.Compile("package test\n" + chain + "r30 := 12345678901234567890").Evaluate("data.test.r0", input: null).Fault!.Limit);
    }

    [Fact]
    public void Evaluate_ValueThatNests_IsANestingFault()
    {
        string chain = string.Concat(Enumerable.Range(0, 1100).Select(i => $"r{i} := [r{i + 1}]\n"));

        RegoEvaluation evaluation = Policies.Compile("package test\n" + chain + "r1100 := input").Evaluate("data.test.r0", RegoValue.Null, limits: new RegoLimits(MaxDepth: 5000));

        Assert.Equal(RegoOutcome.Fault, evaluation.Outcome);
        Assert.Contains(evaluation.Fault!.Limit, (RegoLimit?[])[RegoLimit.Nesting, RegoLimit.Depth]);
    }

    [Theory]
    [InlineData("p := r0")]
    [InlineData("p if r0 == s0")]
    [InlineData("p := sprintf(\"%v\", [r0])")]
    [InlineData("p := $\"{r0}\"")]
    [InlineData("p := json.marshal(r0)")]
    [InlineData("p contains x if some x in {r0, s0}")]
    [InlineData("p[r0] := 1")]
    public void Evaluate_PartsSharedManyTimes_EndsWithALimit(string rule)
    {
        string chains = string.Concat(Enumerable.Range(0, 60).Select(i => $"r{i} := [r{i + 1}, r{i + 1}]\ns{i} := [s{i + 1}, s{i + 1}]\n"));
        RegoProgram program = Policies.Compile("package test\n" + chains + "r60 := 1\ns60 := 1\n" + rule);

        Assert.NotNull(program.Evaluate("data.test.p", input: null).Fault?.Limit);
        Assert.NotNull(program.Evaluate("data.test.p", new RegoRequest { Explain = true }).Fault?.Limit);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(22)]
    public void Evaluate_LargeSharedValue_IsNeverWrittenOut(int levels)
    {
        string chain = string.Concat(Enumerable.Range(0, levels).Select(i => $"r{i} := [r{i + 1}, r{i + 1}]\n"));
        RegoProgram program = Policies.Compile($"package test\n{chain}r{levels} := input.x\np if {{ r0[0] == 3; print(r0) }}");

        RegoEvaluation evaluation = program.Evaluate("data.test.p", new RegoRequest { Input = Policies.Json("""{"x":1}"""), Explain = true });

        Assert.True(evaluation.Explanation!.ToText().Length < 100_000);
    }

    [Fact]
    public void Evaluate_ExponentialRegex_EndsAtOnce()
    {
        string text = new('a', 50_000);

        RegoEvaluation evaluation = Policies.Compile("package test\np := regex.match(\"^(a+)+$\", input)").Evaluate("data.test.p", text + "!");

        Assert.Equal("false", Policies.Outcome(evaluation));
    }

    [Fact]
    public void Evaluate_Cancelled_IsAFault()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();

        RegoEvaluation evaluation = Policies.Compile("package test\np if { some a in numbers.range(1, 100000); a < 0 }")
            .Evaluate("data.test.p", new RegoRequest { Cancellation = source.Token });

        Assert.Equal(RegoErrorCodes.Cancelled, evaluation.Fault!.Code);
    }

    [Fact]
    public void Evaluate_SameTwice_TakesTheSameSteps()
    {
        RegoProgram program = Policies.Compile("package test\np := count([x | some x in input; x > 2])");
        RegoValue input = Policies.Json("[1,2,3,4]");

        Assert.Equal(program.Evaluate("data.test.p", input).Steps, program.Evaluate("data.test.p", input).Steps);
    }
}
