// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Protocol;
using Coco.ReferenceValues;

namespace Coco.Trustee;

/// <summary><c>trustee rvps</c>: the reference value provider alone (rvps.md 8).</summary>
internal static class ReferenceValuesCommand
{
    public static Command Build()
    {
        var command = new Command("rvps", "Run the reference value provider alone");
        SetUp(command);
        return command;
    }

    /// <summary>The flags of the reference's <c>rvps</c>.</summary>
    public static RootCommand BuildFamiliar()
    {
        var root = new RootCommand("Reference value provider");
        root.Options.Add(TrusteeCommandLine.HomeOption);
        SetUp(root);
        return root;
    }

    private static void SetUp(Command command)
    {
        var file = new Option<FileInfo>("--config", "-c") { Description = "Configuration in JSON", DefaultValueFactory = _ => new FileInfo("/etc/rvps.json") };
        var address = new Option<string>("--address", "-a") { Description = "Address to listen on", DefaultValueFactory = _ => "127.0.0.1:50003" };
        var set = new Option<string[]>("--set") { Description = "One setting over the file" };
        command.Options.Add(file);
        command.Options.Add(address);
        command.Options.Add(set);
        command.SetAction(async (result, ct) =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            PrivateFiles.CreateFolder(home);
            FileInfo named = result.GetValue(file)!;
            if (!named.Exists && result.GetResult(file) is { Implicit: false })
            {
                throw new ArgumentException($"{named.FullName} does not exist");
            }

            ConfigDocument document = ConfigFile.Read(named.Exists ? named.FullName : null, result.GetValue(set) ?? [], ConfigSyntax.Json);
            var problems = new ConfigProblems();
            RvpsConfig config = RvpsConfig.Read(document, problems);
            ReferenceValuesOptions options = ReferenceValuesConfiguration.ToOptions(config, problems);
            ConfigFile.Require(problems, named.FullName);
            await RunCommand.ServeAsync(
                new TrusteeSettings
                {
                    Home = home,
                    Sockets = [],
                    GrpcSockets = [KbsConfigWiring.ParseSocket(result.GetValue(address)!)],
                    Tls = null,
                    Store = KbsConfigWiring.StoreOf(config.Storage ?? new KbsStorageConfig(), null),
                    KeyRingPath = config.Storage?.KeyRingPath,
                    KeyRingAcceptsPlain = config.Storage?.KeyRingAcceptsPlain ?? false,
                    ReferenceValues = options,
                    Warnings =
                    [
                        .. named.Exists ? (string[])[] : [$"{named.FullName} does not exist; defaults are used"],
                        .. problems.Warnings.Select(w => w.ToString()),
                    ],
                },
                TrusteeServices.ReferenceValues,
                null,
                ct).ConfigureAwait(false);
            return 0;
        });
    }
}
