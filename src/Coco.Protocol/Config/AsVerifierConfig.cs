// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Protocol;

/// <summary>Object <c>verifier_config</c> (attestation-service.md 4): whom the verifiers trust, and where collateral comes from.</summary>
public sealed record AsVerifierConfig
{
    /// <summary>Ours: file of simulated roots; null trusts none. INSECURE.</summary>
    public string? InsecureSimulatedTee { get; init; }

    /// <summary>Ours: whether evidence of the sample TEE and the sample device is taken.</summary>
    public bool Sample { get; init; } = true;

    /// <summary>Ours: no vendor's service is asked; collateral comes from directories, files and the evidence.</summary>
    public bool Offline { get; init; }

    /// <summary>Ours: directories of collateral of every kind, as <c>coco collateral</c> writes them; asked before the vendors' services.</summary>
    public ImmutableArray<string> CollateralDirectories { get; init; } = [];

    /// <summary>Object <c>snp_verifier</c>.</summary>
    public AsSnpConfig Snp { get; init; } = new();

    /// <summary>Object <c>dcap_verifier</c>.</summary>
    public AsDcapConfig Dcap { get; init; } = new();

    /// <summary>Object <c>tpm_verifier</c>.</summary>
    public AsTpmConfig Tpm { get; init; } = new();

    /// <summary>Object <c>nvidia_verifier</c>.</summary>
    public AsNvidiaConfig Nvidia { get; init; } = new();

    /// <summary>Object <c>nvidia_dpu_verifier</c>; null: DPUs are not verified.</summary>
    public AsDpuConfig? Dpu { get; init; }

    internal static AsVerifierConfig Read(ConfigSection t, ConfigProblems problems)
    {
        var verifiers = new AsVerifierConfig
        {
            InsecureSimulatedTee = t.Text("insecure_simulated_tee"),
            Sample = t.FlagOr("sample", true),
            Offline = t.FlagOr("offline", false),
            CollateralDirectories = t.Texts("collateral_directories"),
            Snp = AsSnpConfig.Read(t.SectionOrEmpty("snp_verifier", problems)),
            Dcap = t.Section("dcap_verifier") is { } dcap ? AsDcapConfig.Read(dcap) : new AsDcapConfig(),
            Tpm = AsTpmConfig.Read(t.SectionOrEmpty("tpm_verifier", problems)),
            Nvidia = AsNvidiaConfig.Read(t.SectionOrEmpty("nvidia_verifier", problems)),
            Dpu = t.Section("nvidia_dpu_verifier") is { } dpu ? AsDpuConfig.Read(dpu) : null,
        };
        t.CheckUnknownKeys(isError: false);
        return verifiers;
    }
}

/// <summary>Object <c>snp_verifier</c>.</summary>
public sealed record AsSnpConfig
{
    /// <summary>Sources of AMD certificates in the order in which they are asked.</summary>
    public ImmutableArray<AsVcekSourceConfig> VcekSources { get; init; } = [new("KDS", null)];

    /// <summary>Ours: <c>required</c>, <c>when_available</c> or <c>off</c>: how far revocation lists are insisted on.</summary>
    public string Revocation { get; init; } = "when_available";

    /// <summary>Ours: <c>accept</c>, <c>when_report_says_so</c> or <c>refuse</c>: what an all-zero CHIP_ID means.</summary>
    public string MaskedChipId { get; init; } = "accept";

    /// <summary>Ours: accept reports of version 2.</summary>
    public bool AcceptVersion2 { get; init; }

    /// <summary>Ours: accept the evidence JSON of guests from before report version 3.</summary>
    public bool AcceptLegacyJson { get; init; }

    internal static AsSnpConfig Read(ConfigSection t)
    {
        var sources = ImmutableArray.CreateBuilder<AsVcekSourceConfig>();
        foreach (ConfigSection source in t.Sections("vcek_sources"))
        {
            string type = source.RequireText("type");
            if (type is not ("KDS" or "OfflineStore"))
            {
                source.Error("type", $"'{type}'", "KDS, OfflineStore");
            }

            string? location = type == "KDS" ? AsVerifierConfigReading.Address(source, "base_url") : source.TextOr("path", "/opt/confidential-containers/attestation-service/kds-store");
            sources.Add(new AsVcekSourceConfig(type, location));
            source.CheckUnknownKeys(isError: false);
        }

        var standard = new AsSnpConfig();
        var snp = new AsSnpConfig
        {
            VcekSources = t.Has("vcek_sources") ? sources.ToImmutable() : standard.VcekSources,
            Revocation = t.Choice("revocation", "required", "when_available", "off") ?? standard.Revocation,
            MaskedChipId = t.Choice("masked_chip_id", "accept", "when_report_says_so", "refuse") ?? standard.MaskedChipId,
            AcceptVersion2 = t.FlagOr("accept_version_2", false),
            AcceptLegacyJson = t.FlagOr("accept_legacy_json", false),
        };
        t.CheckUnknownKeys(isError: false);
        return snp;
    }
}

