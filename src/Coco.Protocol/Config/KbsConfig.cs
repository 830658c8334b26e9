// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>The configuration document of the key broker (kbs.md 7), current form. Former forms are mapped to it when read.</summary>
public sealed record KbsConfig
{
    /// <summary>Table <c>http_server</c>.</summary>
    public KbsHttpServerConfig HttpServer { get; init; } = new();

    /// <summary>Table <c>admin</c>.</summary>
    public KbsAdminConfig Admin { get; init; } = new();

    /// <summary>Table <c>attestation_token</c>.</summary>
    public KbsTokenConfig AttestationToken { get; init; } = new();

    /// <summary>Table <c>attestation_service</c>.</summary>
    public KbsAttestationServiceConfig AttestationService { get; init; } = new();

    /// <summary>Table <c>storage_backend</c>; null when absent, which the reference takes for memory.</summary>
    public KbsStorageConfig? Storage { get; init; }

    /// <summary>Key <c>session_storage_type</c>; null for the same store as everything else.</summary>
    public string? SessionStorageType { get; init; }

    /// <summary>Tables <c>plugins</c>.</summary>
    public ImmutableArray<KbsPluginConfig> Plugins { get; init; } = [];

    /// <summary>Table <c>audit</c>, ours: PEM file with the key that signs heads of the audit chain; null for one that is made and kept in the store.</summary>
    public string? AuditKeyPath { get; init; }

    /// <summary>Key <c>retention_days</c> of table <c>audit</c>, ours: null keeps audit events for ever.</summary>
    public int? AuditRetentionDays { get; init; }

    /// <summary>Key <c>policy_file</c> of table <c>policy_engine</c> (formerly <c>policy_path</c>): installed as the resource policy when there is none.</summary>
    public string? ResourcePolicyPath { get; init; }

    /// <summary>Named by the former <c>policy_path</c>: releases up to 0.18 kept their policy there, and made the file where it was missing.</summary>
    public bool ResourcePolicyMayBeMissing { get; init; }

    /// <summary>Key <c>consistency = "strict"</c> of table <c>policy_engine</c>, ours: each decision asks the store whether the policy changed.</summary>
    public bool StrictPolicyConsistency { get; init; }

    /// <summary>Reads a document, of whatever release.</summary>
    /// <param name="document">The document, with what was laid over it.</param>
    /// <param name="problems">Gathers all mistakes; what is read counts only when it has no errors afterwards.</param>
    public static KbsConfig Read(ConfigDocument document, ConfigProblems problems)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(problems);
        return new KbsConfigReader(problems).Read(document.Root);
    }
}

/// <summary>Table <c>http_server</c> (kbs.md 7.1).</summary>
public sealed record KbsHttpServerConfig
{
    /// <summary>Listeners as <c>ip:port</c>.</summary>
    public ImmutableArray<string> Sockets { get; init; } = ["127.0.0.1:8080"];

    /// <summary>Plain HTTP.</summary>
    public bool InsecureHttp { get; init; }

    /// <summary>Path of the PEM key.</summary>
    public string? PrivateKey { get; init; }

    /// <summary>Path of the PEM chain, leaf first.</summary>
    public string? Certificate { get; init; }

    /// <summary>Largest body in MiB.</summary>
    public int PayloadRequestSize { get; init; } = 2;

    /// <summary>Worker threads; null for as many as processors.</summary>
    public int? WorkerCount { get; init; }

    /// <summary><c>old</c>, <c>intermediate</c>, <c>modern</c> or <c>custom</c>.</summary>
    public string TlsProfile { get; init; } = "intermediate";

    /// <summary><c>1.2</c> or <c>1.3</c>; null for the profile's.</summary>
    public string? TlsMinVersion { get; init; }

    /// <summary><c>1.2</c> or <c>1.3</c>; null for the profile's.</summary>
    public string? TlsMaxVersion { get; init; }

    /// <summary>Colon-separated list; null for the profile's.</summary>
    public string? TlsCiphers { get; init; }

    /// <summary>Colon-separated list; null for the library's.</summary>
    public string? TlsGroups { get; init; }

    /// <summary>Ours: largest request head in KiB.</summary>
    public int HeaderSize { get; init; } = 256;

    /// <summary>Ours: seconds within which a TLS handshake must be done.</summary>
    public int HandshakeTimeout { get; init; } = 10;

    /// <summary>Ours: seconds within which a request head must have come.</summary>
    public int HeaderTimeout { get; init; } = 15;

    /// <summary>Ours: seconds after which a connection without a request is closed.</summary>
    public int IdleTimeout { get; init; } = 130;

    /// <summary>Ours: bytes a second below which a body is given up, after five seconds.</summary>
    public int MinDataRate { get; init; } = 240;

    /// <summary>Ours: most connections at once; null for what the limit of open files allows.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>Ours: handshakes a second and client; 0 for no limit.</summary>
    public int HandshakesPerSecond { get; init; }

    /// <summary>Ours: handshakes that one client may make at once.</summary>
    public int HandshakeBurst { get; init; } = 100;

    /// <summary>Ours: answer with 403, 404 and 405 where the reference answers 401 or 404.</summary>
    public bool StrictStatus { get; init; }

    /// <summary>Ours: protocol versions that are served.</summary>
    public ImmutableArray<string> ProtocolVersions { get; init; } = ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"];
}

/// <summary>Table <c>admin</c> (kbs.md 6).</summary>
public sealed record KbsAdminConfig
{
    /// <summary><c>InsecureAllowAll</c>, <c>DenyAll</c> or <c>AuthenticatedAuthorization</c>.</summary>
    public string Mode { get; init; } = "DenyAll";

