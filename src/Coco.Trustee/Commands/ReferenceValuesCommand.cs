// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json.Nodes;
using Coco.Protocol;

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
        command.Options.Add(file);
        command.Options.Add(address);
        command.SetAction(async (result, ct) =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            PrivateFiles.CreateFolder(home);
            FileInfo named = result.GetValue(file)!;
            ConfigDocument document = named.Exists ? ConfigFile.Read(named.FullName, [], ConfigSyntax.Json) : new ConfigDocument();
            var storage = new KbsStorageConfig { Type = "memory" };
            if (document.Root["storage"] is JsonObject table)
            {
                var outer = new JsonObject
                {
                    ["http_server"] = new JsonObject(),
                    ["admin"] = new JsonObject { ["authorization_mode"] = "DenyAll" },
                    ["storage_backend"] = table.DeepClone(),
                };
                var problems = new ConfigProblems();
                KbsConfig config = KbsConfig.Read(ConfigDocument.Parse(Jws.ToUtf8(outer), ConfigSyntax.Json).Require(), problems);
                ConfigFile.Require(problems, named.FullName);
                storage = config.Storage ?? storage;
            }

            await RunCommand.ServeAsync(
                new TrusteeSettings
                {
                    Home = home,
                    Sockets = [KbsConfigWiring.ParseSocket(result.GetValue(address)!)],
                    Tls = null,
                    Store = KbsConfigWiring.StoreOf(storage, null),
                    Warnings = named.Exists ? [] : [$"{named.FullName} does not exist; defaults are used"],
                },
                TrusteeServices.ReferenceValues,
                null,
                ct).ConfigureAwait(false);
            return 0;
        });
    }
}
