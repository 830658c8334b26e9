// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>The command line of the server program.</summary>
internal static class TrusteeCommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        RootCommand root = ProgramName.Get() switch
        {
            "grpc-as" => AttestationCommand.BuildFamiliar(rest: false),
            "restful-as" => AttestationCommand.BuildFamiliar(rest: true),
            "rvps" => ReferenceValuesCommand.BuildFamiliar(),
            _ => BuildRoot(),
        };
        if (ProgramName.Get() == "kbs")
        {
            args = ["kbs", .. args];
        }

        try
        {
            // Longer than the host gives requests that are under way: the host ends the process, not the command line.
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TrusteeServer.DrainLimit + TimeSpan.FromSeconds(5) };
            return await root.Parse(args).InvokeAsync(invocation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException or StoreUnavailableException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync("trustee: " + e.Message).ConfigureAwait(false);
            return 1;
        }
    }

    private static RootCommand BuildRoot()
    {
        var root = new RootCommand("Key broker, attestation service and reference value provider for confidential workloads");
        root.Options.Add(HomeOption);
        root.Subcommands.Add(RunCommand.Build());
        root.Subcommands.Add(RunCommand.BuildKbs());
        root.Subcommands.Add(AttestationCommand.Build());
        root.Subcommands.Add(ReferenceValuesCommand.Build());
        root.Subcommands.Add(CheckConfigCommand.Build());
        root.Subcommands.Add(MigrateCommand.Build());
        root.Subcommands.Add(KeygenCommand.Build());
        root.Subcommands.Add(AdminTokenCommand.Build());
        return root;
    }

    /// <summary>Where state is kept.</summary>
    public static Option<string?> HomeOption { get; } = new("--home")
    {
        Description = "Folder for state (environment TRUSTEE_HOME); default ~/.trustee, as root /opt/confidential-containers",
        Recursive = true,
    };

    public static string HomeOf(ParseResult result)
    {
        string? named = result.GetValue(HomeOption) ?? Environment.GetEnvironmentVariable("TRUSTEE_HOME");
        return Path.GetFullPath(!string.IsNullOrEmpty(named)
            ? named
            : Environment.UserName == "root"
                ? "/opt/confidential-containers"
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".trustee"));
    }
}
