// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Protocol;
using Coco.ReferenceValues;

namespace Coco.Trustee;

/// <summary><c>trustee check-config</c>: names every mistake of a configuration file, and starts nothing.</summary>
internal static class CheckConfigCommand
{
    public static Command Build()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "Configuration in TOML, YAML or JSON" };
        var kind = new Option<string>("--kind") { Description = "Whose it is: kbs, as or rvps", DefaultValueFactory = _ => "kbs" };
        kind.AcceptOnlyFromAmong("kbs", "as", "rvps");
        var strict = new Option<bool>("--strict") { Description = "Unknown keys are mistakes too" };
        var set = new Option<string[]>("--set") { Description = "One setting over the file" };
        var command = new Command("check-config", "Check a configuration file") { file, kind, strict, set };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file).FullName;
            ConfigDocument document = ConfigFile.Read(path, result.GetValue(set) ?? []);
            var problems = new ConfigProblems();
            Read(document, result.GetValue(kind)!, TrusteeCommandLine.HomeOf(result), problems);
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

            Console.Out.WriteLine($"{path}: good");
            return 0;
        });
        return command;
    }

    private static void Read(ConfigDocument document, string kind, string home, ConfigProblems problems)
    {
        switch (kind)
        {
            case "as":
                ReadFiles(AttestationWiring.Apply(new TrusteeSettings { Home = home }, AsConfig.Read(document, problems), null, problems), problems);
                break;
            case "rvps":
                ReferenceValuesConfiguration.ToOptions(RvpsConfig.Read(document, problems), problems);
                break;
            default:
                KbsConfig config = KbsConfig.Read(document, problems);
                if (problems.Errors.Count == 0)
                {
                    ReadFiles(KbsConfigWiring.Build(config, home, null, problems), problems);
                }

                break;
        }
    }

    /// <summary>Reads the files with roots and manifests that the verifiers would read at start.</summary>
    private static void ReadFiles(TrusteeSettings settings, ConfigProblems problems)
    {
        try
        {
            VerifierWiring.Add(new ServiceCollection(), settings.Verifiers, TimeProvider.System, recordCollateral: false);
        }
        catch (ArgumentException e)
        {
            problems.Error("verifier_config", e.Message, "files that are there and hold what they should");
        }
    }
}
