// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego test</c>: runs the rules whose name begins with <c>test_</c>.</summary>
internal static class TestCommand
{
    private static readonly TimeSpan PatternLimit = TimeSpan.FromSeconds(1);

    public static Command Build()
    {
        var policies = new PolicyOptions();
        var paths = new Argument<string[]>("PATH") { Description = "Policies, tests and data, or directories of them", Arity = ArgumentArity.ZeroOrMore };
        var run = new Option<string?>("--run", "-r") { Description = "Only tests whose name matches this regular expression" };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Name the tests that passed, and show what all printed" };
        var coverage = new Option<bool>("--coverage", "-c") { Description = "Report coverage by line" };
        var threshold = new Option<double>("--threshold") { Description = "Fail below this coverage in percent" };
        var format = new Option<string>("--format", "-f") { Description = "pretty or json", DefaultValueFactory = _ => "pretty" };
        format.AcceptOnlyFromAmong("pretty", "json");
        var command = new Command("test", "Run the tests of policies") { paths, run, verbose, coverage, threshold, format };
        policies.AddTo(command, withInput: false);
        command.SetAction(async (result, ct) =>
        {
            string[] named = result.GetValue(paths) ?? [];
            var set = await policies.LoadAsync(result, named.Length == 0 ? null : named, ct).ConfigureAwait(false);
            var request = await policies.RequestAsync(result, set, null, ct).ConfigureAwait(false);
            var wantsCoverage = result.GetValue(coverage) || result.GetValue(threshold) > 0;
            var lines = wantsCoverage ? new RegoCoverage() : null;
            var tests = RunAll(set.Program, request with { Coverage = lines }, Filter(result.GetValue(run)));
            var report = lines?.Report(set.Program);
            if (result.GetValue(format) == "json")
            {
                WriteJson(tests, report);
            }
            else
            {
                WriteText(tests, report, result.GetValue(verbose));
            }

            var tooLow = report is not null && CoverageReport.Percent(report) < result.GetValue(threshold);
            return tooLow || tests.Any(static test => test.Result is TestResult.Fail or TestResult.Error) ? ExitCode.Refused : ExitCode.Success;
        });
        return command;
    }

    private enum TestResult
    {
        Pass,
        Fail,
        Error,
        Skipped,
    }

    private static Func<string, bool> Filter(string? pattern)
    {
        if (pattern is null)
        {
            return static _ => true;
        }

        try
        {
            var regex = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, PatternLimit);
            return name => regex.IsMatch(name);
        }
        catch (ArgumentException e)
        {
            throw new CommandFailedException("--run: " + e.Message);
        }
    }

    private static List<Test> RunAll(RegoProgram program, RegoRequest request, Func<string, bool> isWanted)
    {
        var tests = new List<Test>();
        foreach (var rule in program.Rules)
        {
            var name = rule[(rule.LastIndexOf('.') + 1)..];
            if (!isWanted(rule))
            {
                continue;
            }

            if (name.StartsWith("todo_test_", StringComparison.Ordinal))
            {
                tests.Add(new Test(rule, TestResult.Skipped, TimeSpan.Zero, "", []));
            }
            else if (name.StartsWith("test_", StringComparison.Ordinal))
            {
                tests.Add(RunOne(program, rule, request));
            }
        }

        return tests;
    }

    private static Test RunOne(RegoProgram program, string rule, RegoRequest request)
    {
        var printed = new List<string>();
        var own = request with { Host = request.Host with { Print = printed.Add } };
        var start = Stopwatch.GetTimestamp();
        var evaluation = program.Evaluate(rule, own);
        var elapsed = Stopwatch.GetElapsedTime(start);
        if (evaluation.Fault is { } fault)
        {
            return new Test(rule, TestResult.Error, elapsed, fault.ToString(), printed);
        }

        if (evaluation.Value is { } value && value != RegoValue.False)
        {
            return new Test(rule, TestResult.Pass, elapsed, "", printed);
        }

        // Evaluated again only now, so that tests that pass stay fast.
        var why = program.Evaluate(rule, own with { Explain = true, Coverage = null, Host = request.Host });
        return new Test(rule, TestResult.Fail, elapsed, why.Explanation?.ToText() ?? "", printed);
    }

    private static void WriteText(List<Test> tests, IReadOnlyList<RegoFileCoverage>? coverage, bool verbose)
    {
        foreach (var test in tests)
        {
            if (verbose || test.Result != TestResult.Pass)
            {
                Console.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{test.Name}: {test.Result.ToString().ToUpperInvariant()} ({test.Elapsed.TotalMilliseconds:0.###} ms)"));
                foreach (var line in test.Printed)
                {
                    Console.Out.WriteLine("  " + line);
                }

                foreach (var line in test.Detail.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                {
                    Console.Out.WriteLine("  " + line);
                }
            }
        }

        Console.Out.WriteLine(new string('-', 80));
        foreach (var result in Enum.GetValues<TestResult>())
        {
            var count = tests.Count(test => test.Result == result);
            if (count > 0 || result == TestResult.Pass)
            {
                Console.Out.WriteLine($"{result.ToString().ToUpperInvariant()}: {count}/{tests.Count}");
            }
        }

        if (coverage is not null)
        {
            CoverageReport.WriteText(coverage);
        }
    }

    private static void WriteJson(List<Test> tests, IReadOnlyList<RegoFileCoverage>? coverage) => RegoOutput.WriteJson(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("tests");
        foreach (var test in tests)
        {
            writer.WriteStartObject();
            writer.WriteString("name", test.Name);
            writer.WriteString("result", test.Result.ToString().ToLowerInvariant());
            writer.WriteNumber("duration_ns", (long)test.Elapsed.TotalNanoseconds);
            if (test.Detail.Length > 0)
            {
                writer.WriteString("detail", test.Detail);
            }

            writer.WriteStartArray("printed");
            test.Printed.ForEach(writer.WriteStringValue);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (coverage is not null)
        {
            writer.WritePropertyName("coverage");
            CoverageReport.WriteJson(writer, coverage);
        }

        writer.WriteEndObject();
    });

    private sealed record Test(string Name, TestResult Result, TimeSpan Elapsed, string Detail, List<string> Printed);
}
