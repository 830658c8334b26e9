// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests.Formatting;

public sealed class RegoFormatterTests
{
    [Theory]
    [InlineData("package  a\n\n\n\np:=1", "package a\n\np := 1\n")]
    [InlineData("package a\np if{\n\n  input.x==1 ;input.y\n\n}\n", "package a\n\np if {\n\tinput.x == 1\n\tinput.y\n}\n")]
    [InlineData("package a\n# first\nx := [1,2 , -3] # last\n", "package a\n\n# first\nx := [1, 2, -3] # last\n")]
    [InlineData("package a\nx := {\n\"a\":1,\n  \"b\": [\n1\n]}\n", "package a\n\nx := {\"a\": 1, \"b\": [\n\t1,\n]}\n")]
    [InlineData("package a\nx := {y|some y in  input.z}\n", "package a\n\nx := {y | some y in input.z}\n")]
    [InlineData("package a\nf(x)=y if {y:=x  -1}\n", "package a\n\nf(x) := y if y := x - 1\n")]
    [InlineData("package a\np if {\n  # why\n  q with input as {\"a\":1}\n}\nq if input.a[\"b\"].c\n", "package a\n\np if {\n\t# why\n\tq with input as {\"a\": 1}\n}\n\nq if input.a[\"b\"].c\n")]
    [InlineData("package a\nx := `raw\n  text`\n", "package a\n\nx := `raw\n  text`\n")]
    [InlineData("package a\nallow {\ninput.x\n}\n", "package a\n\nallow {\n\tinput.x\n}\n")]
    [InlineData("package a\np if every x in  input.xs {x>1}\n", "package a\n\np if every x in input.xs {\n\tx > 1\n}\n")]
    public void Format_Module_HasTheCommonStyle(string source, string expected)
    {
        Assert.Equal(expected, RegoFormatter.Format(source, "a.rego").Require());
        Assert.Equal(expected, RegoFormatter.Format(expected, "a.rego").Require());
    }

    [Fact]
    public void Format_NotAModule_IsRefused()
    {
        Assert.NotNull(RegoFormatter.Format("package", "a.rego").Refusal);
    }

    [Fact]
    public void InputReferences_AliasesAndEnumeration_AreFollowed()
    {
        const string Source = """
            package a

            import input.snp as snp

            tcb := input.report.tcb

            p if {
                snp.measurement == "x"
                tcb.boot > 1
                some member in input.list
                member.name == "y"
                every k, v in input.map { v.z == k }
                not input["odd-name"]
                count([1 | input.deep[i].x == i]) > 0
            }

            f(snp) := snp.other
            """;
        var paths = RegoInputReference.Of(RegoProgram.Compile(Source, "a.rego").Require()).Select(static r => r.Path);
        Assert.Equal(
            ["input.report.tcb", "input.snp.measurement", "input.report.tcb.boot", "input.list", "input.list[_].name", "input.map", "input.map[_].z", "input[\"odd-name\"]", "input.deep[_].x"],
            paths);
    }

    [Theory]
    [InlineData("""{"list": [{"a": 1}, {"name": 2}]}""", true)]
    [InlineData("""{"list": [{"a": 1}]}""", false)]
    [InlineData("""{"list": []}""", false)]
    public void OccursIn_UnknownStep_MatchesEveryKey(string sample, bool expected)
    {
        var program = RegoProgram.Compile("package a\np if input.list[_].name", "a.rego").Require();
        Assert.Equal(expected, RegoInputReference.Of(program)[0].OccursIn(RegoValue.ParseJson(sample).Require()));
    }
}
