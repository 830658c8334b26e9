// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>The configuration document of the attestation service (attestation-service.md 4). Unknown keys are warned of, as the reference ignores them.</summary>
public sealed record AsConfig
{
    /// <summary>Object <c>attestation_token_broker</c>.</summary>
    public AsTokenConfig Token { get; init; } = new();

    /// <summary>Address of a remote reference value provider, with scheme; null for the one in the process.</summary>
    public string? RvpsAddress { get; init; }

    /// <summary>Settings of the reference value provider in the process.</summary>
    public RvpsConfig ReferenceValues { get; init; } = new();

    /// <summary>Object <c>verifier_config</c>.</summary>
    public AsVerifierConfig Verifiers { get; init; } = new();

    /// <summary>Object <c>storage_backend</c>; null when absent, which the reference takes for memory. Never set inside a key broker, which has its own.</summary>
    public KbsStorageConfig? Storage { get; init; }

    /// <summary>Inside a key broker: the store of policies, when it is not the key broker's own.</summary>
    public string? StorageType { get; init; }

    /// <summary>Object <c>decisions</c>, ours.</summary>
    public AsDecisionsConfig Decisions { get; init; } = new();

    /// <summary>Object <c>shadow_policies</c>, ours: full id of the live policy (<c>default_cpu</c>) to the file of the policy that is evaluated beside it.</summary>
    public ImmutableSortedDictionary<string, string> ShadowPolicyPaths { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Reads a document, of whatever release.</summary>
    /// <param name="document">The document, with what was laid over it.</param>
    /// <param name="problems">Gathers all mistakes; what is read counts only when it has no errors afterwards.</param>
    public static AsConfig Read(ConfigDocument document, ConfigProblems problems)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(problems);
        var root = new ConfigSection(Modernise((JsonObject)document.Root.DeepClone()), string.Empty, problems);
        var storage = root.Section("storage_backend");
        AsConfig config = ReadSections(root, problems) with { Storage = storage is null ? null : new KbsConfigReader(problems).ReadStorage(storage) };

        // Historical keys that mean nothing any more.
        _ = root.Raw("work_dir");
        _ = root.Raw("policy_engine");
        root.CheckUnknownKeys(isError: false);
        return config;
    }

    /// <summary>What the stand-alone document and the key broker's table <c>attestation_service</c> have in common.</summary>
    internal static AsConfig ReadSections(ConfigSection t, ConfigProblems problems)
    {
        ConfigSection rvps = t.SectionOrEmpty("rvps_config", problems);
        bool remote = rvps.ChoiceOr("type", false, ("BuiltIn", false), ("GrpcRemote", true));
        string address = rvps.TextOr("address", "127.0.0.1:50003");
        return new AsConfig
        {
            Token = AsTokenConfig.Read(t.SectionOrEmpty("attestation_token_broker", problems), problems),
            RvpsAddress = remote ? (address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address) : null,
            ReferenceValues = RvpsConfig.ReadSections(rvps, null, problems),
            Verifiers = AsVerifierConfig.Read(t.SectionOrEmpty("verifier_config", problems), problems),
            Decisions = AsDecisionsConfig.Read(t.SectionOrEmpty("decisions", problems)),
            ShadowPolicyPaths = ReadShadowPolicies(t.Section("shadow_policies")),
        };
    }

    private static ImmutableSortedDictionary<string, string> ReadShadowPolicies(ConfigSection? t)
    {
        ImmutableSortedDictionary<string, string>.Builder paths = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string id in t?.Keys ?? [])
        {
            if (!PolicyId.Parse(id).TryGet(out _, out Refusal? why))
            {
                t!.Error(id, why.Detail, "the full id of a policy, such as default_cpu");
            }
            else if (t!.Text(id) is { } path)
            {
                paths[id] = path;
            }
        }

        return paths.ToImmutable();
    }

    // Up to 0.10 the broker was a word and its settings stood beside it.
    private static JsonObject Modernise(JsonObject root)
    {
        if (root["attestation_token_broker"] is JsonValue word && word.TryGetValue(out string? name))
        {
            var broker = new JsonObject { ["type"] = name };
            foreach ((string key, JsonNode? value) in root["attestation_token_config"] as JsonObject ?? [])
            {
                broker[key] = value?.DeepClone();
            }

            root["attestation_token_broker"] = broker;
            root.Remove("attestation_token_config");
        }

        return root;
    }
}

