// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego check</c>: compiles policies, and warns of paths of the input that no sample has.</summary>
internal static class CheckCommand
{
    public static Command Build()
    {
        var policies = new PolicyOptions();
        var paths = new Argument<string[]>("PATH") { Description = "Policies, or directories of them", Arity = ArgumentArity.ZeroOrMore };
        var samples = new Option<string[]>("--sample", "-i") { Description = "File with an input as it really occurs; may be given several times" };
        var strict = new Option<bool>("--strict") { Description = "Warnings are errors" };
        var format = new Option<string>("--format", "-f") { Description = "pretty or json", DefaultValueFactory = _ => "pretty" };
        format.AcceptOnlyFromAmong("pretty", "json");
        var command = new Command("check", "Compile policies and warn of what samples of the input never have") { paths, samples, strict, format };
        policies.AddTo(command, withInput: false);
        command.SetAction(async (result, ct) =>
        {
            string[] named = result.GetValue(paths) ?? [];
            var set = await policies.LoadAsync(result, named.Length == 0 ? null : named, ct).ConfigureAwait(false);
            if (set.Files.Modules.Count == 0)
            {
                throw new CommandFailedException("no policy was named");
            }

            var warnings = set.Compilation.Program is { } program
                ? await WarningsAsync(program, result.GetValue(samples) ?? [], ct).ConfigureAwait(false)
                : [];
            var errors = set.Compilation.Errors.Select(static e => (e.Code, e.Message, Location: (RegoLocation?)e.Location)).ToList();
            if (result.GetValue(format) == "json")
            {
                RegoOutput.WriteJson(writer =>
                {
                    writer.WriteStartObject();
                    RegoOutput.WriteErrors(writer, errors);
                    writer.WriteStartArray("warnings");
                    foreach (var warning in warnings)
                    {
                        writer.WriteStartObject();
                        writer.WriteString("path", warning.Path);
                        writer.WriteString("location", warning.Location.ToString());
                        writer.WriteEndObject();
                    }

                    writer.WriteEndArray();
                    writer.WriteEndObject();
                });
            }
            else
            {
                foreach (var error in set.Compilation.Errors)
                {
                    Console.Error.WriteLine(error);
                }

                foreach (var warning in warnings)
                {
                    Console.Error.WriteLine($"{warning.Location}: warning: {warning.Path} is in none of the samples");
                }
            }

            return errors.Count > 0 || (warnings.Count > 0 && result.GetValue(strict)) ? ExitCode.Refused : ExitCode.Success;
        });
        return command;
    }

    private static async Task<IReadOnlyList<RegoInputReference>> WarningsAsync(RegoProgram program, string[] samples, CancellationToken ct)
    {
        if (samples.Length == 0)
        {
            return [];
        }

        var inputs = new List<RegoValue>();
        foreach (var sample in samples)
        {
            inputs.Add(PolicyFiles.ParseDocument(sample, await File.ReadAllTextAsync(sample, ct).ConfigureAwait(false)));
        }

        return [.. RegoInputReference.Of(program).Where(reference => !inputs.Exists(reference.OccursIn))];
    }
}
