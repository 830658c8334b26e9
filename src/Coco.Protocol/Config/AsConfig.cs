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

    /// <summary>Object <c>storage_backend</c>; null when absent, which the reference takes for memory.</summary>
    public KbsStorageConfig? Storage { get; init; }

    /// <summary>Object <c>decisions</c>, ours.</summary>
    public AsDecisionsConfig Decisions { get; init; } = new();

    /// <summary>Reads a document, of whatever release.</summary>
    /// <param name="document">The document, with what was laid over it.</param>
    /// <param name="problems">Gathers all mistakes; what is read counts only when it has no errors afterwards.</param>
    public static AsConfig Read(ConfigDocument document, ConfigProblems problems)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(problems);
        var root = new ConfigSection(Modernise((JsonObject)document.Root.DeepClone()), string.Empty, problems);
        ConfigSection rvps = root.SectionOrEmpty("rvps_config", problems);
        bool remote = rvps.ChoiceOr("type", false, ("BuiltIn", false), ("GrpcRemote", true));
        string address = rvps.TextOr("address", "127.0.0.1:50003");
        var storage = root.Section("storage_backend");
        var config = new AsConfig
        {
            Token = AsTokenConfig.Read(root.SectionOrEmpty("attestation_token_broker", problems), problems),
            RvpsAddress = remote ? (address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address) : null,
            ReferenceValues = RvpsConfig.ReadSections(rvps, null, problems),
            Verifiers = AsVerifierConfig.Read(root.SectionOrEmpty("verifier_config", problems), problems),
            Storage = storage is null ? null : new KbsConfigReader(problems).ReadStorage(storage),
            Decisions = AsDecisionsConfig.Read(root.SectionOrEmpty("decisions", problems)),
        };

        // Historical keys that mean nothing any more.
        _ = root.Raw("work_dir");
        _ = root.Raw("policy_engine");
        root.CheckUnknownKeys(isError: false);
        return config;
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

    internal static AsVerifierConfig Read(ConfigSection t, ConfigProblems problems)
    {
        var standard = new AsVerifierConfig();
        ConfigSection nvidia = t.SectionOrEmpty("nvidia_verifier", problems);
        ConfigSection snp = t.SectionOrEmpty("snp_verifier", problems);
        ConfigSection? dcap = t.Section("dcap_verifier");
        ConfigSection? dpu = t.Section("nvidia_dpu_verifier");
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
        };
        if (dcap is not null && !verifiers.DcapCollateralService.StartsWith("https://", StringComparison.Ordinal)
            && !verifiers.DcapCollateralService.StartsWith("file://", StringComparison.Ordinal))
        {
            dcap.Error("collateral_service", "another scheme", "https:// or file://");
        }

        // Known, and without effect in the reference too.
        _ = dcap?.Raw("use_secure_cert");
        _ = t.Raw("tpm_verifier");
        foreach (ConfigSection? one in new[] { nvidia, snp, dcap, dpu, t })
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
