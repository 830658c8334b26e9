// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Coco.Protocol;

/// <summary>Reads <see cref="KbsConfig"/> and judges every value.</summary>
internal sealed class KbsConfigReader(ConfigProblems problems)
{
    private static readonly string[] Versions = ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"];

    public KbsConfig Read(JsonObject document)
    {
        var root = new ConfigSection(KbsFormerConfig.Modernise(document, problems), string.Empty, problems);
        Require(root, "http_server");
        Require(root, "admin");
        ConfigSection audit = root.SectionOrEmpty("audit", problems);
        ConfigSection engine = root.SectionOrEmpty("policy_engine", problems);
        var config = new KbsConfig
        {
            HttpServer = ReadServer(root.SectionOrEmpty("http_server", problems)),
            Admin = ReadAdmin(root.SectionOrEmpty("admin", problems)),
            AttestationToken = ReadToken(root.SectionOrEmpty("attestation_token", problems)),
            AttestationService = ReadService(root.SectionOrEmpty("attestation_service", problems)),
            Storage = root.Section("storage_backend") is { } storage ? ReadStorage(storage) : null,
            SessionStorageType = StorageType(root, "session_storage_type"),
            Plugins = ReadPlugins(root),
            AuditKeyPath = audit.Text("key_path"),
            AuditRetentionDays = audit.Has("retention_days") ? audit.NumberOr("retention_days", 365, 1, 36500) : null,
            ResourcePolicyPath = engine.Text("policy_file") ?? engine.Text("policy_path"),
            ResourcePolicyMayBeMissing = !engine.Has("policy_file"),
            StrictPolicyConsistency = engine.ChoiceOr("consistency", false, ("strict", true), ("eventual", false)),
        };
        audit.CheckUnknownKeys(isError: false);
        engine.CheckUnknownKeys(isError: false);
        root.CheckUnknownKeys(isError: false);
        CheckTogether(config);
        return config;
    }

    private static void Require(ConfigSection root, string table)
    {
        if (!root.Has(table))
        {
            root.Error(table, "no such table", "it is required");
        }
    }

    private static KbsHttpServerConfig ReadServer(ConfigSection t)
    {
        var standard = new KbsHttpServerConfig();
        ImmutableArray<string> sockets = t.Has("sockets") ? t.Texts("sockets") : standard.Sockets;
        foreach (string socket in sockets)
        {
            if (!IPEndPoint.TryParse(socket, out IPEndPoint? endpoint) || !socket.Contains(':', StringComparison.Ordinal) || (endpoint.Port == 0 && !socket.EndsWith(":0", StringComparison.Ordinal)))
            {
                t.Error("sockets", $"'{socket}'", "ip:port");
            }
        }

        ImmutableArray<string> versions = t.Has("protocol_versions") ? t.Texts("protocol_versions") : standard.ProtocolVersions;
        foreach (string version in versions)
        {
            if (!Versions.Contains(version))
            {
                t.Error("protocol_versions", $"'{version}'", string.Join(", ", Versions));
            }
        }

        var server = new KbsHttpServerConfig
        {
            Sockets = sockets,
            InsecureHttp = t.FlagOr("insecure_http", false),
            PrivateKey = t.Text("private_key"),
            Certificate = t.Text("certificate"),
            PayloadRequestSize = t.NumberOr("payload_request_size", 2, 1, 1024),
            WorkerCount = t.Has("worker_count") ? t.NumberOr("worker_count", 1, 1, 4096) : null,
            TlsProfile = t.ChoiceOr("tls_profile", "intermediate", ("old", "old"), ("intermediate", "intermediate"), ("modern", "modern"), ("custom", "custom")),
            TlsMinVersion = t.ChoiceOr<string?>("tls_min_version", null, ("1.2", "1.2"), ("1.3", "1.3")),
            TlsMaxVersion = t.ChoiceOr<string?>("tls_max_version", null, ("1.2", "1.2"), ("1.3", "1.3")),
            TlsCiphers = t.Text("tls_ciphers"),
            TlsGroups = t.Text("tls_groups"),
            HeaderSize = t.NumberOr("header_size", standard.HeaderSize, 16, 4096),
            HandshakeTimeout = t.NumberOr("handshake_timeout", standard.HandshakeTimeout, 1, 300),
            HeaderTimeout = t.NumberOr("header_timeout", standard.HeaderTimeout, 1, 300),
            IdleTimeout = t.NumberOr("idle_timeout", standard.IdleTimeout, 1, 3600),
            MinDataRate = t.NumberOr("min_data_rate", standard.MinDataRate, 1, 1 << 20),
            MaxConnections = t.Has("max_connections") ? t.NumberOr("max_connections", 1, 1, 10_000_000) : null,
            HandshakesPerSecond = t.NumberOr("handshakes_per_second", 0, 0, 1_000_000),
            HandshakeBurst = t.NumberOr("handshake_burst", 100, 1, 1_000_000),
            StrictStatus = t.FlagOr("strict_status", false),
            ProtocolVersions = versions,
        };
        if (server.TlsMinVersion == "1.3" && server.TlsMaxVersion == "1.2")
        {
            t.Error("tls_min_version", "1.3", "at most tls_max_version");
        }

        if ((server.PrivateKey is null) != (server.Certificate is null))
        {
            t.Error(server.PrivateKey is null ? "private_key" : "certificate", server.PrivateKey is null ? "Missing private key" : "Missing certificate", "both or neither");
        }

        if (server.InsecureHttp)
        {
            t.Warn("insecure_http", "insecure: requests and answers travel in the clear", "false");
        }

        t.CheckUnknownKeys(isError: false);
        return server;
    }

