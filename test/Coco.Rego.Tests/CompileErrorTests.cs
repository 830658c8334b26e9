// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests;

public sealed class CompileErrorTests
{
    [Theory]
    [InlineData("p := ", RegoErrorCodes.Parse, 3, 1)]
    [InlineData("p := 1 2", RegoErrorCodes.Parse, 2, 8)]
    [InlineData("p := 01", RegoErrorCodes.Parse, 2, 6)]
    [InlineData("p := \"abc", RegoErrorCodes.Parse, 2, 6)]
    [InlineData("p := \"\\q\"", RegoErrorCodes.Parse, 2, 7)]
    [InlineData("p := `abc", RegoErrorCodes.Parse, 2, 6)]
    [InlineData("p", RegoErrorCodes.Parse, 2, 1)]
    [InlineData("p if {}", RegoErrorCodes.Parse, 2, 6)]
    [InlineData("p contains x := 1 if true", RegoErrorCodes.Parse, 2, 14)]
    [InlineData("default p", RegoErrorCodes.Parse, 2, 1)]
    [InlineData("import foo.bar", RegoErrorCodes.Parse, 2, 8)]
    [InlineData("p := $\"{}\"", RegoErrorCodes.Parse, 2, 8)]
    [InlineData("p := ~1", RegoErrorCodes.Parse, 2, 6)]
    [InlineData("p if x", RegoErrorCodes.UnsafeVariable, 2, 6)]
    [InlineData("p if { not x == 1 }", RegoErrorCodes.UnsafeVariable, 2, 8)]
    [InlineData("p := x if true", RegoErrorCodes.UnsafeVariable, 2, 6)]
    [InlineData("p if { x > 1; y := x }", RegoErrorCodes.UnsafeVariable, 2, 8)]
    [InlineData("p := [y | x := 1]", RegoErrorCodes.UnsafeVariable, 2, 7)]
    [InlineData("p if p", RegoErrorCodes.Recursion, 2, 1)]
    [InlineData("p if data.test[_]", RegoErrorCodes.Recursion, 2, 1)]
    [InlineData("p if q\nq if p", RegoErrorCodes.Recursion, 2, 1)]
    [InlineData("f(x) := f(x)", RegoErrorCodes.Recursion, 2, 1)]
    [InlineData("p if nosuch(1)", RegoErrorCodes.StaticType, 2, 6)]
    [InlineData("p := count([], 1, 2)", RegoErrorCodes.StaticType, 2, 6)]
    [InlineData("p := count(1)", RegoErrorCodes.StaticType, 2, 12)]
    [InlineData("f(x) := x\np := f(1, 2, 3)", RegoErrorCodes.StaticType, 3, 6)]
    [InlineData("p := 1\np contains 2", RegoErrorCodes.StaticType, 3, 1)]
    [InlineData("p(x) := 1\np(x, y) := 1", RegoErrorCodes.StaticType, 3, 1)]
    [InlineData("default p := 1\ndefault p := 2", RegoErrorCodes.StaticType, 3, 1)]
    [InlineData("default p := input.x", RegoErrorCodes.Compile, 2, 1)]
    [InlineData("p := 1\np.q := 2", RegoErrorCodes.Compile, 2, 1)]
    [InlineData("p if { x := 1; x := 2 }", RegoErrorCodes.Compile, 2, 16)]
    [InlineData("p if { x := 1; some x }", RegoErrorCodes.Compile, 2, 21)]
    [InlineData("p if { 1 := 2 }", RegoErrorCodes.Compile, 2, 8)]
    [InlineData("p if { input.x := 2 }", RegoErrorCodes.Compile, 2, 8)]
    [InlineData("p if { y := x; x := 1 }", RegoErrorCodes.Compile, 2, 13)]
    [InlineData("f(x) if { x := 1 }", RegoErrorCodes.Compile, 2, 11)]
    [InlineData("input := 1", RegoErrorCodes.Compile, 2, 1)]
    [InlineData("import data.a\nimport data.b.a\np := 1", RegoErrorCodes.Compile, 3, 1)]
    [InlineData("p if true with foo as 1", RegoErrorCodes.Compile, 2, 11)]
    [InlineData("p := time.now_ns()", RegoErrorCodes.StaticType, 2, 6)]
    [InlineData("p := http.send({})", RegoErrorCodes.StaticType, 2, 6)]
    [InlineData("p if { any([true]) }", RegoErrorCodes.StaticType, 2, 8)]
    public void Compile_WrongModule_NamesCodeAndPlace(string rules, string code, int row, int column)
    {
        RegoDiagnostic[] errors = Policies.Errors("package test\n" + rules + "\n", new RegoCompileOptions { Version = RegoVersion.V1 });

        Assert.Equal((code, new RegoLocation("test.rego", row, column)), (errors[0].Code, errors[0].Location));
    }

