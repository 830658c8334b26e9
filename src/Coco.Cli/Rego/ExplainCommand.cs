// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego explain</c>: says why a query does not hold.</summary>
internal static class ExplainCommand
{
    public static Command Build()
    {
        var policies = new PolicyOptions();
        var query = new Argument<string>("QUERY") { Description = "For example data.policy.allow" };
        var format = new Option<string>("--format", "-f") { Description = "pretty or json", DefaultValueFactory = _ => "pretty" };
        format.AcceptOnlyFromAmong("pretty", "json");
        var command = new Command("explain", "Say why a query holds or not: exit code 0 where it holds, 2 where not") { query, format };
        policies.AddTo(command, withInput: true);
        command.SetAction(async (result, ct) =>
        {
            var set = await policies.LoadAsync(result, ct: ct).ConfigureAwait(false);
            var request = await policies.RequestAsync(result, set, Console.Error.WriteLine, ct).ConfigureAwait(false);
            var text = result.GetRequiredValue(query);
            var runner = new QueryRunner(set.Program, text, null).Run(request with { Explain = true });
            if (result.GetValue(format) == "json")
            {
                RegoOutput.WriteJson(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("query", text);
                    writer.WriteBoolean("holds", runner.Holds);
                    if (runner.Evaluation.Fault is { } fault)
                    {
                        RegoOutput.WriteErrors(writer, [(fault.Code, fault.Message, fault.Location)]);
                    }

                    if (runner.Explanation is { } explanation)
                    {
                        writer.WritePropertyName("explanation");
                        ExplanationJson.Write(writer, explanation);
                    }

                    writer.WriteEndObject();
                });
            }
            else
            {
                Console.Out.WriteLine(text + " " + Outcome(runner));
                Console.Out.Write(runner.Explanation?.ToText());
            }

            return runner.Holds ? ExitCode.Success : ExitCode.Refused;
        });
        return command;
    }

    private static string Outcome(QueryRunner runner) => runner.Evaluation.Fault is { } fault
        ? "ends with " + fault
        : runner.Solutions.Count == 0 ? "is undefined" : "is " + runner.Solutions[0].Value;
}
