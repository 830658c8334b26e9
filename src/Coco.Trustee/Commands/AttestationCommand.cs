// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary><c>trustee as</c>: the attestation service alone, gRPC, REST or both on their own ports (attestation-service.md 1, 4).</summary>
internal static class AttestationCommand
{
    public static Command Build()
    {
        var file = new Option<FileInfo?>("--config-file", "-c") { Description = "Configuration of the attestation service in JSON" };
        var grpc = new Option<string?>("--grpc-socket") { Description = "Address of the gRPC face; 127.0.0.1:50004 when no face is named" };
        var rest = new Option<string?>("--rest-socket") { Description = "Address of the REST face" };
        var (certificate, key, origin, set, simulated) = Shared();
        var command = new Command("as", "Run the attestation service alone") { file, grpc, rest, certificate, key, origin, set, simulated };
        command.SetAction(async (result, ct) =>
        {
            string? grpcAt = result.GetValue(grpc);
            string? restAt = result.GetValue(rest);
            grpcAt ??= restAt is null ? "127.0.0.1:50004" : null;
            TrusteeSettings settings = Settings(result, file, certificate, key, set, simulated);
            var running = new List<Task>();
            if (grpcAt is not null)
            {
                running.Add(RunCommand.ServeAsync(
                    settings with { Sockets = [KbsConfigWiring.ParseSocket(grpcAt)] }, TrusteeServices.AttestationGrpc | ReferenceFace(settings), null, ct));
            }

            if (restAt is not null)
            {
                running.Add(RunCommand.ServeAsync(settings with { Sockets = [KbsConfigWiring.ParseSocket(restAt)] }, TrusteeServices.AttestationRest, result.GetValue(origin), ct));
            }

            await Task.WhenAll(running).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    /// <summary>The flags of the reference's <c>grpc-as</c> and <c>restful-as</c>.</summary>
    public static RootCommand BuildFamiliar(bool rest)
    {
        var file = new Option<FileInfo?>("--config-file", "-c") { Description = "Configuration in JSON" };
        var socket = new Option<string>("--socket", "-s") { Description = "Address to listen on", Required = rest };
        if (!rest)
        {
            socket.DefaultValueFactory = _ => "127.0.0.1:3000";
        }

        var (certificate, key, origin, set, simulated) = Shared();
        var root = new RootCommand("Attestation service") { file, socket, certificate, key, set, simulated };
        root.Options.Add(TrusteeCommandLine.HomeOption);
        if (rest)
        {
            root.Options.Add(origin);
        }

        root.SetAction(async (result, ct) =>
        {
            TrusteeSettings settings = Settings(result, file, certificate, key, set, simulated) with { Sockets = [KbsConfigWiring.ParseSocket(result.GetValue(socket)!)] };
            await RunCommand.ServeAsync(
                settings,
                rest ? TrusteeServices.AttestationRest : TrusteeServices.AttestationGrpc | ReferenceFace(settings),
                rest ? result.GetValue(origin) : null,
                ct).ConfigureAwait(false);
            return 0;
        });
        return root;
    }

    private static TrusteeServices ReferenceFace(TrusteeSettings settings) => settings.RemoteReferenceValues is null ? TrusteeServices.ReferenceValues : 0;

    private static (Option<FileInfo?> Certificate, Option<FileInfo?> Key, Option<string?> Origin, Option<string[]> Set, Option<FileInfo?> Simulated) Shared() => (
        new Option<FileInfo?>("--https-pubkey-cert", "-t") { Description = "PEM certificate chain; with --https-prikey" },
        new Option<FileInfo?>("--https-prikey", "-k") { Description = "PEM private key; with --https-pubkey-cert" },
        new Option<string?>("--allowed_origin", "-r") { Description = "Origin that browsers may call from" },
        new Option<string[]>("--set") { Description = "One setting over the file" },
        new Option<FileInfo?>("--insecure-simulated-tee") { Description = "File of simulated roots to trust. INSECURE" });

    private static TrusteeSettings Settings(
        ParseResult result, Option<FileInfo?> file, Option<FileInfo?> certificate, Option<FileInfo?> key, Option<string[]> set, Option<FileInfo?> simulated)
    {
        string home = TrusteeCommandLine.HomeOf(result);
        PrivateFiles.CreateFolder(home);
        FileInfo? chain = result.GetValue(certificate);
        FileInfo? privateKey = result.GetValue(key);
        if ((chain is null) != (privateKey is null))
        {
            throw new ArgumentException("--https-pubkey-cert and --https-prikey go together");
        }

        string? path = result.GetValue(file)?.FullName;
        ConfigDocument document = ConfigFile.Read(path, result.GetValue(set) ?? [], ConfigSyntax.Json);
        JsonObject root = document.Root;

        // The same members as the key broker's built-in service, under the names that the stand-alone service gives them.
        var inner = new JsonObject { ["type"] = "coco_as_builtin" };
        foreach (string member in (string[])["attestation_token_broker", "rvps_config", "verifier_config"])
        {
            if (root[member] is { } value)
            {
                inner[member] = value.DeepClone();
            }
        }

        var outer = new JsonObject
        {
            ["http_server"] = new JsonObject { ["insecure_http"] = true },
            ["admin"] = new JsonObject { ["authorization_mode"] = "DenyAll" },
            ["attestation_service"] = inner,
        };
        if (root["storage_backend"] is { } storage)
        {
            outer["storage_backend"] = storage.DeepClone();
        }

        ConfigDocument rewritten = ConfigDocument.Parse(Jws.ToUtf8(outer), ConfigSyntax.Json).Require();
        var problems = new ConfigProblems();
        KbsConfig config = KbsConfig.Read(rewritten, problems);
        ConfigFile.Require(problems, path);
        TrusteeSettings settings = KbsConfigWiring.Build(config, home, result.GetValue(simulated)?.FullName);
        return settings with
        {
            Tls = chain is null ? null : new TlsSettings { CertificatePath = chain.FullName, KeyPath = privateKey!.FullName },
        };
    }
}