    [Fact]
    public void Compile_SeveralWrongRules_NamesAll()
    {
        RegoDiagnostic[] syntax = Policies.Errors("package test\np := )\nq := 1\nr := [\n\ns := ]\n");
        RegoDiagnostic[] meaning = Policies.Errors("package test\np := x\nq if nosuch(1)\nr if y > 1\n");

        Assert.Equal([2, 6], syntax.Select(e => e.Location.Row));
        Assert.Equal([2, 3, 4], meaning.Select(e => e.Location.Row));
    }

    [Fact]
    public void Compile_V0SyntaxAsV1_IsRefused()
    {
        RegoDiagnostic error = Assert.Single(Policies.Errors("package test\np { true }", new RegoCompileOptions { Version = RegoVersion.V1 }));

        Assert.Contains("if keyword", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_ImportRegoV1_IsV1EvenWhereV0IsAsked() =>
        Assert.NotEmpty(Policies.Errors("package test\nimport rego.v1\np { true }", new RegoCompileOptions { Version = RegoVersion.V0 }));

    [Fact]
    public void Compile_DataWhereARuleIs_IsRefused() =>
        Assert.Equal(RegoErrorCodes.Compile, Policies.Errors("package test\np := 1", new RegoCompileOptions { Data = Policies.Json("""{"test":{"p":2}}""") })[0].Code);

    [Fact]
    public void Compile_GrantedClock_KnowsTheTime() =>
        Assert.Equal(RegoOutcome.Value, Policies.Compile("package test\np := time.now_ns()", new RegoCompileOptions { Grants = RegoGrants.Clock }).Evaluate("data.test.p", input: null).Outcome);

    [Fact]
    public void Compile_TooLong_IsRefused() =>
        Assert.Equal(RegoErrorCodes.Parse, Policies.Errors("package test\n" + new string(' ', 100), new RegoCompileOptions { MaxSourceLength = 50 })[0].Code);

    [Theory]
    [InlineData("[", "]")]
    [InlineData("(", ")")]
    [InlineData("{\"a\": ", "}")]
    [InlineData("-", "")]
    [InlineData("[x | x := ", "]")]
    [InlineData("f(", ")")]
    [InlineData("$\"{", "}\"")]
    public void Compile_DeepNesting_IsRefusedNotACrash(string open, string close)
    {
        const int Levels = 100_000;
        string source = "package test\np := " + string.Concat(Enumerable.Repeat(open, Levels)) + "1" + string.Concat(Enumerable.Repeat(close, Levels));

        Assert.NotEmpty(Policies.Errors(source));
    }

    [Fact]
    public void Compile_LongOperatorChain_IsRefusedNotACrash() =>
        Assert.NotEmpty(Policies.Errors("package test\np := 1" + string.Concat(Enumerable.Repeat(" + 1", 100_000))));

    [Fact]
    public void Compile_LargeLiteralOnOneLine_IsRead()
    {
        string items = string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"{{\"id\": {i}, \"name\": \"n{i}\"}}"));

        Assert.Equal("200000", Policies.Evaluate($"package test\np := count(q)\nq := [{items}]"));
    }
}
