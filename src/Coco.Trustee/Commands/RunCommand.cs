// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Net;
using Coco.KeyBroker;

namespace Coco.Trustee;

/// <summary><c>trustee run</c>: all three services in one process. Needs no configuration file.</summary>
internal static class RunCommand
{
    public static Command Build()
    {
        var socket = new Option<string[]>("--socket") { Description = "Address to listen on, such as 127.0.0.1:8080; overrides the configuration" };
        var allowAll = new Option<bool>("--allow-all") { Description = "Administration without a token. INSECURE" };
        var simulated = new Option<FileInfo?>("--insecure-simulated-tee") { Description = "File of simulated roots to trust. INSECURE" };
        var command = new Command("run", "Run key broker, attestation service and reference value provider in one process") { socket, allowAll, simulated };
        command.SetAction(async (result, ct) =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            PrivateFiles.CreateFolder(home);
            using var admin = AdminAccess.Open(home, TimeProvider.System);
            TrusteeSettings settings = Defaults(home, admin, result.GetValue(allowAll));
            if (result.GetValue(socket) is { Length: > 0 } sockets)
            {
                settings = settings with { Sockets = [.. sockets.Select(ParseSocket)] };
            }

            if (result.GetValue(simulated) is { } roots)
            {
                settings = settings with { Verifiers = settings.Verifiers with { SimulatedRootsPath = roots.FullName } };
            }

            await using WebApplication app = TrusteeServer.Build(settings, TimeProvider.System);
            await app.StartAsync(ct).ConfigureAwait(false);
            await app.WaitForShutdownAsync(ct).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    private static IPEndPoint ParseSocket(string text) => IPEndPoint.TryParse(text, out IPEndPoint? at) && at.Port != 0
        ? at
        : throw new ArgumentException($"'{text}' is not an address with a port, such as 127.0.0.1:8080");

    private static TrusteeSettings Defaults(string home, AdminAccess admin, bool allowAll) => new()
    {
        Home = home,
        KeyBroker = options =>
        {
            if (allowAll)
            {
                options.Admin.Mode = AdminMode.InsecureAllowAll;
            }
            else
            {
                admin.Apply(options.Admin);
            }
        },
        Warnings = allowAll ? ["INSECURE: --allow-all lets everybody administrate"] : [],
    };
}
