// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Coco.Cli.EvidenceCommands;

namespace Coco.Cli;

/// <summary>The root of the command line: one line per group of commands, one way in which commands end.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command that the arguments name.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="program">The name under which the program was called: a familiar one selects that program's flags.</param>
    public static async Task<int> RunAsync(string[] args, string program)
    {
        RootCommand root = Path.GetFileName(program) switch
        {
            "kbs-client" => BuildKbsClient(),
            "rvps-tool" => BuildRvpsTool(),
            _ => BuildRoot(),
        };
        try
        {
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
            return await root.Parse(args).InvokeAsync(configuration).ConfigureAwait(false);
        }
        catch (CommandFailedException e)
        {
            await Console.Error.WriteLineAsync("coco: " + e.Message).ConfigureAwait(false);
            return e.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException or JsonException)
        {
            await Console.Error.WriteLineAsync("coco: " + e.Message).ConfigureAwait(false);
            return ExitCode.UsageOrIo;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("coco: interrupted").ConfigureAwait(false);
            return ExitCode.UsageOrIo;
        }
    }

    private static RootCommand BuildRoot()
    {
        var root = new RootCommand("Coco: Confidential Containers for .NET");

        // Each group of commands is a static class; a new group is one line here.
        root.Subcommands.Add(Demo.DemoCommand.Build());
        Kbs.KbsClientCommands.AddTo(root);
        root.Add(EvidenceCommandGroup.Build());
        root.Add(CollateralCommandGroup.Build());
        root.Add(Measure.MeasureCommands.Build());
        root.Subcommands.Add(Rego.RegoCommands.Build());
        Decisions.DecisionCommands.AddTo(root);
        Admin.AdminCommands.AddTo(root);
        root.Add(Provenance.InTotoCommands.Build());
        root.Add(Provenance.RvpsCommands.Build());
        return root;
    }

    private static RootCommand BuildRvpsTool()
    {
        var root = new RootCommand("Reference values of a provider, over gRPC");
        Provenance.RvpsCommands.AddTo(root);
        return root;
    }

    private static RootCommand BuildKbsClient()
    {
        var root = new RootCommand("Client and administration of a key broker");
        Kbs.KbsClientCommands.AddTo(root);
        return root;
    }
}