    private static KbsAdminConfig ReadAdmin(ConfigSection t)
    {
        string mode = t.ChoiceOr(
            "authorization_mode",
            string.Empty,
            ("InsecureAllowAll", "InsecureAllowAll"),
            ("DenyAll", "DenyAll"),
            ("AuthenticatedAuthorization", "AuthenticatedAuthorization"));
        if (mode.Length == 0 && !t.Has("authorization_mode"))
        {
            t.Error("authorization_mode", "nothing", "InsecureAllowAll, DenyAll, AuthenticatedAuthorization");
        }

        var providers = ImmutableArray.CreateBuilder<KbsIdentityProviderConfig>();
        if (t.Section("authentication") is { } authentication)
        {
            if (authentication.Section("bearer_jwt") is { } jwt)
            {
                foreach (ConfigSection p in jwt.Sections("identity_providers"))
                {
                    var provider = new KbsIdentityProviderConfig
                    {
                        Issuer = p.Text("issuer"),
                        Audience = p.Text("audience"),
                        PublicKeyUri = p.Text("public_key_uri"),
                        JwkSetUri = p.Text("jwk_set_uri"),
                        DefaultRole = p.Text("default_role"),
                    };
                    if (provider.PublicKeyUri is null && provider.JwkSetUri is null)
                    {
                        p.Error("public_key_uri", "a provider without a key", "public_key_uri or jwk_set_uri");
                    }

                    if (provider.DefaultRole is not null)
                    {
                        p.Warn("default_role", "tokens without a role are accepted, as releases up to 0.20 made them", "tokens with a role");
                    }

                    p.CheckUnknownKeys(isError: true);
                    providers.Add(provider);
                }

                jwt.CheckUnknownKeys(isError: true);
            }

            authentication.CheckUnknownKeys(isError: true);
        }

        var acls = ImmutableArray.CreateBuilder<KbsAclConfig>();
        if (t.Section("authorization") is { } authorization)
        {
            if (authorization.Section("regex_acl") is { } regex)
            {
                foreach (ConfigSection a in regex.Sections("acls"))
                {
                    string role = a.RequireText("role");
                    string pattern = a.RequireText("allowed_endpoints");
                    if (pattern.Length > 0)
                    {
                        CheckPattern(a, pattern);
                    }

                    acls.Add(new KbsAclConfig(role, pattern, a.Texts("methods")));
                    a.CheckUnknownKeys(isError: true);
                }

                regex.CheckUnknownKeys(isError: true);
            }

            authorization.CheckUnknownKeys(isError: true);
        }

        if (mode == "AuthenticatedAuthorization" && providers.Count == 0)
        {
            t.Error("authentication.bearer_jwt.identity_providers", "nobody", "at least one provider");
        }

        if (mode == "InsecureAllowAll")
        {
            t.Warn("authorization_mode", "insecure: everybody may administrate", "AuthenticatedAuthorization, DenyAll");
        }

        t.CheckUnknownKeys(isError: true);
        return new KbsAdminConfig { Mode = mode, IdentityProviders = providers.ToImmutable(), Acls = acls.ToImmutable() };
    }

