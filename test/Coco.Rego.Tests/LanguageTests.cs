// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests;

public sealed class LanguageTests
{
    [Theory]
    [InlineData("p := 1", "1")]
    [InlineData("p if false", "undefined")]
    [InlineData("p := false", "false")]
    [InlineData("p := null", "null")]
    [InlineData("default p := 7\np := 1 if false", "7")]
    [InlineData("p := x if { x := 1 + 2 * 3 }", "7")]
    [InlineData("p := (1 + 2) * 3", "9")]
    [InlineData("p := -x if x := 4", "-4")]
    [InlineData("p := {1, 2} | {2, 3}", "[1,2,3]")]
    [InlineData("p := {1, 2} & {2, 3}", "[2]")]
    [InlineData("p := {1, 2} - {2, 3}", "[1]")]
    [InlineData("p contains x if some x in [3, 1, 3]", "[1,3]")]
    [InlineData("p[k] := v if some k, v in {\"a\": 1, \"b\": 2}", "{\"a\":1,\"b\":2}")]
    [InlineData("p[k] if some k in [\"x\"]", "{\"x\":true}")]
    [InlineData("p.a.b := 1\np.a.c := 2", "{\"a\":{\"b\":1,\"c\":2}}")]
    [InlineData("p[x].b contains y if { some x in [\"k\"]; some y in [2, 1] }", "{\"k\":{\"b\":[1,2]}}")]
    [InlineData("p := [x | some x in {3, 1}]", "[1,3]")]
    [InlineData("p := {x: y | some x, y in [\"a\", \"b\"]}", "{\"0\":\"a\",\"1\":\"b\"}")]
    [InlineData("p := {x | x := [1, 2][_]}", "[1,2]")]
    [InlineData("p if every x in [1, 2] { x > 0 }", "true")]
    [InlineData("p if every x in [1, 0] { x > 0 }", "undefined")]
    [InlineData("p if every x in [] { x > 0 }", "true")]
    [InlineData("p if every k, v in {\"a\": 1} { k == \"a\"; v == 1 }", "true")]
    [InlineData("p if not 1 in [2]", "true")]
    [InlineData("p if 1 in null", "undefined")]
    [InlineData("p := 1 in null", "false")]
    [InlineData("p := [1, 1 in [2]]", "[1,false]")]
    [InlineData("p := (1, 1 in [2, 1])", "true")]
    [InlineData("p if { 0, 2 in [2] }", "true")]
    [InlineData("p := x if { eq(x, 4) }", "4")]
    [InlineData("p := plus(1, 2)", "3")]
    [InlineData("p := x if { [x, 2] = [1, y]; y == 2 }", "1")]
    [InlineData("p := x if { {\"a\": x} = {\"a\": 5} }", "5")]
    [InlineData("p := x if { y = 2; x = y + 1 }", "3")]
    [InlineData("p := x if { x = y + 1; y = 2 }", "3")]
    [InlineData("f(x) := x + 1\np := f(f(1))", "3")]
    [InlineData("f(1) := \"one\"\nf(2) := \"two\"\np := [f(1), f(2)]", "[\"one\",\"two\"]")]
    [InlineData("f([x, y]) := x + y\np := f([1, 2])", "3")]
    [InlineData("f(_) := 1 if false\ndefault f(_) := 9\np := f(0)", "9")]
    [InlineData("p := 1 if false\nelse := 2 if false\nelse := 3", "3")]
    [InlineData("p := 1 if { false } else := 2 if { true } else := 3 if { true }", "2")]
    [InlineData("q := input.x\np := x if x := q with input.x as 4", "4")]
    [InlineData("q := input\np := x if x := q with input.a.b as 1 with input.c as 2", "{\"a\":{\"b\":1},\"c\":2}")]
    [InlineData("q := 1\np := x if x := q with data.test.q as 2", "2")]
    [InlineData("f(x) := x\ng(x) := x + 10\np := x if x := f(1) with f as g", "11")]
    [InlineData("p := x if x := count([1]) with count as 5", "5")]
    [InlineData("p := x if { y := {\"a\": [{\"b\": 1}]}; x := y.a[0].b }", "1")]
    [InlineData("a := {\"x\": 1}\np := a[\"x\"]", "1")]
    [InlineData("p := $\"a{1 + 1}b{input.none}\"", "\"a2b<undefined>\"")]
    [InlineData("p := `raw\\n`", "\"raw\\\\n\"")]
    [InlineData("p := \"\\u0041\\t\\\"\"", "\"A\\t\\\"\"")]
    [InlineData("p if 1 == 1.0", "true")]
    [InlineData("p := 28857836529306024611913 - 28857836529306024611912", "1")]
    [InlineData("p := 0.1 + 0.2", "0.3")]
    [InlineData("p := [null < false, false < 1, 1 < \"\", \"\" < [], [] < {}, {} < set()]", "[true,true,true,true,true,true]")]
    [InlineData("p if 5 >= null", "true")]
    [InlineData("p := 1 / 0", "undefined")]
    [InlineData("p if not 1 / 0", "true")]
    [InlineData("p := {1, 2}[2]", "2")]
    [InlineData("p := {[1, 2], [3, 4]}[[1, x]] if x := 2", "[1,2]")]
    [InlineData("p contains y if { {[1, 2], [3, 4]}[[x, y]] }", "[2,4]")]
    [InlineData("p contains i if [\"a\", \"b\", \"a\"][i] == \"a\"", "[0,2]")]
    [InlineData("p := x if { walk({\"a\": 1}, [[\"a\"], x]) }", "1")]
    [InlineData("p := x if { split(\"a.b\", \".\", [x, _]) }", "\"a\"")]
    [InlineData("import data.test.q as r\nq := 3\np := r", "3")]
    [InlineData("p := x if { some x; [x] = [8] }", "8")]
    [InlineData("p := y if { x := 1; y := [x | x := 2][0] }", "2")]
    [InlineData("p := [1, 2,]", "[1,2]")]
    [InlineData("p := {\"a\": 1, \"b\": {2, 3}}", "{\"a\":1,\"b\":[2,3]}")]
    [InlineData("p := data.test.q[\"k\"]\nq.k := 1", "1")]
    [InlineData("q contains 1\nq contains 2\np := count(q)", "2")]
    [InlineData("a.b := 1 if false\np := data.test.a", "{}")]
    public void Evaluate_Policy_GivesValue(string rules, string expected) =>
        Assert.Equal(expected, Policies.Evaluate("package test\n" + rules));