/// <summary>Object <c>attestation_token_broker</c>.</summary>
public sealed record AsTokenConfig
{
    /// <summary><c>Ear</c> or <c>Simple</c>.</summary>
    public string Type { get; init; } = "Ear";

    /// <summary>Ours: which Simple token, named by the release that began it: <c>0.5</c>, <c>0.9</c> or <c>0.11</c>.</summary>
    public string SimpleVersion { get; init; } = "0.11";

    /// <summary>Life in minutes.</summary>
    public int DurationMinutes { get; init; } = 5;

    /// <summary><c>iss</c>.</summary>
    public string IssuerName { get; init; } = "CoCo-Attestation-Service";

    /// <summary>Verifier id.</summary>
    public string DeveloperName { get; init; } = "https://confidentialcontainers.org";

    /// <summary>Verifier id.</summary>
    public string BuildName { get; init; } = "attestation-service 0.1.0";

    /// <summary><c>eat_profile</c>.</summary>
    public string ProfileName { get; init; } = "tag:github.com,2024:confidential-containers/Trustee";

    /// <summary>Keep <c>additional-evidence</c>.</summary>
    public bool Verbose { get; init; } = true;

    /// <summary>PEM private key; null for one that is made and kept in the store.</summary>
    public string? SignerKeyPath { get; init; }

    /// <summary><c>x5u</c>.</summary>
    public string? SignerCertUrl { get; init; }

    /// <summary>PEM chain, leaf first.</summary>
    public string? SignerCertPath { get; init; }

    internal static AsTokenConfig Read(ConfigSection t, ConfigProblems problems)
    {
        var standard = new AsTokenConfig();
        ConfigSection? signer = t.Section("signer");
        var token = new AsTokenConfig
        {
            Type = t.Choice("type", "Ear", "Simple") ?? "Ear",
            SimpleVersion = t.Choice("simple_version", "0.5", "0.9", "0.11") ?? "0.11",
            DurationMinutes = t.NumberOr("duration_min", 5, 1, 525_600),
            IssuerName = t.TextOr("issuer_name", standard.IssuerName),
            DeveloperName = t.TextOr("developer_name", standard.DeveloperName),
            BuildName = t.TextOr("build_name", standard.BuildName),
            ProfileName = t.TextOr("profile_name", standard.ProfileName),
            Verbose = t.FlagOr("verbose_token", true),
            SignerKeyPath = signer?.RequireText("key_path"),
            SignerCertUrl = signer?.Text("cert_url"),
            SignerCertPath = signer?.Text("cert_path"),
        };
        foreach ((string key, string value) in new[] { ("profile_name", token.ProfileName), ("developer_name", token.DeveloperName), ("build_name", token.BuildName) })
        {
            if (value.Length == 0)
            {
                problems.Error($"{t.Path}.{key}", "an empty text", "a text: a token needs it");
            }
        }

        signer?.CheckUnknownKeys(isError: false);
        t.CheckUnknownKeys(isError: false);
        return token;
    }
}

/// <summary>Object <c>verifier_config</c>.</summary>
public sealed record AsVerifierConfig
{
    /// <summary>Whether NVIDIA's remote service verifies GPUs.</summary>
    public bool NvidiaRemote { get; init; }

    /// <summary>Its address.</summary>
    public string NvidiaVerifierUrl { get; init; } = "https://nras.attestation.nvidia.com/v4/attest";

    /// <summary>Sources of AMD certificates in the order in which they are asked.</summary>
    public ImmutableArray<AsVcekSourceConfig> VcekSources { get; init; } = [new("KDS", null)];

    /// <summary>Intel's collateral: an <c>https</c> address, or <c>file://</c> of an offline document.</summary>
    public string DcapCollateralService { get; init; } = "https://api.trustedservices.intel.com/sgx/certification/v4/";

    /// <summary><c>early</c> or <c>standard</c>.</summary>
    public string DcapTcbUpdateType { get; init; } = "early";

    /// <summary>Root certificate of NVIDIA DPUs; null: they are not verified.</summary>
    public string? DpuRootPath { get; init; }

    /// <summary>Greatest age of a DPU's alias certificate in seconds.</summary>
    public int DpuMaxCertAgeSeconds { get; init; } = 3600;

    /// <summary>Ours, in <c>tpm_verifier</c>: PEM file or folder of roots for TPM endorsements; null trusts none.</summary>
    public string? TpmRootsPath { get; init; }

    /// <summary>Ours, insecure: file of simulated roots that are trusted besides the vendors'; null trusts none.</summary>
    public string? SimulatedRootsPath { get; init; }

