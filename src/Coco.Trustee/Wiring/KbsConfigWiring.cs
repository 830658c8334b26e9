// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Text.Json.Nodes;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary>Turns a key broker's configuration document into the settings of the process.</summary>
internal static class KbsConfigWiring
{
    /// <summary>The settings; mistakes in files that the attestation service's part names go to <paramref name="problems"/>.</summary>
    /// <exception cref="ArgumentException">A value cannot be used, or a file that is named cannot be read.</exception>
    public static TrusteeSettings Build(KbsConfig config, string home, string? simulatedRoots, ConfigProblems problems)
    {
        KbsHttpServerConfig http = config.HttpServer;
        if (!http.InsecureHttp && (http.Certificate is null) != (http.PrivateKey is null))
        {
            throw new ArgumentException(http.Certificate is null ? "Missing certificate" : "Missing private key");
        }

        var settings = new TrusteeSettings
        {
            Home = home,
            Sockets = [.. http.Sockets.Select(ParseSocket)],
            Tls = http.InsecureHttp ? null : TlsOf(http),
            Limits = new ListenerLimits
            {
                HeaderBytes = http.HeaderSize << 10,
                HandshakeTimeout = TimeSpan.FromSeconds(http.HandshakeTimeout),
                HeaderTimeout = TimeSpan.FromSeconds(http.HeaderTimeout),
                IdleTimeout = TimeSpan.FromSeconds(http.IdleTimeout),
                MinDataRate = http.MinDataRate,
                MaxConnections = http.MaxConnections,
            },
            Store = StoreOf(config.Storage, null),
            SessionStore = config.SessionStorageType is { } session && session != config.Storage?.Type ? StoreOf(config.Storage, session) : null,
            StoreOverrides = Overrides(config),
            KeyRingPath = config.Storage?.KeyRingPath,
            KeyRingAcceptsPlain = config.Storage?.KeyRingAcceptsPlain ?? false,
            StrictConsistency = config.StrictPolicyConsistency,
            KeyBroker = options => KeyBrokerConfiguration.Apply(config, options),
            Plugins = builder => builder.AddConfiguredPlugins(config),
            RemoteAttestation = KeyBrokerConfiguration.CreateRemoteAttestationService(config, DecisionHeader.Show),
            Warnings = Warnings(config),
        };
        return AttestationWiring.Apply(settings, config.AttestationService.BuiltIn, simulatedRoots, problems);
    }

    public static IPEndPoint ParseSocket(string text) => IPEndPoint.TryParse(text, out IPEndPoint? at) && at.Port != 0
        ? at
        : throw new ArgumentException($"'{text}' is not an address with a port, such as 127.0.0.1:8080");

    /// <summary>An address with or without a scheme.</summary>
    public static Uri Address(string text) =>
        Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text, UriKind.Absolute, out Uri? address)
            ? address
            : throw new ArgumentException($"'{text}' is not an address");

    public static StoreSettings StoreOf(KbsStorageConfig? storage, string? type)
    {
        storage ??= new KbsStorageConfig { Type = "sqlite" };
        type ??= storage.Type;
        return new StoreSettings(type, type switch
        {
            "local_fs" => storage.LocalFsPath,
            "local_json" => storage.LocalJsonPath,
            "sqlite" => storage.SqlitePath,
            "postgres" => Environment.GetEnvironmentVariable("POSTGRES_URL") is { Length: > 0 } url ? url : PostgresOf(storage),
            "redis" => Environment.GetEnvironmentVariable("REDIS_URL") is { Length: > 0 } redis ? redis : Reveal(storage.RedisUrl),
            _ => null,
        });
    }

    private static TlsSettings TlsOf(KbsHttpServerConfig http)
    {
        SslProtocols protocols = http.TlsProfile == "modern" ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13;
        if (http.TlsMinVersion is not null || http.TlsMaxVersion is not null)
        {
            string least = http.TlsMinVersion ?? "1.2";
            string most = http.TlsMaxVersion ?? "1.3";
            if (string.CompareOrdinal(least, most) > 0)
            {
                throw new ArgumentException($"http_server.tls_min_version {least} is above tls_max_version {most}");
            }

            protocols = (least == "1.2" ? SslProtocols.Tls12 : SslProtocols.None) | (most == "1.3" ? SslProtocols.Tls13 : SslProtocols.None);
        }

        return new TlsSettings
        {
            CertificatePath = http.Certificate,
            KeyPath = http.PrivateKey,
            Protocols = protocols,
            CipherSuites = http.TlsCiphers is { } ciphers ? CipherNames.Parse(ciphers) : [],
        };
    }

    private static ImmutableDictionary<string, StoreSettings> Overrides(KbsConfig config)
    {
        AsConfig attestation = config.AttestationService.BuiltIn;
        ImmutableDictionary<string, StoreSettings>.Builder overrides = ImmutableDictionary.CreateBuilder<string, StoreSettings>(StringComparer.Ordinal);
        if (attestation.StorageType is { } policies)
        {
            overrides["attestation_service_policy"] = StoreOf(config.Storage, policies);
        }

        if (attestation.ReferenceValues.StorageType is { } values)
        {
            overrides["reference_value"] = StoreOf(config.Storage, values);
        }

        return overrides.ToImmutable();
    }

    private static ImmutableArray<string> Warnings(KbsConfig config)
    {
        ImmutableArray<string>.Builder warnings = ImmutableArray.CreateBuilder<string>();
        if (config.Storage is { Type: "memory" })
        {
            warnings.Add("storage_backend.storage_type is memory: everything is lost when the process ends");
        }

        if (config.HttpServer.TlsGroups is not null)
        {
            warnings.Add("http_server.tls_groups has no effect here: key-exchange groups are set in OpenSSL's own configuration (OPENSSL_CONF)");
        }

        return warnings.ToImmutable();
    }

    private static string PostgresOf(KbsStorageConfig storage)
    {
        var settings = new System.Data.Common.DbConnectionStringBuilder
        {
            ["Host"] = storage.PostgresHost,
            ["Port"] = storage.PostgresPort,
            ["Username"] = storage.PostgresUser,
            ["Database"] = storage.PostgresDatabase,
        };
        if (storage.PostgresPassword is { } password)
        {
            settings["Password"] = Reveal(password);
        }

        return settings.ConnectionString;
    }

    private static string Reveal(ConfigSecret secret)
    {
        using Secret resolved = SecretReference.Resolve(secret);
        return System.Text.Encoding.UTF8.GetString(resolved.Reveal());
    }
}