    [Theory]
    [InlineData("p = 1 { true }", "1")]
    [InlineData("p { false } { true }", "true")]
    [InlineData("p[x] { x := [1, 2][_] }", "[1,2]")]
    [InlineData("p[x] = y { x := \"a\"; y := 1 }", "{\"a\":1}")]
    [InlineData("default p = false\np { input.x }", "false")]
    [InlineData("p = 1 { false } else = 2 { true }", "2")]
    [InlineData("import future.keywords.in\np { 1 in [1] }", "true")]
    [InlineData("import future.keywords\np contains 1 if { true }", "[1]")]
    [InlineData("in := 3\np = in { true }", "3")]
    [InlineData("p { any([false, true]) }", "true")]
    public void Evaluate_V0Policy_GivesValue(string rules, string expected) =>
        Assert.Equal(expected, Policies.Evaluate("package test\n" + rules));

    [Theory]
    [InlineData("p := 1\np := 2", "eval_conflict_error")]
    [InlineData("p := x if some x in [1, 2]", "eval_conflict_error")]
    [InlineData("p[\"a\"] := x if some x in [1, 2]", "eval_conflict_error")]
    [InlineData("p := {\"a\": x | some x in [1, 2]}", "eval_conflict_error")]
    [InlineData("f(x) := x\nf(x) := x + 1\np := f(1)", "eval_conflict_error")]
    [InlineData("p[x].b := 1 if x := \"a\"\np.a := 3", "eval_conflict_error")]
    public void Evaluate_TwoValues_IsConflict(string rules, string expected) =>
        Assert.Equal(expected, Policies.Evaluate("package test\n" + rules));

    [Fact]
    public void Evaluate_TwoModulesOfOnePackage_SeeEachOther()
    {
        RegoProgram program = new RegoCompiler()
            .Add("a.rego", "package test\np contains q")
            .Add("b.rego", "package test\nq := 1\np contains 2")
            .Add("c.rego", "package other.test\nr := data.test.p")
            .Compile().Program!;

        Assert.Equal("[1,2]", Policies.Outcome(program.Evaluate("data.other.test.r", input: null)));
        Assert.Equal("""{"other":{"test":{"r":[1,2]}},"test":{"p":[1,2],"q":1}}""", Policies.Outcome(program.Evaluate("data", input: null)));
    }

