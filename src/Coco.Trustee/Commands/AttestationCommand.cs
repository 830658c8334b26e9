// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.Net;
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
        var admin = new Option<string?>("--admin-socket") { Description = "Address for administrators and monitoring over HTTP/1.1; they are served on the REST face too" };
        var (certificate, key, origin, set, simulated) = Shared();
        var command = new Command("as", "Run the attestation service alone") { file, grpc, rest, admin, certificate, key, origin, set, simulated };
        command.SetAction(async (result, ct) =>
        {
            string? restAt = result.GetValue(rest);
            string? grpcAt = result.GetValue(grpc) ?? (restAt is null ? "127.0.0.1:50004" : null);
            using AdminAccess access = OpenAdmin(result);
            TrusteeSettings settings = Settings(result, file, certificate, key, set, simulated, access) with
            {
                GrpcSockets = Sockets(grpcAt),
                Sockets = [.. Sockets(restAt), .. Sockets(result.GetValue(admin))],
            };
            TrusteeServices serve = (grpcAt is null ? 0 : TrusteeServices.AttestationGrpc | ReferenceFace(settings)) | (restAt is null ? 0 : TrusteeServices.AttestationRest);
            await RunCommand.ServeAsync(settings, serve, result.GetValue(origin), ct).ConfigureAwait(false);
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
            using AdminAccess access = OpenAdmin(result);
            TrusteeSettings settings = Settings(result, file, certificate, key, set, simulated, access);
            ImmutableArray<IPEndPoint> at = Sockets(result.GetValue(socket));
            settings = rest ? settings with { Sockets = at, GrpcSockets = [] } : settings with { Sockets = [], GrpcSockets = at };
            await RunCommand.ServeAsync(
                settings,
                rest ? TrusteeServices.AttestationRest : TrusteeServices.AttestationGrpc | ReferenceFace(settings),
                rest ? result.GetValue(origin) : null,
                ct).ConfigureAwait(false);
            return 0;
        });
        return root;
    }

    private static ImmutableArray<IPEndPoint> Sockets(string? address) => address is null ? [] : [KbsConfigWiring.ParseSocket(address)];

    private static AdminAccess OpenAdmin(ParseResult result)
    {
        string home = TrusteeCommandLine.HomeOf(result);
        PrivateFiles.CreateFolder(home);
        return AdminAccess.Open(home, TimeProvider.System);
    }

    private static TrusteeServices ReferenceFace(TrusteeSettings settings) => settings.RemoteReferenceValues is null ? TrusteeServices.ReferenceValues : 0;

    private static (Option<FileInfo?> Certificate, Option<FileInfo?> Key, Option<string?> Origin, Option<string[]> Set, Option<FileInfo?> Simulated) Shared() => (
        new Option<FileInfo?>("--https-pubkey-cert", "-t") { Description = "PEM certificate chain; with --https-prikey" },
        new Option<FileInfo?>("--https-prikey", "-k") { Description = "PEM private key; with --https-pubkey-cert" },
        new Option<string?>("--allowed_origin", "-r") { Description = "Origin that browsers may call from" },
        new Option<string[]>("--set") { Description = "One setting over the file" },
        new Option<FileInfo?>("--insecure-simulated-tee") { Description = "File of simulated roots to trust. INSECURE" });

    private static TrusteeSettings Settings(
        ParseResult result, Option<FileInfo?> file, Option<FileInfo?> certificate, Option<FileInfo?> key, Option<string[]> set, Option<FileInfo?> simulated, AdminAccess access)
    {
        FileInfo? chain = result.GetValue(certificate);
        FileInfo? privateKey = result.GetValue(key);
        if ((chain is null) != (privateKey is null))
        {
            throw new ArgumentException("--https-pubkey-cert and --https-prikey go together");
        }

        string? path = result.GetValue(file)?.FullName;
        ConfigDocument document = ConfigFile.Read(path, result.GetValue(set) ?? [], ConfigSyntax.Json);
        var problems = new ConfigProblems();
        AsConfig config = AsConfig.Read(document, problems);
        TrusteeSettings settings = AttestationWiring.Apply(
            new TrusteeSettings
            {
                Home = TrusteeCommandLine.HomeOf(result),
                Sockets = [],
                Tls = chain is null ? null : new TlsSettings { CertificatePath = chain.FullName, KeyPath = privateKey!.FullName },
                Store = KbsConfigWiring.StoreOf(config.Storage ?? new KbsStorageConfig(), null),
                KeyRingPath = config.Storage?.KeyRingPath,
                KeyRingAcceptsPlain = config.Storage?.KeyRingAcceptsPlain ?? false,
                StoreOverrides = config.ReferenceValues.StorageType is { } values
                    ? ImmutableDictionary<string, StoreSettings>.Empty.Add("reference_value", KbsConfigWiring.StoreOf(config.Storage, values))
                    : ImmutableDictionary<string, StoreSettings>.Empty,
                Administrators = access.Apply,
            },
            config,
            result.GetValue(simulated)?.FullName,
            problems);
        ConfigFile.Require(problems, path);
        return settings with { Warnings = [.. problems.Warnings.Select(w => w.ToString())] };
    }
}
