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
    /// <exception cref="ArgumentException">A value cannot be used, or a file that is named cannot be read.</exception>
    public static TrusteeSettings Build(KbsConfig config, string home, string? simulatedRoots)
    {
        KbsHttpServerConfig http = config.HttpServer;
        KbsAttestationServiceConfig attestation = config.AttestationService;
        if (!http.InsecureHttp && (http.Certificate is null) != (http.PrivateKey is null))
        {
            throw new ArgumentException(http.Certificate is null ? "Missing certificate" : "Missing private key");
        }

        return new TrusteeSettings
        {
            Home = home,
            Sockets = [.. http.Sockets.Select(ParseSocket)],
            Tls = http.InsecureHttp ? null : TlsOf(http),
            Store = StoreOf(config.Storage, null),
            SessionStore = config.SessionStorageType is { } session && session != config.Storage?.Type ? StoreOf(config.Storage, session) : null,
            StoreOverrides = Overrides(config),
            KeyRingPath = config.Storage?.KeyRingPath,
            KeyBroker = options => KeyBrokerConfiguration.Apply(config, options),
            Plugins = builder => builder.AddConfiguredPlugins(config),
            Attestation = AttestationOf(attestation),
            Verifiers = VerifiersOf(attestation.VerifierConfig, simulatedRoots),
            RemoteAttestation = KeyBrokerConfiguration.CreateRemoteAttestationService(config),
            RemoteReferenceValues = attestation.RvpsAddress is { } rvps ? Address(rvps) : null,
            Warnings = Warnings(config),
        };
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

    /// <summary>The built-in attestation service.</summary>
    public static AttestationOptions AttestationOf(KbsAttestationServiceConfig config) => new()
    {
        Token = new TokenOptions
        {
            Duration = TimeSpan.FromMinutes(config.TokenMinutes),
            Issuer = config.IssuerName,
            Developer = config.DeveloperName,
            Build = config.BuildName ?? "attestation-service 0.1.0",
            Profile = config.ProfileName,
            Verbose = config.VerboseToken,
        },
        Signer = config.SignerKeyPath is { } key
            ? new SignerOptions(SecretReference.Resolve(new ConfigSecret("file://" + Path.GetFullPath(key))))
            {
                CertificateUrl = config.SignerCertUrl,
                CertificateChainPem = config.SignerCertPath is { } chain ? File.ReadAllText(chain) : null,
            }
            : null,
    };

    /// <summary>Reads <c>verifier_config</c> (kbs.md 7.3, attestation-service.md 4).</summary>
    public static VerifierSettings VerifiersOf(JsonObject? config, string? simulatedRoots)
    {
        var settings = new VerifierSettings { SimulatedRootsPath = simulatedRoots ?? Text(config, "insecure_simulated_tee") };
        if (config?["snp_verifier"] is JsonObject snp && snp["vcek_sources"] is JsonArray sources)
        {
            Uri? kds = null;
            ImmutableArray<string>.Builder folders = ImmutableArray.CreateBuilder<string>();
            foreach (JsonNode? source in sources)
            {
                switch (Text(source as JsonObject, "type"))
                {
                    case "KDS":
                        kds = Address(Text(source as JsonObject, "base_url") ?? "https://kdsintf.amd.com");
                        break;
                    case "OfflineStore":
                        folders.Add(Text(source as JsonObject, "path") ?? "/opt/confidential-containers/attestation-service/kds-store");
                        break;
                    case var other:
                        throw new ArgumentException($"verifier_config.snp_verifier.vcek_sources: type '{other}'; allowed: KDS, OfflineStore");
                }
            }

            settings = settings with { AmdKds = kds, CollateralFolders = folders.ToImmutable() };
        }

        if (config?["dcap_verifier"] is JsonObject dcap)
        {
            string service = Text(dcap, "collateral_service")
                ?? throw new ArgumentException("verifier_config.dcap_verifier.collateral_service is required where the table exists");
            settings = service.StartsWith("file://", StringComparison.Ordinal)
                ? settings with { IntelCollateralFile = service["file://".Length..], IntelPcs = null }
                : settings with { IntelPcs = Address(service) };
            settings = settings with
            {
                StandardTcbUpdates = Text(dcap, "tcb_update_type") switch
                {
                    null or "early" => false,
                    "standard" => true,
                    var other => throw new ArgumentException($"verifier_config.dcap_verifier.tcb_update_type: '{other}'; allowed: early, standard"),
                },
            };
        }

        if (config?["nvidia_verifier"] is JsonObject nvidia && Text(nvidia, "type") is "Remote" or "remote")
        {
            settings = settings with { NvidiaService = Address(Text(nvidia, "verifier_url") ?? "https://nras.attestation.nvidia.com/v4/attest") };
        }

        if (config?["nvidia_dpu_verifier"] is JsonObject dpu)
        {
            settings = settings with
            {
                DpuRootPath = Text(dpu, "root_ca_cert_path") ?? throw new ArgumentException("verifier_config.nvidia_dpu_verifier.root_ca_cert_path is required"),
                DpuLongestAge = TimeSpan.FromSeconds(dpu["max_cert_age_secs"]?.GetValue<long>() ?? 3600),
            };
        }

        if (config?["tpm_verifier"] is JsonObject tpm)
        {
            settings = settings with { TpmRootsPath = Text(tpm, "trusted_roots") };
        }

        return settings;
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
        ImmutableDictionary<string, StoreSettings>.Builder overrides = ImmutableDictionary.CreateBuilder<string, StoreSettings>(StringComparer.Ordinal);
        if (config.AttestationService.StorageType is { } policies)
        {
            overrides["attestation_service_policy"] = StoreOf(config.Storage, policies);
        }

        if (config.AttestationService.RvpsStorageType is { } values)
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

    private static string? Text(JsonObject? table, string key) =>
        table?[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
