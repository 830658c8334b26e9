// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace Coco.Cli.Tests.Rego;

/// <summary>The commands about policies, by running the real binary.</summary>
public sealed class RegoCommandTests : IDisposable
{
    private const string Policy = """
        package policy

        import rego.v1

        default allow := false

        allow if {
            input.tcb >= data.minimum
            input.user == "alice"
        }

        tier := query_reference_value("tier")
        """;

    private const string Tests = """
        package policy_test

        import rego.v1
        import data.policy

        test_allows if policy.allow with input as {"tcb": 5, "user": "alice"}

        test_denies_others if not policy.allow with input as {"tcb": 5, "user": "bob"}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-rego-").FullName;

    public RegoCommandTests()
    {
        Write("policy/policy.rego", Policy);
        Write("policy/data.json", """{"minimum": 3}""");
        Write("input.json", """{"tcb": 2, "user": "alice"}""");
        Write("good.json", """{"tcb": 4, "user": "alice"}""");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Eval_Rule_GivesJsonAsOpaDoes()
    {
        var run = await Run("eval", "-d", "policy", "-i", "good.json", "data.policy.allow");

        Assert.Equal(0, run.ExitCode);
        var expression = JsonNode.Parse(run.Output)!["result"]![0]!["expressions"]![0]!;
        Assert.True((bool)expression["value"]!);
        Assert.Equal("data.policy.allow", (string?)expression["text"]);
    }

    [Fact]
    public async Task Eval_Bindings_ArePrintedAsTable()
    {
        var run = await Run("eval", "-f", "pretty", "x := [7, 8][i]");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("| 1 | 8 |", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_Undefined_IsAnEmptyResultAndFailsWhenAsked()
    {
        var run = await Run("eval", "data.nothing");
        Assert.Equal((0, "{}"), (run.ExitCode, run.Output.Trim()));

        var failed = await Run("eval", "--fail", "-f", "pretty", "data.nothing");
        Assert.Equal((2, "undefined"), (failed.ExitCode, failed.Output.Trim()));
    }

    [Fact]
    public async Task Eval_YamlOnStandardInput_IsTheInput()
    {
        var run = await CocoProcess.RunAsync(["rego", "eval", "-I", "-f", "raw", "concat(\"-\", input.names)"], "names: [a, b]\n", _folder);

        Assert.Equal((0, "a-b"), (run.ExitCode, run.Output.Trim()));
    }

    [Fact]
    public async Task Eval_ReferenceValues_AnswerTheHostFunction()
    {
        Write("references.json", """{"tier": ["gold"]}""");
        var run = await Run("eval", "-d", "policy", "--reference-values", "references.json", "-f", "values", "data.policy.tier");

        Assert.Equal("""["gold"]""", run.Output.Trim());
    }

    [Fact]
    public async Task Eval_StrictBuiltinErrors_EndsTheEvaluation()
    {
        Assert.Equal(0, (await Run("eval", "1 / 0")).ExitCode);

        var strict = await Run("eval", "--strict-builtin-errors", "1 / 0");
        Assert.Equal(2, strict.ExitCode);
        Assert.Equal("eval_builtin_error", (string?)JsonNode.Parse(strict.Output)!["errors"]![0]!["code"]);
    }

    [Fact]
    public async Task Eval_EndlessWork_IsEndedByItsLimit()
    {
        var run = await Run("eval", "--max-steps", "10000", "count([1 | numbers.range(1, 200)[_] >= 0; numbers.range(1, 200)[_] >= 0])");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("eval_limit_error", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_Explain_NamesTheExpressionThatFailed()
    {
        var run = await Run("eval", "-d", "policy", "-i", "input.json", "--explain", "-f", "pretty", "data.policy.allow");

        Assert.Contains("input.tcb >= data.minimum", run.Output, StringComparison.Ordinal);
        Assert.Contains("input.tcb = 2", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_RuleThatDoesNotHold_ExitsWithTwoAndSaysWhy()
    {
        var run = await Run("explain", "-d", "policy", "-i", "input.json", "data.policy.allow");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("data.policy.allow is false", run.Output, StringComparison.Ordinal);
        Assert.Contains("policy.rego:8:5", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await Run("explain", "-d", "policy", "-i", "good.json", "data.policy.allow")).ExitCode);
    }

    [Fact]
    public async Task Explain_Json_HasTheInputPathsThatWereRead()
    {
        var run = await Run("explain", "-f", "json", "-d", "policy", "-i", "input.json", "data.policy.allow");

        var reads = JsonNode.Parse(run.Output)!["explanation"]!["input_reads"]!.AsArray();
        Assert.Contains(reads, static read => (string?)read!["path"] == "input.tcb");
    }

    [Fact]
    public async Task Check_BadModule_NamesFileLineAndColumn()
    {
        Write("bad.rego", "package bad\n\np if { x == 1 }\n");
        var run = await Run("check", "bad.rego");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("bad.rego:3:8: rego_unsafe_var_error: var x is unsafe", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_Samples_WarnOfPathsThatNeverOccur()
    {
        Write("sample.json", """{"user": "x"}""");
        var run = await Run("check", "policy", "-i", "sample.json");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("policy.rego:8:5: warning: input.tcb is in none of the samples", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("input.user", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Run("check", "policy", "-i", "sample.json", "--strict")).ExitCode);
        Assert.Equal("", (await Run("check", "policy", "-i", "sample.json", "-i", "good.json")).Error);
    }

    [Fact]
    public async Task Test_AllPass_ReportsCoverageByLine()
    {
        Write("policy/policy_test.rego", Tests);
        var run = await Run("test", "policy", "--coverage", "-v");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("data.policy_test.test_allows: PASS", run.Output, StringComparison.Ordinal);
        Assert.Contains("PASS: 2/2", run.Output, StringComparison.Ordinal);
        Assert.Contains("not covered: 12", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await Run("test", "policy", "--threshold", "100")).ExitCode);
    }

    [Fact]
    public async Task Test_Failure_ExitsWithTwoAndShowsWhatWasPrinted()
    {
        Write("policy/policy_test.rego", "package policy_test\n\ntest_no if {\n\tprint(\"seen\", input.x)\n\tdata.policy.allow with input as {\"tcb\": 1}\n}\n");
        var run = await Run("test", "policy");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("data.policy_test.test_no: FAIL", run.Output, StringComparison.Ordinal);
        Assert.Contains("seen <undefined>", run.Output, StringComparison.Ordinal);
        Assert.Contains("input.tcb >= data.minimum", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fmt_Write_ChangesTheFileOnce()
    {
        Write("ugly.rego", "package  ugly\np:=1\nq if{input.x==p}\n");
        Assert.Equal("ugly.rego", (await Run("fmt", "-l", "ugly.rego")).Output.Trim());

        await Run("fmt", "-w", "ugly.rego");
        Assert.Equal("package ugly\n\np := 1\n\nq if input.x == p\n", await File.ReadAllTextAsync(Path.Combine(_folder, "ugly.rego")));
        Assert.Equal("", (await Run("fmt", "-l", "ugly.rego")).Output);
    }

    [Fact]
    public async Task Fmt_NotAModule_ExitsWithTwo()
    {
        Write("bad.rego", "package");
        Assert.Equal(2, (await Run("fmt", "bad.rego")).ExitCode);
    }

    [Fact]
    public async Task Bench_Query_GivesFigures()
    {
        var run = await Run("bench", "-d", "policy", "-i", "good.json", "--seconds", "0.05", "-f", "json", "data.policy.allow");

        Assert.Equal(0, run.ExitCode);
        Assert.True((double)JsonNode.Parse(run.Output)!["ns/op p50"]! > 0);
    }

    [Fact]
    public async Task Eval_FileThatIsNot_ExitsWithOne()
    {
        var run = await Run("eval", "-d", "absent.rego", "true");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("absent.rego", run.Error, StringComparison.Ordinal);
    }

    private Task<CocoRun> Run(params string[] arguments) => CocoProcess.RunAsync(["rego", .. arguments], null, _folder);

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
