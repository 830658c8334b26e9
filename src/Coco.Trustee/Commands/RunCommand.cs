// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.KeyBroker;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary><c>trustee run</c> (all three services in one process; needs no configuration file) and <c>trustee kbs</c> (the key broker of a configuration).</summary>
internal static class RunCommand
{
    public static Command Build() => Build("run", "Run key broker, attestation service and reference value provider in one process", needsFile: false);

    public static Command BuildKbs() => Build("kbs", "Run the key broker as its configuration says", needsFile: true);

    private static Command Build(string name, string description, bool needsFile)
    {
        var file = new Option<FileInfo?>("--config-file", "-c", "--config") { Description = "Configuration in TOML, YAML or JSON (environment KBS_CONFIG_FILE)" };
        var set = new Option<string[]>("--set") { Description = "One setting over the file, such as http_server.insecure_http=true" };
        var socket = new Option<string[]>("--socket", "-s") { Description = "Address to listen on, such as 127.0.0.1:8080; overrides the configuration" };
        var allowAll = new Option<bool>("--allow-all") { Description = "Administration without a token. INSECURE" };
        var simulated = new Option<FileInfo?>("--insecure-simulated-tee") { Description = "File of simulated roots to trust. INSECURE" };
        var former = new FormerKbsOptions();
        var command = new Command(name, description) { file, set, socket, allowAll, simulated };
        if (needsFile)
        {
            former.AddTo(command);
        }

        command.SetAction(async (result, ct) =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            PrivateFiles.CreateFolder(home);
            string? path = result.GetValue(file)?.FullName ?? Environment.GetEnvironmentVariable("KBS_CONFIG_FILE");
            if (needsFile && path is null)
            {
                throw new ArgumentException("name a configuration file by --config-file or KBS_CONFIG_FILE");
            }

            using var admin = AdminAccess.Open(home, TimeProvider.System);
            TrusteeSettings settings = Settings(path, [.. former.ToSettings(result), .. result.GetValue(set) ?? []], home, admin, result.GetValue(allowAll), result.GetValue(simulated)?.FullName);
            if (result.GetValue(socket) is { Length: > 0 } sockets)
            {
                settings = settings with { Sockets = [.. sockets.Select(KbsConfigWiring.ParseSocket)] };
            }

            await ServeAsync(settings, TrusteeServices.KeyBroker, null, ct).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    /// <summary>Runs until the process is told to end.</summary>
    public static async Task ServeAsync(TrusteeSettings settings, TrusteeServices serve, string? corsOrigin, CancellationToken ct)
    {
        await using WebApplication app = TrusteeServer.Build(settings, serve, TimeProvider.System, corsOrigin);
        await app.StartAsync(ct).ConfigureAwait(false);
        await app.WaitForShutdownAsync(ct).ConfigureAwait(false);
    }

    private static TrusteeSettings Settings(string? path, string[] overrides, string home, AdminAccess admin, bool allowAll, string? simulatedRoots)
    {
        ConfigDocument document = ConfigFile.Read(path, overrides);

        // Documents up to 0.10 have the administrator's key at their top.
        bool hasAdmin = document.Root.ContainsKey("admin") || document.Root.ContainsKey("auth_public_key") || document.Root.ContainsKey("insecure_api");
        if (path is null)
        {
            // Reading demands these sections; without a file their defaults are what is meant.
            document.Root.TryAdd("http_server", new System.Text.Json.Nodes.JsonObject());
            document.Root.TryAdd("admin", new System.Text.Json.Nodes.JsonObject { ["authorization_mode"] = "DenyAll" });
        }

        var problems = new ConfigProblems();
        KbsConfig config = KbsConfig.Read(document, problems);
        ConfigFile.Require(problems, path);
        TrusteeSettings settings = KbsConfigWiring.Build(config, home, simulatedRoots, problems);
        ConfigFile.Require(problems, path);
        Action<KeyBrokerOptions> configured = settings.KeyBroker;
        return settings with
        {
            KeyBroker = options =>
            {
                configured(options);
                if (allowAll)
                {
                    options.Admin.Mode = AdminMode.InsecureAllowAll;
                }
                else if (!hasAdmin)
                {
                    admin.Apply(options.Admin);
                }
            },
            Warnings =
            [
                .. settings.Warnings,
                .. problems.Warnings.Select(w => w.ToString()),
                .. allowAll ? (string[])["INSECURE: --allow-all lets everybody administrate"] : [],
            ],
        };
    }
}