    private static void CheckPattern(ConfigSection acl, string pattern)
    {
        if (!pattern.StartsWith("^/kbs", StringComparison.Ordinal) || !pattern.EndsWith('$'))
        {
            acl.Error("allowed_endpoints", "an expression without anchors", "^/kbs at its begin and $ at its end");
            return;
        }

        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            acl.Error("allowed_endpoints", "an expression that cannot be compiled", "a regular expression without back-references and look-around");
        }
    }

    private static KbsTokenConfig ReadToken(ConfigSection t)
    {
        var token = new KbsTokenConfig
        {
            TrustedJwkSets = t.Texts("trusted_jwk_sets"),
            TrustedCertsPaths = t.Texts("trusted_certs_paths"),
            ExtraTeeKeyPaths = t.Texts("extra_teekey_paths"),
            InsecureHeaderJwk = t.FlagOr("insecure_header_jwk", false),
        };
        foreach (string address in token.TrustedJwkSets)
        {
            if (address.Contains("://", StringComparison.Ordinal) && !address.StartsWith("https://", StringComparison.Ordinal) && !address.StartsWith("file://", StringComparison.Ordinal))
            {
                t.Error("trusted_jwk_sets", $"'{address}'", "https://, file:// or a path");
            }
        }

        foreach (string pointer in token.ExtraTeeKeyPaths)
        {
            if (pointer.Length < 2 || pointer[0] != '/')
            {
                t.Error("extra_teekey_paths", $"'{pointer}'", "a JSON pointer");
            }
        }

        if (token.InsecureHeaderJwk)
        {
            t.Warn("insecure_header_jwk", "insecure: a token is believed under the key that it brings along", "false");
        }

        t.CheckUnknownKeys(isError: false);
        return token;
    }

    private KbsAttestationServiceConfig ReadService(ConfigSection t)
    {
        KbsAttestationServiceType type = t.ChoiceOr(
            "type",
            KbsAttestationServiceType.BuiltIn,
            ("coco_as_builtin", KbsAttestationServiceType.BuiltIn),
            ("CoCoASBuiltIn", KbsAttestationServiceType.BuiltIn),
            ("coco_as_grpc", KbsAttestationServiceType.Grpc),
            ("CoCoASGrpc", KbsAttestationServiceType.Grpc),
            ("intel_ta", KbsAttestationServiceType.IntelTrustAuthority),
            ("IntelTA", KbsAttestationServiceType.IntelTrustAuthority));
        bool intel = type == KbsAttestationServiceType.IntelTrustAuthority;
        var standard = new KbsAttestationServiceConfig();
        var service = new KbsAttestationServiceConfig
        {
            Type = type,
            TimeoutMinutes = t.NumberOr("timeout", 5, 1, 1440),
            BuiltIn = AsConfig.ReadSections(t, problems) with { StorageType = StorageType(t, "storage_type") },
            AsAddress = t.TextOr("as_addr", standard.AsAddress),
            PoolSize = t.NumberOr("pool_size", 100, 1, 10_000),
            BaseUrl = t.TextIf(intel, "base_url"),
            ApiKey = t.Secret("api_key", required: intel),
            CertsFile = t.TextIf(intel, "certs_file"),
            PolicyIds = t.Texts("policy_ids"),
            AllowUnmatchedPolicy = t.FlagOr("allow_unmatched_policy", false),
            PolicyIdMap = ReadPolicyMap(t),
        };
        t.CheckUnknownKeys(isError: false);
        return service;
    }

    private static ImmutableSortedDictionary<string, string> ReadPolicyMap(ConfigSection t)
    {
        ImmutableSortedDictionary<string, string>.Builder map = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (KeyValuePair<string, JsonNode?> member in t.RawTable("policy_id_map") ?? [])
        {
            if (member.Value is JsonValue v && v.TryGetValue(out string? id) && PolicyId.Parse(id).TryGet(out _, out _))
            {
                map[member.Key] = id;
            }
            else
            {
                t.Error("policy_id_map." + member.Key, "something else", "the id of a policy");
            }
        }

        return map.ToImmutable();
    }

    internal static string? StorageType(ConfigSection t, string key) => t.ChoiceOr<string?>(
        key,
        null,
        ("memory", "memory"), ("Memory", "memory"),
        ("local_fs", "local_fs"), ("LocalFs", "local_fs"),
        ("local_json", "local_json"), ("LocalJson", "local_json"),
        ("sqlite", "sqlite"), ("Sqlite", "sqlite"),
        ("postgres", "postgres"), ("Postgres", "postgres"),
        ("redis", "redis"), ("Redis", "redis"));

    internal KbsStorageConfig ReadStorage(ConfigSection t)
    {
        var standard = new KbsStorageConfig();
        ConfigSection backends = t.SectionOrEmpty("backends", problems);
        ConfigSection fs = backends.SectionOrEmpty("local_fs", problems);
        ConfigSection json = backends.SectionOrEmpty("local_json", problems);
        ConfigSection sqlite = backends.SectionOrEmpty("sqlite", problems);
        ConfigSection postgres = backends.SectionOrEmpty("postgres", problems);
        ConfigSection redis = backends.SectionOrEmpty("redis", problems);
        ConfigSection sealing = t.SectionOrEmpty("encryption", problems);
        var storage = new KbsStorageConfig
        {
            Type = StorageType(t, "storage_type") ?? "memory",
            LocalFsPath = fs.TextOr("dir_path", standard.LocalFsPath),
            LocalJsonPath = json.TextOr("file_dir_path", standard.LocalJsonPath),
            SqlitePath = sqlite.Text("path"),
            PostgresDatabase = postgres.TextOr("db", standard.PostgresDatabase),
            PostgresUser = postgres.TextOr("username", standard.PostgresUser),
            PostgresPassword = postgres.Secret("password"),
            PostgresHost = postgres.TextOr("host", standard.PostgresHost),
            PostgresPort = postgres.NumberOr("port", standard.PostgresPort, 1, 65535),
            RedisUrl = redis.Secret("url") ?? standard.RedisUrl,
            KeyRingPath = sealing.Text("key_ring"),
            KeyRingAcceptsPlain = sealing.FlagOr("accept_plain", false),
        };
        if (storage.KeyRingAcceptsPlain)
        {
            sealing.Warn("accept_plain", "insecure: values that are not sealed are believed", "false, once all are sealed");
        }

        if (storage.Type is "local_fs" or "local_json" && !backends.Has(storage.Type))
        {
            t.Warn($"backends.{storage.Type}", "nothing, so the default folder is used", "the table, which the reference requires");
        }

        foreach (ConfigSection one in new[] { fs, json, sqlite, postgres, redis, backends, sealing, t })
        {
            one.CheckUnknownKeys(isError: false);
        }

        return storage;
    }

    private static ImmutableArray<KbsPluginConfig> ReadPlugins(ConfigSection root)
    {
        var plugins = ImmutableArray.CreateBuilder<KbsPluginConfig>();
        foreach (ConfigSection t in root.Sections("plugins"))
        {
            string? name = t.RequireText("name");
            KbsPluginConfig? plugin = name switch
            {
                "resource" => ReadResource(t),
                "sample" => new KbsSamplePluginConfig(t.RequireText("item")),
                "provisioner" => new KbsProvisionerPluginConfig(t.NumberOr("key_length", 32, 16, 512)),
                "nebula-ca" => ReadNebula(t),
                "pkcs11" => ReadPkcs11(t),
                "external" => ReadExternal(t),
                _ => null,
            };
            if (plugin is null)
            {
                if (name is not null)
                {
                    t.Error("name", $"'{name}'", "resource, sample, provisioner, nebula-ca, pkcs11, external");
                }

                continue;
            }

            t.CheckUnknownKeys(isError: false);
            if (plugins.Any(p => p.Name == plugin.Name))
            {
                t.Error("name", $"'{plugin.Name}' a second time", "each plugin once");
            }

            plugins.Add(plugin);
        }

        return plugins.ToImmutable();
    }

    private static KbsResourcePluginConfig ReadResource(ConfigSection t)
    {
        KbsResourceBackend backend = t.ChoiceOr(
            "storage_backend_type",
            KbsResourceBackend.KeyValueStorage,
            ("kvstorage", KbsResourceBackend.KeyValueStorage),
            ("KvStorage", KbsResourceBackend.KeyValueStorage),
            ("LocalFs", KbsResourceBackend.NestedFiles),
            ("Vault", KbsResourceBackend.Vault),
            ("vault", KbsResourceBackend.Vault),
            ("Aliyun", KbsResourceBackend.Aliyun),
            ("aliyun", KbsResourceBackend.Aliyun),
            ("Aws", KbsResourceBackend.Aws),
            ("aws", KbsResourceBackend.Aws),
            ("Gcp", KbsResourceBackend.Gcp),
            ("gcp", KbsResourceBackend.Gcp));
        bool vault = backend == KbsResourceBackend.Vault;
        bool aliyun = backend == KbsResourceBackend.Aliyun;
        bool cloud = backend is KbsResourceBackend.Aws or KbsResourceBackend.Gcp || aliyun;
        var plugin = new KbsResourcePluginConfig
        {
            Backend = backend,
            DirPath = t.Text("dir_path") ?? (backend == KbsResourceBackend.NestedFiles ? "/opt/confidential-containers/kbs/repository" : null),
            VaultUrl = t.TextIf(vault, "vault_url"),
            Token = t.Secret("token", required: vault),
            MountPath = t.TextOr("mount_path", "secret"),
            KvVersion = t.NumberOr("kv_version", 1, 1, 2),
            VerifySsl = t.FlagOr("verify_ssl", false),
            CaCerts = t.Texts("ca_certs"),
            ClientKey = t.Secret("client_key", required: aliyun),
            KmsInstanceId = t.TextIf(aliyun, "kms_instance_id"),
            Password = t.Secret("password", required: aliyun),
            CertPem = t.TextIf(aliyun, "cert_pem"),
            Region = t.TextIf(backend == KbsResourceBackend.Aws, "region"),
            EndpointUrl = t.Text("endpoint_url"),
            ProjectId = t.TextIf(backend == KbsResourceBackend.Gcp, "project_id"),
            NameTemplate = t.TextOr("name_template", "${tag}"),
        };
        if (vault && !plugin.VerifySsl && plugin.VaultUrl?.StartsWith("https:", StringComparison.Ordinal) == true)
        {
            t.Warn("verify_ssl", "insecure: the certificate of Vault is not checked", "true");
        }

        if (cloud && !plugin.NameTemplate.Contains("${repo}", StringComparison.Ordinal))
        {
            t.Warn("name_template", "only the tag names the secret, so two repositories share it and a policy on the repository is no boundary", "${repo}, ${type} and ${tag}");
        }

        return plugin;
    }

    private static KbsNebulaCaPluginConfig ReadNebula(ConfigSection t)
    {
        var standard = new KbsNebulaCaPluginConfig();
        string name = standard.CaName;
        ImmutableSortedDictionary<string, string>.Builder options = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (t.Section("ca_config") is { } ca)
        {
            name = ca.TextOr("name", name);
            foreach (string number in new[] { "argon_iterations", "argon_memory", "argon_parallelism" })
            {
                if (ca.Has(number))
                {
                    options[number.Replace('_', '-')] = ca.NumberOr(number, 1, 1, int.MaxValue).ToString(System.Globalization.CultureInfo.InvariantCulture);
                }
            }

            foreach (string text in new[] { "curve", "duration", "groups", "ips", "out_qr", "subnets" })
            {
                if (ca.Text(text) is { } value)
                {
                    options[text.Replace('_', '-')] = value;
                }
            }

            ca.CheckUnknownKeys(isError: false);
        }

        return new KbsNebulaCaPluginConfig
        {
            WorkDir = t.TextOr("work_dir", standard.WorkDir),
            NebulaCertPath = t.Text("nebula_cert_bin_path"),
            CaName = name,
            CaOptions = options.ToImmutable(),
        };
    }

    private static KbsPkcs11PluginConfig ReadPkcs11(ConfigSection t) => new()
    {
        Module = t.RequireText("module"),
        Pin = t.Secret("pin", required: true) ?? new ConfigSecret(string.Empty),
        SlotIndex = t.NumberOr("slot_index", 0, 0, 255),
        OaepSha1 = t.ChoiceOr("rsa_mechanism", false, ("RsaPkcsOaep", false), ("RsaPkcsTest", true)),
        LookupLabel = t.TextOr("lookup_label", string.Empty),
    };

    private static KbsExternalPluginConfig ReadExternal(ConfigSection t)
    {
        var backends = ImmutableArray.CreateBuilder<KbsExternalBackendConfig>();
        foreach (ConfigSection b in t.Sections("backends"))
        {
            string name = b.RequireText("name");
            string endpoint = b.RequireText("endpoint");
            string? ca = b.Text("ca_cert_path");
            int? timeout = b.Has("timeout_ms") ? b.NumberOr("timeout_ms", 30_000, 1, 3_600_000) : null;
            if (endpoint.StartsWith("https://", StringComparison.Ordinal))
            {
                if (ca is null)
                {
                    b.Error("ca_cert_path", "nothing", "a PEM file, for https");
                }
            }
            else if (endpoint.StartsWith("http://", StringComparison.Ordinal))
            {
                b.Warn("endpoint", "insecure: what the plugin answers travels in the clear", "https://");
            }
            else if (endpoint.Length > 0)
            {
                b.Error("endpoint", "another scheme", "https://, http://");
            }

            if (backends.Any(x => x.Name == name))
            {
                b.Error("name", $"'{name}' a second time", "each back end once");
            }

            b.CheckUnknownKeys(isError: false);
            backends.Add(new KbsExternalBackendConfig(name, endpoint, ca, timeout));
        }

        if (backends.Count == 0)
        {
            t.Error("backends", "none", "at least one");
        }

        return new KbsExternalPluginConfig(backends.ToImmutable());
    }

    private void CheckTogether(KbsConfig config)
    {
        KbsTokenConfig token = config.AttestationToken;
        bool nobody = token.TrustedJwkSets.IsEmpty && token.TrustedCertsPaths.IsEmpty && !token.InsecureHeaderJwk;
        if (nobody && config.AttestationService.Type == KbsAttestationServiceType.Grpc)
        {
            problems.Error("attestation_token", "nobody whose tokens are believed", "trusted_jwk_sets or trusted_certs_paths, with a remote attestation service");
        }

        if (config.Storage is null)
        {
            problems.Warn("storage_backend", "absent: values are kept with SQLite in the home folder, where the reference keeps them in memory", "a storage_type");
        }
        else if (config.Storage.Type == "memory")
        {
            problems.Warn("storage_backend", "everything is kept in memory and lost at exit", "another storage_type");
        }
    }
}