    /// <summary>Issuers of administrators' tokens.</summary>
    public ImmutableArray<KbsIdentityProviderConfig> IdentityProviders { get; init; } = [];

    /// <summary>What roles may do.</summary>
    public ImmutableArray<KbsAclConfig> Acls { get; init; } = [];
}

/// <summary>An entry of <c>identity_providers</c>.</summary>
public sealed record KbsIdentityProviderConfig
{
    /// <summary>What <c>iss</c> must be.</summary>
    public string? Issuer { get; init; }

    /// <summary>What <c>aud</c> must contain.</summary>
    public string? Audience { get; init; }

    /// <summary>Path or <c>file://</c> of a PEM public key.</summary>
    public string? PublicKeyUri { get; init; }

    /// <summary>Address of a JWK set.</summary>
    public string? JwkSetUri { get; init; }

    /// <summary>Ours: role of tokens that have none.</summary>
    public string? DefaultRole { get; init; }
}

/// <summary>An entry of <c>acls</c>.</summary>
/// <param name="Role">The role.</param>
/// <param name="AllowedEndpoints">A regular expression over paths.</param>
/// <param name="Methods">Ours: HTTP methods; empty for all.</param>
public sealed record KbsAclConfig(string Role, string AllowedEndpoints, ImmutableArray<string> Methods);

/// <summary>Table <c>attestation_token</c> (kbs.md 7.2).</summary>
public sealed record KbsTokenConfig
{
    /// <summary>Addresses of JWK sets.</summary>
    public ImmutableArray<string> TrustedJwkSets { get; init; } = [];

    /// <summary>Paths of PEM files with certificates.</summary>
    public ImmutableArray<string> TrustedCertsPaths { get; init; } = [];

    /// <summary>JSON pointers to the guest's key.</summary>
    public ImmutableArray<string> ExtraTeeKeyPaths { get; init; } = [];

    /// <summary>Believe the key in the token's header.</summary>
    public bool InsecureHeaderJwk { get; init; }
}

/// <summary>Which attestation service there is.</summary>
public enum KbsAttestationServiceType
{
    /// <summary>In the same process.</summary>
    BuiltIn,

    /// <summary>Over gRPC.</summary>
    Grpc,

    /// <summary>Intel Trust Authority.</summary>
    IntelTrustAuthority,
}

/// <summary>Table <c>attestation_service</c> (kbs.md 7.3).</summary>
public sealed record KbsAttestationServiceConfig
{
    /// <summary>Which one.</summary>
    public KbsAttestationServiceType Type { get; init; }

    /// <summary>Life of a session in minutes.</summary>
    public int TimeoutMinutes { get; init; } = 5;

    /// <summary>Built in: tokens, verifiers, reference values and decisions, as the stand-alone service has them.</summary>
    public AsConfig BuiltIn { get; init; } = new();

    /// <summary>gRPC: address.</summary>
    public string AsAddress { get; init; } = "http://127.0.0.1:50004";

    /// <summary>gRPC: connections.</summary>
    public int PoolSize { get; init; } = 100;

    /// <summary>Intel: address of the interface.</summary>
    public string? BaseUrl { get; init; }

    /// <summary>Intel: key.</summary>
    public ConfigSecret? ApiKey { get; init; }

    /// <summary>Intel: source of the JWK set.</summary>
    public string? CertsFile { get; init; }

    /// <summary>Intel: policies.</summary>
    public ImmutableArray<string> PolicyIds { get; init; } = [];

    /// <summary>Intel: accept tokens whose policies did not match.</summary>
    public bool AllowUnmatchedPolicy { get; init; }

    /// <summary>Values of <c>attestation-policy-selector</c> and the policies they choose (<c>policy_id_map</c>).</summary>
    public ImmutableSortedDictionary<string, string> PolicyIdMap { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>Table <c>storage_backend</c> (kbs.md 7.4).</summary>
public sealed record KbsStorageConfig
{
    /// <summary><c>memory</c>, <c>local_fs</c>, <c>local_json</c>, <c>sqlite</c>, <c>postgres</c> or <c>redis</c>.</summary>
    public string Type { get; init; } = "memory";

    /// <summary>Folder of <c>local_fs</c>.</summary>
    public string LocalFsPath { get; init; } = "/opt/confidential-containers/storage/local_fs";

    /// <summary>Folder of <c>local_json</c>.</summary>
    public string LocalJsonPath { get; init; } = "/opt/confidential-containers/storage/local_json";

    /// <summary>File of <c>sqlite</c> (ours); null for the program's home.</summary>
    public string? SqlitePath { get; init; }

    /// <summary>PostgreSQL: database.</summary>
    public string PostgresDatabase { get; init; } = "postgres";

    /// <summary>PostgreSQL: user.</summary>
    public string PostgresUser { get; init; } = "postgres";

    /// <summary>PostgreSQL: password.</summary>
    public ConfigSecret? PostgresPassword { get; init; }

    /// <summary>PostgreSQL: host.</summary>
    public string PostgresHost { get; init; } = "localhost";

    /// <summary>PostgreSQL: port.</summary>
    public int PostgresPort { get; init; } = 5432;

    /// <summary>Redis: address, which may hold a password.</summary>
    public ConfigSecret RedisUrl { get; init; } = new("redis://127.0.0.1:6379");

    /// <summary>Ours: file with the key ring for encryption at rest; null for none.</summary>
    public string? KeyRingPath { get; init; }

    /// <summary>Whether values that were stored before the ring was configured are still read; they are sealed in the background.</summary>
    public bool KeyRingAcceptsPlain { get; init; }
}
