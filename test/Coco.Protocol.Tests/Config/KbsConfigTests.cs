// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Protocol.Tests.Config;

/// <summary>Configuration documents of the key broker: today's form, every former one, and mistakes, which are told all at once.</summary>
public sealed class KbsConfigTests
{
    private const string Strict = """
        [http_server]
        sockets = ["0.0.0.0:8080", "[::1]:8081"]
        private_key = "/etc/kbs/tls.key"
        certificate = "/etc/kbs/tls.pem"

        [admin]
        authorization_mode = "AuthenticatedAuthorization"

        [admin.authentication.bearer_jwt]
        identity_providers = [{ issuer = "ops", audience = "kbs", public_key_uri = "/etc/kbs/admin.pub" }]

        [admin.authorization.regex_acl]
        acls = [{ role = "admin", allowed_endpoints = "^/kbs/v0/.+$" }]

        [attestation_token]
        trusted_certs_paths = ["/etc/kbs/token-ca.pem"]

        [attestation_service]
        type = "coco_as_builtin"
        timeout = 7
        policy_id_map = { strict = "strict-policy" }

        [attestation_service.attestation_token_broker.signer]
        key_path = "/etc/kbs/token.key"
        cert_path = "/etc/kbs/token-chain.pem"

        [storage_backend]
        storage_type = "LocalFs"

        [storage_backend.backends.local_fs]
        dir_path = "/var/lib/kbs"

        [[plugins]]
        name = "resource"
        storage_backend_type = "kvstorage"

        [[plugins]]
        name = "resource-unknown"
        """;

    [Fact]
    public void Toml_OfTheCurrentForm_IsRead()
    {
        KbsConfig config = Read(Strict[..Strict.LastIndexOf("[[plugins]]", StringComparison.Ordinal)]);

        Assert.Equal(["0.0.0.0:8080", "[::1]:8081"], config.HttpServer.Sockets);
        Assert.Equal(("ops", "kbs", "/etc/kbs/admin.pub"), (config.Admin.IdentityProviders[0].Issuer, config.Admin.IdentityProviders[0].Audience, config.Admin.IdentityProviders[0].PublicKeyUri));
        Assert.Equal(("admin", "^/kbs/v0/.+$"), (config.Admin.Acls[0].Role, config.Admin.Acls[0].AllowedEndpoints));
        Assert.Equal((7, "/etc/kbs/token.key", "strict-policy"), (config.AttestationService.TimeoutMinutes, config.AttestationService.BuiltIn.Token.SignerKeyPath, config.AttestationService.PolicyIdMap["strict"]));
        Assert.Equal(("local_fs", "/var/lib/kbs"), (config.Storage!.Type, config.Storage.LocalFsPath));
        Assert.Equal(KbsResourceBackend.KeyValueStorage, Assert.IsType<KbsResourcePluginConfig>(Assert.Single(config.Plugins)).Backend);
    }

    [Fact]
    public void Json_AndYaml_AreReadAlike()
    {
        const string json = """{"http_server":{"insecure_http":true},"admin":{"authorization_mode":"DenyAll"},"attestation_token":{"insecure_key":true},"session_storage_type":"Redis"}""";
        const string yaml = """
            http_server:
              insecure_http: true
            admin:
              authorization_mode: DenyAll
            attestation_token:
              insecure_key: true
            session_storage_type: Redis
            """;

        foreach ((string text, string extension) in new[] { (json, ".json"), (yaml, ".yaml"), (yaml, ".yml") })
        {
            KbsConfig config = Read(text, extension);
            Assert.Equal((true, true, "redis"), (config.HttpServer.InsecureHttp, config.AttestationToken.InsecureHeaderJwk, config.SessionStorageType));
        }
    }