    /// <summary>Ours: whether evidence of the <c>sample</c> TEE, which anybody can make, is taken.</summary>
    public bool Sample { get; init; } = true;

    private static readonly string[] Schemes = ["https://", "http://", "file://"];

    internal static AsVerifierConfig Read(ConfigSection t, ConfigProblems problems)
    {
        var standard = new AsVerifierConfig();
        ConfigSection nvidia = t.SectionOrEmpty("nvidia_verifier", problems);
        ConfigSection snp = t.SectionOrEmpty("snp_verifier", problems);
        ConfigSection? dcap = t.Section("dcap_verifier");
        ConfigSection? dpu = t.Section("nvidia_dpu_verifier");
        ConfigSection? tpm = t.Section("tpm_verifier");
        var sources = ImmutableArray.CreateBuilder<AsVcekSourceConfig>();
        foreach (ConfigSection source in snp.Sections("vcek_sources"))
        {
            string type = source.RequireText("type");
            if (type is not ("KDS" or "OfflineStore"))
            {
                source.Error("type", $"'{type}'", "KDS, OfflineStore");
            }

            sources.Add(new AsVcekSourceConfig(type, type == "KDS" ? source.Text("base_url") : source.TextOr("path", "/opt/confidential-containers/attestation-service/kds-store")));
            source.CheckUnknownKeys(isError: false);
        }

        var verifiers = new AsVerifierConfig
        {
            NvidiaRemote = nvidia.ChoiceOr("type", false, ("Local", false), ("local", false), ("Remote", true), ("remote", true)),
            NvidiaVerifierUrl = nvidia.TextOr("verifier_url", standard.NvidiaVerifierUrl),
            VcekSources = snp.Has("vcek_sources") ? sources.ToImmutable() : standard.VcekSources,
            DcapCollateralService = dcap?.RequireText("collateral_service") ?? standard.DcapCollateralService,
            DcapTcbUpdateType = dcap?.Choice("tcb_update_type", "early", "standard") ?? "early",
            DpuRootPath = dpu?.RequireText("root_ca_cert_path"),
            DpuMaxCertAgeSeconds = dpu?.NumberOr("max_cert_age_secs", 3600, 1, int.MaxValue) ?? 3600,
            TpmRootsPath = tpm?.Text("trusted_roots"),
            SimulatedRootsPath = t.Text("insecure_simulated_tee"),
            Sample = t.FlagOr("sample", true),
        };

        // Collateral is signed, so a caching service of one's own may be plain HTTP.
        if (dcap is not null && verifiers.DcapCollateralService.Length > 0 && !Schemes.Any(s => verifiers.DcapCollateralService.StartsWith(s, StringComparison.Ordinal)))
        {
            dcap.Error("collateral_service", "another scheme", string.Join(", ", Schemes));
        }

        // Known, and without effect in the reference too.
        _ = dcap?.Raw("use_secure_cert");
        foreach (string key in new[] { "trusted_ak_keys_dir", "max_trusted_ak_keys" })
        {
            _ = tpm?.Raw(key);
        }

        foreach (ConfigSection? one in new[] { nvidia, snp, dcap, dpu, tpm, t })
        {
            one?.CheckUnknownKeys(isError: false);
        }

        return verifiers;
    }
}

/// <summary>A source of AMD certificates.</summary>
/// <param name="Type"><c>KDS</c> or <c>OfflineStore</c>.</param>
/// <param name="Location">Address or directory; null for AMD's own service.</param>
public sealed record AsVcekSourceConfig(string Type, string? Location);

/// <summary>Object <c>decisions</c>, ours: what is kept about decisions.</summary>
public sealed record AsDecisionsConfig
{
    /// <summary>Keep records.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>For how many days.</summary>
    public int RetentionDays { get; init; } = 30;

    /// <summary>At most how many MiB.</summary>
    public int MaxMebibytes { get; init; } = 256;

    /// <summary>Keep evidence too.</summary>
    public bool RecordEvidence { get; init; }

    internal static AsDecisionsConfig Read(ConfigSection t)
    {
        var decisions = new AsDecisionsConfig
        {
            Enabled = t.FlagOr("enabled", true),
            RetentionDays = t.NumberOr("retention_days", 30, 1, 36_500),
            MaxMebibytes = t.NumberOr("max_mebibytes", 256, 1, 1 << 20),
            RecordEvidence = t.FlagOr("record_evidence", false),
        };
        t.CheckUnknownKeys(isError: false);
        return decisions;
    }
}