/// <summary>A source of AMD certificates.</summary>
/// <param name="Type"><c>KDS</c> or <c>OfflineStore</c>.</param>
/// <param name="Location">Address or directory; null for AMD's own service.</param>
public sealed record AsVcekSourceConfig(string Type, string? Location);

/// <summary>Object <c>dcap_verifier</c>: quotes of SGX and TDX.</summary>
public sealed record AsDcapConfig
{
    /// <summary>The names of the TCB statuses that can be accepted.</summary>
    public static readonly ImmutableArray<string> Statuses =
    [
        "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
        "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded",
    ];

    /// <summary>Intel's collateral: an address, or <c>file://</c> of an offline document.</summary>
    public string CollateralService { get; init; } = "https://api.trustedservices.intel.com/sgx/certification/v4/";

    /// <summary><c>early</c> or <c>standard</c>.</summary>
    public string TcbUpdateType { get; init; } = "early";

    /// <summary>Ours: TCB statuses with which evidence is accepted; the others are refused before any policy.</summary>
    public ImmutableArray<string> AcceptedTcbStatuses { get; init; } = Statuses;

    /// <summary>Ours: seconds for which collateral is accepted after its end; null: always, and a claim says so.</summary>
    public long? CollateralGraceSeconds { get; init; }

    /// <summary>Ours: use collateral that comes with the evidence where no other source has any.</summary>
    public bool AcceptEvidenceCollateral { get; init; }

    internal static AsDcapConfig Read(ConfigSection t)
    {
        var standard = new AsDcapConfig();
        string service = t.RequireText("collateral_service");
        if (service.Length > 0 && !service.StartsWith("file://", StringComparison.Ordinal) && !AsVerifierConfigReading.IsAddress(service))
        {
            t.Error("collateral_service", $"'{service}'", "an https:// address, or file:// and a path");
        }

        ImmutableArray<string> accepted = t.Texts("accepted_tcb_statuses");
        foreach (string status in accepted.Where(s => !Statuses.Contains(s, StringComparer.Ordinal)))
        {
            t.Error("accepted_tcb_statuses", $"'{status}'", string.Join(", ", Statuses));
        }

        if (t.Has("accepted_tcb_statuses") && accepted.IsEmpty)
        {
            t.Error("accepted_tcb_statuses", "none", string.Join(", ", Statuses));
        }

        var dcap = new AsDcapConfig
        {
            CollateralService = service,
            TcbUpdateType = t.Choice("tcb_update_type", "early", "standard") ?? standard.TcbUpdateType,
            AcceptedTcbStatuses = accepted.IsEmpty ? Statuses : accepted,
            CollateralGraceSeconds = t.Number("collateral_grace_secs", 0, int.MaxValue),
            AcceptEvidenceCollateral = t.FlagOr("accept_evidence_collateral", false),
        };

        // Known, and without effect in the reference too.
        _ = t.Raw("use_secure_cert");
        t.CheckUnknownKeys(isError: false);
        return dcap;
    }
}

/// <summary>Object <c>tpm_verifier</c>; all of it is ours.</summary>
public sealed record AsTpmConfig
{
    /// <summary>PEM file or folder: roots of TPM vendors (endorsement keys) and of clouds (attestation keys); null trusts none.</summary>
    public string? TrustedRoots { get; init; }

    /// <summary>Whether an attestation key without endorsement is refused.</summary>
    public bool RequireEndorsement { get; init; }

    /// <summary>For how long a credential challenge may be answered.</summary>
    public int ChallengeLifetimeSeconds { get; init; } = 600;