    [Fact]
    public void Mistakes_AreToldAllAtOnce()
    {
        (KbsConfig? config, ConfigProblems problems) = TryRead("""
                session_storage_type = "floppy"
                [http_server]
                sockets = ["localhost:8080", "1.2.3.4"]
                payload_request_size = 0
                tls_profile = "ancient"
                tls_min_version = "1.3"
                tls_max_version = "1.2"
                private_key = "x"
                protocol_versions = ["0.9.9"]
                [admin]
                authorization_mode = "AuthenticatedAuthorization"
                nonsense = 1
                [admin.authorization.regex_acl]
                acls = [{ role = "a", allowed_endpoints = "/kbs" }, { allowed_endpoints = "^/kbs/($" }]
                [attestation_token]
                trusted_jwk_sets = ["http://x"]
                extra_teekey_paths = ["a.b"]
                [attestation_service]
                type = "intel_ta"
                [[plugins]]
                name = "resource"
                storage_backend_type = "Vault"
                [[plugins]]
                name = "resource"
                [[plugins]]
                name = "external"
                [[plugins]]
                name = "nosuch"
                """);

        Assert.Null(config);
        string[] paths = [.. problems.Errors.Select(m => m.Path).Distinct()];
        foreach (string path in new[]
        {
            "session_storage_type", "http_server.sockets", "http_server.payload_request_size", "http_server.tls_profile", "http_server.tls_min_version", "http_server.certificate",
            "http_server.protocol_versions", "admin.nonsense", "admin.authorization.regex_acl.acls[0].allowed_endpoints", "admin.authorization.regex_acl.acls[1].role",
            "admin.authorization.regex_acl.acls[1].allowed_endpoints", "admin.authentication.bearer_jwt.identity_providers", "attestation_token.trusted_jwk_sets",
            "attestation_token.extra_teekey_paths", "attestation_service.base_url", "attestation_service.api_key", "attestation_service.certs_file", "plugins[0].vault_url",
            "plugins[0].token", "plugins[1].name", "plugins[2].backends", "plugins[3].name",
        })
        {
            Assert.Contains(path, paths);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[http_server]")]
    [InlineData("[admin]\nauthorization_mode = \"DenyAll\"")]
    [InlineData("[http_server]\n[admin]")]
    [InlineData("[http_server]\n[admin]\nauthorization_mode = \"Simple\"")]
    [InlineData("not toml")]
    public void Document_WithoutItsRequiredParts_IsRefused(string text) =>
        Assert.Null(TryRead(text).Config);

    [Fact]
    public void RemoteService_WithoutTrustedKeys_IsRefused() =>
        Assert.Null(TryRead("[http_server]\n[admin]\nauthorization_mode=\"DenyAll\"\n[attestation_service]\ntype=\"coco_as_grpc\"").Config);

    [Fact]
    public void UnknownKeys_OutsideOfAdministration_AreWarnings()
    {
        (KbsConfig? config, ConfigProblems problems) = TryRead("colour = 1\n[http_server]\nshape = 2\n[admin]\nauthorization_mode=\"DenyAll\"");

        Assert.NotNull(config);
        Assert.Contains(problems.Warnings, w => w.Path == "colour");
        Assert.Contains(problems.Warnings, w => w.Path == "http_server.shape");
        Assert.Contains(problems.Warnings, w => w.Path == "storage_backend");
    }

    [Fact]
    public void FormOf05_IsMapped()
    {
        KbsConfig config = Read(
            """{"repository_type":"LocalFs","repository_description":{"dir_path":"/data"},"as_addr":"http://as:50004","admin":{"authorization_mode":"DenyAll"},"attestation_token":{"trusted_certs_paths":["/ca"]}}""",
            ".json");

        Assert.Equal((KbsAttestationServiceType.Grpc, "http://as:50004"), (config.AttestationService.Type, config.AttestationService.AsAddress));
        KbsResourcePluginConfig resource = Assert.IsType<KbsResourcePluginConfig>(Assert.Single(config.Plugins));
        Assert.Equal((KbsResourceBackend.NestedFiles, "/data"), (resource.Backend, resource.DirPath));
    }

    [Fact]
    public void FormOf08_IsMapped()
    {
        KbsConfig config = Read("""
            sockets = ["0.0.0.0:8080"]
            timeout = 9
            insecure_http = true
            auth_public_key = "/etc/admin.pub"
            insecure_api = false

            [attestation_token_config]
            attestation_token_type = "CoCo"
            trusted_certs_paths = ["/ca.pem"]

            [repository_config]
            type = "LocalFs"
            dir_path = "/repository"

            [grpc_config]
            as_addr = "http://as:1"
            pool_size = 3

            [policy_engine_config]
            policy_path = "/policy.rego"
            """);

        Assert.Equal((true, 9, "/policy.rego"), (config.HttpServer.InsecureHttp, config.AttestationService.TimeoutMinutes, config.ResourcePolicyPath));
        Assert.Equal(("http://as:1", 3), (config.AttestationService.AsAddress, config.AttestationService.PoolSize));
        Assert.Equal(("AuthenticatedAuthorization", "/etc/admin.pub", "admin"), (config.Admin.Mode, config.Admin.IdentityProviders[0].PublicKeyUri, config.Admin.IdentityProviders[0].DefaultRole));
        Assert.Equal("/repository", Assert.IsType<KbsResourcePluginConfig>(Assert.Single(config.Plugins)).DirPath);
    }

    [Theory]
    [InlineData("""{"repository_type":"LocalFs","as_addr":"http://as:50004"}""", ".json", "DenyAll")]
    [InlineData("sockets = [\"0.0.0.0:8080\"]\ninsecure_api = true\n[grpc_config]\nas_addr = \"http://as:50004\"", ".toml", "InsecureAllowAll")]
    public void FormsUpTo010_WithoutAuthorities_BelieveHeaderKeysAsTheyDid(string text, string extension, string mode)
    {
        (KbsConfig? config, ConfigProblems problems) = TryRead(text, extension);

        Assert.NotNull(config);
        Assert.Equal((true, mode), (config.AttestationToken.InsecureHeaderJwk, config.Admin.Mode));
        Assert.Equal(KbsResourceBackend.NestedFiles, Assert.IsType<KbsResourcePluginConfig>(Assert.Single(config.Plugins)).Backend);
        Assert.Contains(problems.Warnings, w => w.Path == "attestation_token" && w.ToString().Contains("insecure", StringComparison.Ordinal));
    }

    [Fact]
    public void FormOf08_WithKeySetsAndOverlay_IsMapped()
    {
        KbsConfig config = Read("""
            insecure_http = true
            timeout = 3
            [attestation_token_config]
            attestation_token_type = "Jwk"
            trusted_certs_paths = ["https://issuer"]
            [intel_trust_authority_config]
            base_url = "https://api"
            api_key = "k"
            certs_file = "https://issuer"
            [policy_engine_config]
            policy_path = "/missing.rego"
            [http_server]
            sockets = ["127.0.0.1:1"]
            [attestation_service]
            timeout = 7
            """);

        Assert.Equal(("https://issuer", 0), (Assert.Single(config.AttestationToken.TrustedJwkSets), config.AttestationToken.TrustedCertsPaths.Length));
        Assert.Equal(("127.0.0.1:1", true, 7), (Assert.Single(config.HttpServer.Sockets), config.HttpServer.InsecureHttp, config.AttestationService.TimeoutMinutes));
        Assert.Equal(("/missing.rego", true), (config.ResourcePolicyPath, config.ResourcePolicyMayBeMissing));
    }

    [Fact]
    public void FormOf016_WithoutPersonas_LetsNobodyIn() =>
        Assert.Equal("DenyAll", Read("[http_server]\ninsecure_http = true\n[admin]\ntype = \"Simple\"").Admin.Mode);

    [Theory]
    [InlineData("auth_public_key = \"/k\"", "AuthenticatedAuthorization")]
    [InlineData("insecure_api = true", "InsecureAllowAll")]
    [InlineData("insecure_api = false", "DenyAll")]
    [InlineData("type = \"DenyAll\"", "DenyAll")]
    [InlineData("type = \"InsecureAllowAll\"", "InsecureAllowAll")]
    public void FormerAdministration_IsMapped(string admin, string mode) =>
        Assert.Equal(mode, Read("[http_server]\ninsecure_http = true\n[admin]\n" + admin + "\n[[plugins]]\nname = \"resource\"\ntype = \"LocalFs\"\ndir_path = \"/d\"").Admin.Mode);

    [Fact]
    public void FormOf016_PersonasBecomeProviders()
    {
        KbsConfig config = Read("""
            [http_server]
            insecure_http = true
            [admin]
            type = "Simple"
            [[admin.personas]]
            id = "operator"
            public_key_path = "/operator.pub"
            [[admin.roles]]
            id = "operator"
            allowed_endpoints = "^/kbs/v0/resource/.+$"
            """);

        Assert.Equal(("/operator.pub", "operator"), (config.Admin.IdentityProviders[0].PublicKeyUri, config.Admin.IdentityProviders[0].DefaultRole));
        Assert.Equal("operator", config.Admin.Acls[0].Role);
    }

    [Fact]
    public void Plugins_OfEveryKind_AreRead()
    {
        KbsConfig config = Read("""
            [http_server]
            insecure_http = true
            [admin]
            authorization_mode = "DenyAll"
            [[plugins]]
            name = "resource"
            storage_backend_type = "Vault"
            vault_url = "https://vault:8200"
            token = "planted-token"
            [[plugins]]
            name = "sample"
            item = "x"
            [[plugins]]
            name = "provisioner"
            key_length = 64
            [[plugins]]
            name = "nebula-ca"
            [plugins.ca_config]
            name = "n"
            argon_memory = 5
            duration = "1h"
            [[plugins]]
            name = "pkcs11"
            module = "/m.so"
            pin = "planted-pin"
            rsa_mechanism = "RsaPkcsTest"
            [[plugins]]
            name = "external"
            backends = [{ name = "b", endpoint = "http://127.0.0.1:1", timeout_ms = 5 }]
            """);

        Assert.Equal(["resource", "sample", "provisioner", "nebula-ca", "pkcs11", "external"], config.Plugins.Select(p => p.Name));
        KbsNebulaCaPluginConfig nebula = config.Plugins.OfType<KbsNebulaCaPluginConfig>().Single();
        Assert.Equal(("n", "5", "1h"), (nebula.CaName, nebula.CaOptions["argon-memory"], nebula.CaOptions["duration"]));
        Assert.True(config.Plugins.OfType<KbsPkcs11PluginConfig>().Single().OaepSha1);
        Assert.DoesNotContain("planted", string.Join(' ', config.Plugins), StringComparison.Ordinal);
        Assert.DoesNotContain("planted", config.ToString(), StringComparison.Ordinal);
    }

    private static KbsConfig Read(string text, string extension = ".toml")
    {
        (KbsConfig? config, ConfigProblems problems) = TryRead(text, extension);
        Assert.True(config is not null, string.Join('\n', problems.Errors));
        return config;
    }

    private static (KbsConfig? Config, ConfigProblems Problems) TryRead(string text, string extension = ".toml")
    {
        var problems = new ConfigProblems();
        if (!ConfigDocument.Parse(Encoding.UTF8.GetBytes(text), ConfigDocument.SyntaxOf("x" + extension)).TryGet(out ConfigDocument? document, out Refusal? refusal))
        {
            problems.Error(string.Empty, refusal.Detail, "a document");
            return (null, problems);
        }

        KbsConfig config = KbsConfig.Read(document, problems);
        return (problems.Errors.Count == 0 ? config : null, problems);
    }
}
