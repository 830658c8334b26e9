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
