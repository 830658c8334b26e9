// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary><c>trustee check-config</c>: names every mistake of a configuration file, and starts nothing.</summary>
internal static class CheckConfigCommand
{
    public static Command Build()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "Configuration of the key broker in TOML, YAML or JSON" };
        var strict = new Option<bool>("--strict") { Description = "Unknown keys are mistakes too" };
        var set = new Option<string[]>("--set") { Description = "One setting over the file" };
        var command = new Command("check-config", "Check a configuration file") { file, strict, set };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file).FullName;
            ConfigDocument document = ConfigFile.Read(path, result.GetValue(set) ?? []);
            var problems = new ConfigProblems();
            KbsConfig config = KbsConfig.Read(document, problems);
            bool bad = problems.Errors.Count > 0 || (result.GetValue(strict) && problems.Warnings.Count > 0);
            foreach (ConfigProblem error in problems.Errors)
            {
                Console.Error.WriteLine("error: " + error);
            }

            foreach (ConfigProblem warning in problems.Warnings)
            {
                Console.Error.WriteLine("warning: " + warning);
            }

            if (bad)
            {
                return 1;
            }

            KbsConfigWiring.Build(config, TrusteeCommandLine.HomeOf(result), null);
            Console.Out.WriteLine($"{path}: good");
            return 0;
        });
        return command;
    }
}
