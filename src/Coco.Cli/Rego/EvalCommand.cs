// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego eval</c>: evaluates a query.</summary>
internal static class EvalCommand
{
    public static Command Build()
    {
        var policies = new PolicyOptions();
        var query = new Argument<string>("QUERY") { Description = "For example data.policy.allow" };
        var format = new Option<string>("--format", "-f") { Description = "json, pretty, values or raw", DefaultValueFactory = _ => "json" };
        format.AcceptOnlyFromAmong("json", "pretty", "values", "raw");
        var explain = new Option<string>("--explain")
        {
            Description = "off, or fails: the chain of expressions that failed",
            Arity = ArgumentArity.ZeroOrOne,
            DefaultValueFactory = _ => "fails",
        };
        explain.AcceptOnlyFromAmong("off", "fails", "notes", "full");
        var package = new Option<string?>("--package") { Description = "Package whose names the query uses without prefix" };
        var fail = new Option<bool>("--fail") { Description = "Exit with 2 where the result is undefined or empty" };
        var failDefined = new Option<bool>("--fail-defined") { Description = "Exit with 2 where the result is defined" };
        var coverage = new Option<bool>("--coverage") { Description = "Report which lines were evaluated" };
        var command = new Command("eval", "Evaluate a query") { query, format, explain, package, fail, failDefined, coverage };
        policies.AddTo(command, withInput: true);
        command.SetAction(async (result, ct) =>
        {
            var set = await policies.LoadAsync(result, ct: ct).ConfigureAwait(false);
            var style = result.GetRequiredValue(format);
            if (set.Compilation.Program is null && style == "json")
            {
                RegoOutput.WriteJson(writer => Errors(writer, set.Compilation.Errors.Select(static e => (e.Code, e.Message, (RegoLocation?)e.Location))));
                return ExitCode.Refused;
            }

            var request = await policies.RequestAsync(result, set, Console.Error.WriteLine, ct).ConfigureAwait(false);
            var report = result.GetValue(coverage) ? new RegoCoverage() : null;
            var wantsExplanation = result.GetResult(explain) is { Implicit: false } && result.GetValue(explain) != "off";
            var runner = new QueryRunner(set.Program, result.GetRequiredValue(query), result.GetValue(package))
                .Run(request with { Explain = wantsExplanation, Coverage = report });
            Write(runner, style, result.GetRequiredValue(query), report?.Report(set.Program));
            if (runner.Evaluation.Outcome == RegoOutcome.Fault)
            {
                return ExitCode.Refused;
            }

            return (result.GetValue(fail) && runner.Solutions.Count == 0) || (result.GetValue(failDefined) && runner.Solutions.Count > 0)
                ? ExitCode.Refused
                : ExitCode.Success;
        });
        return command;
    }

    private static void Errors(Utf8JsonWriter writer, IEnumerable<(string Code, string Message, RegoLocation? Location)> errors)
    {
        writer.WriteStartObject();
        RegoOutput.WriteErrors(writer, errors);
        writer.WriteEndObject();
    }

    private static void Write(QueryRunner runner, string style, string query, IReadOnlyList<RegoFileCoverage>? coverage)
    {
        var fault = runner.Evaluation.Fault;
        if (style == "json")
        {
            RegoOutput.WriteJson(writer => WriteJson(writer, runner, query, coverage));
            return;
        }

        if (fault is not null)
        {
            Console.Error.WriteLine(fault);
        }
        else if (style == "pretty")
        {
            WritePretty(runner.Solutions);
        }
        else
        {
            foreach (var (value, _) in runner.Solutions)
            {
                Console.Out.WriteLine(style == "raw" ? value.ToDisplayString() : value.ToJson());
            }
        }

        if (runner.Explanation is { } explanation)
        {
            Console.Out.Write(explanation.ToText());
        }

        if (coverage is not null)
        {
            CoverageReport.WriteText(coverage);
        }
    }

    private static void WritePretty(IReadOnlyList<(RegoValue Value, RegoObject Bindings)> solutions)
    {
        if (solutions.Count == 0)
        {
            Console.Out.WriteLine("undefined");
        }
        else if (solutions[0].Bindings.Count == 0)
        {
            foreach (var (value, _) in solutions)
            {
                RegoOutput.WriteValue(value);
            }
        }
        else
        {
            var names = solutions[0].Bindings.Keys.ToArray();
            var showsValue = solutions.Any(static solution => solution.Value != RegoValue.True);
            RegoOutput.WriteTable(
                [.. names.Select(static name => name.ToDisplayString()), .. showsValue ? ["value"] : (string[])[]],
                solutions.Select(solution => (string[])
                [
                    .. names.Select(name => solution.Bindings.TryGetValue(name, out var value) ? value.ToJson() : ""),
                    .. showsValue ? [solution.Value.ToJson()] : (string[])[],
                ]));
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, QueryRunner runner, string query, IReadOnlyList<RegoFileCoverage>? coverage)
    {
        writer.WriteStartObject();
        if (runner.Evaluation.Fault is { } fault)
        {
            RegoOutput.WriteErrors(writer, [(fault.Code, fault.Message, fault.Location)]);
        }

        if (runner.Solutions.Count > 0)
        {
            writer.WriteStartArray("result");
            foreach (var (value, bindings) in runner.Solutions)
            {
                writer.WriteStartObject();
                writer.WriteStartArray("expressions");
                writer.WriteStartObject();
                writer.WritePropertyName("value");
                value.WriteJson(writer);
                writer.WriteString("text", query);
                writer.WriteStartObject("location");
                writer.WriteNumber("row", 1);
                writer.WriteNumber("col", 1);
                writer.WriteEndObject();
                writer.WriteEndObject();
                writer.WriteEndArray();
                if (bindings.Count > 0)
                {
                    writer.WritePropertyName("bindings");
                    bindings.WriteJson(writer);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (runner.Explanation is { } explanation)
        {
            writer.WritePropertyName("explanation");
            ExplanationJson.Write(writer, explanation);
        }

        if (coverage is not null)
        {
            writer.WritePropertyName("coverage");
            CoverageReport.WriteJson(writer, coverage);
        }

        writer.WriteEndObject();
    }
}