    internal static AsTpmConfig Read(ConfigSection t)
    {
        var tpm = new AsTpmConfig
        {
            TrustedRoots = t.Text("trusted_roots"),
            RequireEndorsement = t.FlagOr("require_endorsement", false),
            ChallengeLifetimeSeconds = t.NumberOr("challenge_lifetime_secs", 600, 1, 86_400),
        };
        if (tpm is { RequireEndorsement: true, TrustedRoots: null })
        {
            t.Error("require_endorsement", "true without trusted_roots, which refuses every TPM", "true together with trusted_roots");
        }

        // Documented by the reference and without effect there.
        _ = t.Raw("trusted_ak_keys_dir");
        _ = t.Raw("max_trusted_ak_keys");
        t.CheckUnknownKeys(isError: false);
        return tpm;
    }
}

/// <summary>Object <c>nvidia_verifier</c>: GPUs and switches.</summary>
public sealed record AsNvidiaConfig
{
    /// <summary>Whether NVIDIA's service verifies, instead of this process.</summary>
    public bool Remote { get; init; }

    /// <summary>Its address.</summary>
    public string VerifierUrl { get; init; } = "https://nras.attestation.nvidia.com/v4/attest";

    /// <summary>Ours: PEM file or folder of roots of device certificates that are trusted besides NVIDIA's; null for none.</summary>
    public string? TrustedRoots { get; init; }

    /// <summary>Ours: file or folder of signed reference manifests of drivers; null for none.</summary>
    public string? DriverManifests { get; init; }

    /// <summary>Ours: file or folder of signed reference manifests of VBIOS versions; null for none.</summary>
    public string? VbiosManifests { get; init; }

    /// <summary>Ours: PEM file or folder of roots of manifest signers; null for none.</summary>
    public string? ManifestRoots { get; init; }

    /// <summary>Ours: whether a device for whose versions there is no manifest is refused.</summary>
    public bool RequireManifests { get; init; }

    internal static AsNvidiaConfig Read(ConfigSection t)
    {
        var standard = new AsNvidiaConfig();
        var nvidia = new AsNvidiaConfig
        {
            Remote = t.ChoiceOr("type", false, ("Local", false), ("local", false), ("Remote", true), ("remote", true)),
            VerifierUrl = AsVerifierConfigReading.Address(t, "verifier_url") ?? standard.VerifierUrl,
            TrustedRoots = t.Text("trusted_roots"),
            DriverManifests = t.Text("driver_manifests"),
            VbiosManifests = t.Text("vbios_manifests"),
            ManifestRoots = t.Text("manifest_roots"),
            RequireManifests = t.FlagOr("require_manifests", false),
        };
        bool manifests = nvidia.DriverManifests is not null || nvidia.VbiosManifests is not null;
        if (manifests && nvidia.ManifestRoots is null)
        {
            t.Error("manifest_roots", "missing", "a PEM file or folder: whose signatures over manifests count");
        }

        if (nvidia.RequireManifests && (nvidia.DriverManifests is null || nvidia.VbiosManifests is null))
        {
            t.Error("require_manifests", "true without driver_manifests and vbios_manifests, which refuses every device", "true together with both");
        }

        if (nvidia.Remote && (manifests || nvidia.RequireManifests || nvidia.TrustedRoots is not null))
        {
            t.Error("type", "Remote together with settings of local verification", "Local");
        }

        t.CheckUnknownKeys(isError: false);
        return nvidia;
    }
}

/// <summary>Object <c>nvidia_dpu_verifier</c>: BlueField DPUs.</summary>
public sealed record AsDpuConfig
{
    /// <summary>PEM file or folder of root certificates.</summary>
    public required string RootPath { get; init; }

    /// <summary>Greatest age of a DPU's alias certificate in seconds.</summary>
    public int MaxCertAgeSeconds { get; init; } = 3600;

    internal static AsDpuConfig Read(ConfigSection t)
    {
        var dpu = new AsDpuConfig
        {
            RootPath = t.RequireText("root_ca_cert_path"),
            MaxCertAgeSeconds = t.NumberOr("max_cert_age_secs", 3600, 1, int.MaxValue),
        };
        t.CheckUnknownKeys(isError: false);
        return dpu;
    }
}

/// <summary>Readings that the objects above share.</summary>
file static class AsVerifierConfigReading
{
    public static bool IsAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "https" or "http";

    public static string? Address(ConfigSection section, string key)
    {
        string? text = section.Text(key);
        if (text is not null && !IsAddress(text))
        {
            section.Error(key, $"'{text}'", "an https:// address");
        }

        return text;
    }
}
