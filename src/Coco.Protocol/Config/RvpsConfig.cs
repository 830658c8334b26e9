// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Protocol;

/// <summary>The configuration document of the reference value provider (rvps.md 8).</summary>
public sealed record RvpsConfig
{
    /// <summary>Object <c>storage</c>; null for memory.</summary>
    public KbsStorageConfig? Storage { get; init; }

    /// <summary>Inside another service: the type of store, when it is not that service's own.</summary>
    public string? StorageType { get; init; }

    /// <summary>Ours: answer expired values as unknown.</summary>
    public bool EnforceExpiry { get; init; } = true;

    /// <summary>Ours: unite hash lists when a name is registered again.</summary>
    public bool MergeOnRegister { get; init; }

    /// <summary>Ours: who may publish which names.</summary>
    public ImmutableArray<RvpsPublicationConfig> PublicationRules { get; init; } = [];

    /// <summary>Ours: PEM files with keys or certificates that sign provenance.</summary>
    public ImmutableArray<string> TrustedSignerPaths { get; init; } = [];

    /// <summary>Ours, in <c>extractors.in_toto_extractor</c>: products become reference values.</summary>
    public bool InTotoProducts { get; init; } = true;

    /// <summary>Ours: put in front of their names.</summary>
    public string InTotoNamePrefix { get; init; } = string.Empty;

    /// <summary>Ours: run inspections.</summary>
    public bool InTotoInspections { get; init; }

    /// <summary>Ours: seconds for one inspection.</summary>
    public int InTotoInspectionSeconds { get; init; } = 10;

    /// <summary>Ours, in <c>extractors.reproducible_build_extractor</c>: the builder's program.</summary>
    public string? ReproducibleBuilder { get; init; }

    /// <summary>Ours, in <c>materials</c>: fetch over the network.</summary>
    public bool AllowNetwork { get; init; }

    /// <summary>Ours, in <c>materials</c>: directory for <c>file</c> sources.</summary>
    public string? MaterialDirectory { get; init; }

    /// <summary>Reads a document, of whatever release.</summary>
    /// <param name="document">The document, with what was laid over it.</param>
    /// <param name="problems">Gathers all mistakes.</param>
    public static RvpsConfig Read(ConfigDocument document, ConfigProblems problems)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(problems);
        ConfigSection root = document.AsSection(problems);
        return ReadSections(root, root.Section("storage"), problems);
    }

    internal static RvpsConfig ReadSections(ConfigSection t, ConfigSection? storage, ConfigProblems problems)
    {
        ConfigSection extractors = t.SectionOrEmpty("extractors", problems);
        ConfigSection inToto = extractors.SectionOrEmpty("in_toto_extractor", problems);
        ConfigSection rebuild = extractors.SectionOrEmpty("reproducible_build_extractor", problems);
        ConfigSection materials = t.SectionOrEmpty("materials", problems);
        var rules = ImmutableArray.CreateBuilder<RvpsPublicationConfig>();
        foreach (ConfigSection rule in t.Sections("publication_rules"))
        {
            rules.Add(new RvpsPublicationConfig(rule.RequireText("prefix"), rule.Texts("signers"), rule.Texts("signer_paths"), rule.FlagOr("unsigned", false)));

            // Who may publish is a matter of security: a misspelled key must not pass.
            rule.CheckUnknownKeys(isError: true);
        }

        var config = new RvpsConfig
        {
            Storage = storage is null ? null : ReadStorage(storage, problems),
            StorageType = storage is null ? KbsConfigReader.StorageType(t, "storage_type") : null,
            EnforceExpiry = t.FlagOr("enforce_expiry", true),
            MergeOnRegister = t.FlagOr("merge_on_register", false),
            PublicationRules = rules.ToImmutable(),
            TrustedSignerPaths = t.Texts("trusted_signers"),
            InTotoProducts = inToto.FlagOr("products", true),
            InTotoNamePrefix = inToto.TextOr("name_prefix", string.Empty),
            InTotoInspections = inToto.FlagOr("insecure_run_inspections", false),
            InTotoInspectionSeconds = inToto.NumberOr("inspection_seconds", 10, 1, 86_400),
            ReproducibleBuilder = rebuild.Text("insecure_builder"),
            AllowNetwork = materials.FlagOr("allow_network", false),
            MaterialDirectory = materials.Text("directory"),
        };
        _ = extractors.Raw("swid_extractor");
        foreach (ConfigSection one in new[] { inToto, rebuild, extractors, materials, t })
        {
            one.CheckUnknownKeys(isError: false);
        }

        return config;
    }

    // The first form: {"type": "LocalFs"|"LocalJson"|"InMemory", "file_path": …}.
    private static KbsStorageConfig ReadStorage(ConfigSection storage, ConfigProblems problems)
    {
        if (!storage.Has("type"))
        {
            return new KbsConfigReader(problems).ReadStorage(storage);
        }

        string type = storage.ChoiceOr("type", "memory", ("LocalFs", "local_fs"), ("LocalJson", "local_json"), ("InMemory", "memory"));
        string? path = storage.Text("file_path");
        storage.CheckUnknownKeys(isError: false);
        var config = new KbsStorageConfig { Type = type };
        return path is null ? config : config with { LocalFsPath = path, LocalJsonPath = path };
    }
}

/// <summary>A publication rule.</summary>
/// <param name="Prefix">Beginning of the names.</param>
/// <param name="Signers">Identities: <c>spki:…</c>, <c>pgp:…</c>, <c>caller:…</c>.</param>
/// <param name="SignerPaths">PEM files whose keys are identities.</param>
/// <param name="Unsigned">Everybody may.</param>
public sealed record RvpsPublicationConfig(string Prefix, ImmutableArray<string> Signers, ImmutableArray<string> SignerPaths, bool Unsigned);