    [Fact]
    public void Evaluate_StrictBuiltinErrors_EndsWithTheErrorAndItsPlace()
    {
        RegoProgram program = Policies.Compile("package test\np if {\n  not 1 / input.x\n}");

        RegoEvaluation lenient = program.Evaluate("data.test.p", new RegoRequest { Input = Policies.Json("""{"x":0}""") });
        RegoEvaluation strict = program.Evaluate("data.test.p", new RegoRequest { Input = Policies.Json("""{"x":0}"""), StrictBuiltinErrors = true });

        Assert.True(lenient.IsTrue);
        Assert.Equal(RegoErrorCodes.Builtin, strict.Fault!.Code);
        Assert.Equal(new RegoLocation("test.rego", 3, 7), strict.Fault.Location);
        Assert.Equal("data.test.p", strict.Fault.Rule);
    }

    [Theory]
    [InlineData("data.test.allow", true)]
    [InlineData("data.test", true)]
    [InlineData("data.test.obj.anything", true)]
    [InlineData("data.test.f", false)]
    [InlineData("data.test.none", false)]
    [InlineData("input.x", false)]
    public void HasRule_Path_TellsUnknownFromUndefined(string path, bool expected) =>
        Assert.Equal(expected, Policies.Compile("package test\nallow if input.never\nobj := {}\nf(x) := x").HasRule(path));

    [Theory]
    [InlineData("x = data.test.p", """[{"x":1}]""")]
    [InlineData("x = [1, 2][i]", """[{"i":0,"x":1},{"i":1,"x":2}]""")]
    [InlineData("data.test.p == 1", "[{}]")]
    [InlineData("data.test.p == 2", "undefined")]
    [InlineData("x := ", "rego_parse_error")]
    [InlineData("x = y", "rego_unsafe_var_error")]
    public void EvaluateQuery_Text_GivesBindings(string query, string expected) =>
        Assert.Equal(expected, Policies.Outcome(Policies.Compile("package test\np := 1").EvaluateQuery(query, new RegoRequest())));

    [Fact]
    public void EvaluateQuery_Package_ResolvesItsNames() =>
        Assert.Equal("""[{"x":1}]""", Policies.Outcome(Policies.Compile("package test.a\np := 1").EvaluateQuery("x = p", new RegoRequest(), "test.a")));

    [Fact]
    public void Evaluate_DataFromRequest_IsSeen() =>
        Assert.Equal("true", Policies.Evaluate("package test\np if data[\"resource-path\"][0] == \"default\"", data: """{"resource-path":["default","key","1"]}"""));

    [Fact]
    public async Task Evaluate_FromManyThreads_GivesTheSame()
    {
        RegoProgram program = Policies.Compile(
            "package test\np := count(s)\ns contains x if { some y in input.xs; f(y); x := [z | some z in input.xs; z <= y] }\nf(x) if x > 0");
        RegoValue input = Policies.Json("""{"xs":[1,2,3,4,5,6,7,8]}""");

        string[] outcomes = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(() => Policies.Outcome(program.Evaluate("data.test.p", input)))));

        Assert.All(outcomes, o => Assert.Equal("8", o));
    }

    [Fact]
    public void Metadata_RuleAndChain_AreKnownToTheRule()
    {
        RegoProgram program = Policies.Compile(
            """
            # METADATA
            # title: the package
            package test

            # METADATA
            # title: the rule
            # custom:
            #   severity: 3
            p := rego.metadata.rule().custom.severity

            q := [x.path | some x in rego.metadata.chain()]
            """);

        Assert.Equal("3", Policies.Outcome(program.Evaluate("data.test.p", input: null)));
        Assert.Equal("""[["test","q"],["test"]]""", Policies.Outcome(program.Evaluate("data.test.q", input: null)));
    }

    [Fact]
    public void Evaluate_ManyClausesForOneInput_ChoosesByIndexAsWithout()
    {
        string rules = string.Concat(Enumerable.Range(0, 50).Select(i => $"p := {i % 7} if input.k == \"k{i}\"\n"));
        RegoProgram program = Policies.Compile("package test\np := 9 if input.k == 4\n" + rules + "default p := 100");

        for (int i = 0; i < 50; i++)
        {
            Assert.Equal((i % 7).ToString(System.Globalization.CultureInfo.InvariantCulture), Policies.Outcome(program.Evaluate("data.test.p", Policies.Json($$"""{"k":"k{{i}}"}"""))));
        }

        Assert.Equal("9", Policies.Outcome(program.Evaluate("data.test.p", Policies.Json("""{"k":4.0}"""))));
        Assert.Equal("100", Policies.Outcome(program.Evaluate("data.test.p", Policies.Json("""{"k":"other"}"""))));
        Assert.Equal("100", Policies.Outcome(program.Evaluate("data.test.p", input: null)));
    }
}
