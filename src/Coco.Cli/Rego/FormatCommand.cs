// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego fmt</c>: lays policies out in the common style.</summary>
internal static class FormatCommand
{
    public static Command Build()
    {
        var paths = new Argument<string[]>("PATH") { Description = "Policies, or directories of them; standard input where none is named", Arity = ArgumentArity.ZeroOrMore };
        var write = new Option<bool>("--write", "-w") { Description = "Change the files" };
        var list = new Option<bool>("--list", "-l") { Description = "Name the files that would change" };
        var fail = new Option<bool>("--fail") { Description = "Exit with 2 where a file would change" };
        var command = new Command("fmt", "Format policies") { paths, write, list, fail };
        command.SetAction(async (result, ct) =>
        {
            string[] named = result.GetValue(paths) ?? [];
            if (named.Length == 0)
            {
                Console.Out.Write(Format("standard input", await Console.In.ReadToEndAsync(ct).ConfigureAwait(false)));
                return ExitCode.Success;
            }

            var changed = false;
            foreach (var file in named.SelectMany(Files))
            {
                var source = await File.ReadAllTextAsync(file, ct).ConfigureAwait(false);
                var formatted = Format(file, source);
                var differs = formatted != source;
                changed |= differs;
                if (result.GetValue(list) && differs)
                {
                    Console.Out.WriteLine(file);
                }

                if (result.GetValue(write) && differs)
                {
                    await File.WriteAllTextAsync(file, formatted, ct).ConfigureAwait(false);
                }
                else if (!result.GetValue(write) && !result.GetValue(list) && !result.GetValue(fail))
                {
                    Console.Out.Write(formatted);
                }
            }

            return changed && result.GetValue(fail) ? ExitCode.Refused : ExitCode.Success;
        });
        return command;
    }

    private static IEnumerable<string> Files(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*.rego", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        : [path];

    private static string Format(string name, string source) => RegoFormatter.Format(source, name).TryGet(out var formatted, out var refusal)
        ? formatted
        : throw new CommandFailedException(refusal.Detail, ExitCode.Refused);
}
