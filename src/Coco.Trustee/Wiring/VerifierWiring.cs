// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Coco.Attestation;
using Coco.Protocol;
using Coco.Storage;
using Coco.Tee.Intel;
using Coco.Tee.SecureExecution;
using Coco.Verifiers;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Cca;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Csv;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Nvidia;
using Coco.Verifiers.Sample;
using Coco.Verifiers.SecureExecution;
using Coco.Verifiers.Snp;
using Coco.Verifiers.Tpm;

namespace Coco.Trustee;

/// <summary>Makes the verifiers of every TEE from <c>verifier_config</c>, and the collateral service that they share.</summary>
internal static class VerifierWiring
{
    private const string IbmFolder = "/run/confidential-containers/ibmse";
    private const string CcaFile = "/opt/confidential-containers/attestation-service/cca/config.json";

    /// <summary>
    /// Registers them, and how to make others for another time or other collateral. A TEE whose verifier needs files that are not there is left out:
    /// its evidence is refused as unsupported.
    /// </summary>
    /// <exception cref="ArgumentException">A file that is named is not there, or has not the form it should have.</exception>
    public static void Add(IServiceCollection services, AsVerifierConfig config, TimeProvider time, bool recordCollateral)
    {
        services.AddSingleton(provider => new CollateralService(new CollateralOptions
        {
            Sources = CollateralWiring.Sources(config),
            Cache = new StoredCollateralCache(provider.GetRequiredService<IStoreProvider>()),
            Clock = time,
        }));
        services.AddSingleton<ICollateralProvider>(provider => recordCollateral
            ? new RecordingCollateralProvider(provider.GetRequiredService<CollateralService>(), provider.GetRequiredService<CollateralHistory>())
            : provider.GetRequiredService<CollateralService>());
        services.AddSingleton<StoredChallengeKey>();
        Func<TimeProvider, ICollateralProvider, StoredChallengeKey, ImmutableArray<IVerifier>> create = Prepare(config, time.GetUtcNow());
        services.AddSingleton<VerifierSetFactory>(provider => (clock, collateral) =>
            create(clock, collateral ?? provider.GetRequiredService<ICollateralProvider>(), provider.GetRequiredService<StoredChallengeKey>()));
        services.AddSingleton<IEnumerable<IVerifier>>(provider => provider.GetRequiredService<VerifierSetFactory>()(time, null));
    }

    // Files are read once, so that what is wrong with them is said at the start.
    private static Func<TimeProvider, ICollateralProvider, StoredChallengeKey, ImmutableArray<IVerifier>> Prepare(AsVerifierConfig config, DateTimeOffset now)
    {
        SimulatedRoots simulated = config.InsecureSimulatedTee is { } path ? SimulatedRoots.Read(path) : new SimulatedRoots();
        SnpVerifierOptions snp = Snp(config.Snp, simulated);
        DcapOptions dcap = Dcap(config.Dcap, simulated);
        var tpm = new TpmVerifierOptions
        {
            Roots = [.. TrustedFiles.ReadRoots(config.Tpm.TrustedRoots), .. simulated.Tpm],
            RequireEndorsement = config.Tpm.RequireEndorsement,
            ChallengeLifetime = TimeSpan.FromSeconds(config.Tpm.ChallengeLifetimeSeconds),
        };
        var hygon = new CsvVerifierOptions { Roots = [HygonRoot.BuiltIn, .. simulated.Hygon] };
        Func<TimeProvider, ICollateralProvider, IVerifier> nvidia = Nvidia(config.Nvidia, simulated, now);
        Func<TimeProvider, IVerifier> cca = Cca();
        DpuVerifierOptions? dpu = config.Dpu is { } named
            ? new DpuVerifierOptions { Roots = TrustedFiles.ReadRoots(named.RootPath), LongestAliasAge = TimeSpan.FromSeconds(named.MaxCertAgeSeconds) }
            : null;
        string key = Variable("SE_MEASUREMENT_ENCR_KEY_PRIVATE", IbmFolder + "/rsa/encrypt_key.pem");
        return (clock, collateral, challengeKey) =>
        {
            var amd = new SnpVerifier(snp with { Clock = clock, Collateral = collateral });
            var intel = new DcapVerifier(dcap with { Clock = clock }, collateral);
            ImmutableArray<IVerifier>.Builder verifiers = ImmutableArray.CreateBuilder<IVerifier>();
            verifiers.AddRange(
                amd,
                new TdxVerifier(intel),
                new SgxVerifier(intel),
                new AzSnpVtpmVerifier(amd),
                new AzTdxVtpmVerifier(intel),
                new TpmVerifier(tpm with { Clock = clock, ChallengeKey = challengeKey.GetAsync }),
                new CsvVerifier(hygon with { Collateral = collateral }),
                new DcuVerifier(hygon with { Collateral = collateral }),
                nvidia(clock, collateral),
                cca(clock));
            if (dpu is not null)
            {
                verifiers.Add(new DpuVerifier(dpu with { Clock = clock }));
            }

            if (config.Sample)
            {
                verifiers.AddRange(new SampleVerifier(), new SampleDeviceVerifier());
            }

            if (File.Exists(key))
            {
                verifiers.Add(SecureExecution(key, clock, collateral));
            }

            return verifiers.ToImmutable();
        };
    }

    private static SnpVerifierOptions Snp(AsSnpConfig config, SimulatedRoots simulated) => new()
    {
        SimulatedRoots = simulated.Snp,
        Revocation = config.Revocation switch
        {
            "required" => RevocationRule.Required,
            "off" => RevocationRule.Off,
            _ => RevocationRule.WhenAvailable,
        },
        MaskedChipId = config.MaskedChipId switch
        {
            "when_report_says_so" => MaskedChipIdRule.WhenReportSaysSo,
            "refuse" => MaskedChipIdRule.Refuse,
            _ => MaskedChipIdRule.Accept,
        },
        AcceptVersion2 = config.AcceptVersion2,
        AcceptLegacyJson = config.AcceptLegacyJson,
    };

    private static DcapOptions Dcap(AsDcapConfig config, SimulatedRoots simulated) => new()
    {
        Roots = [.. IntelRootKey.ProductionOnly, .. simulated.Intel],
        UpdateSeries = config.TcbUpdateType == "standard" ? TcbUpdateSeries.Standard : TcbUpdateSeries.Early,
        AcceptedStatuses = [.. Enum.GetValues<TcbStatus>().Where(s => config.AcceptedTcbStatuses.Contains(s.ToWireName(), StringComparer.Ordinal))],
        ExpiryGrace = config.CollateralGraceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        AcceptEvidenceCollateral = config.AcceptEvidenceCollateral,
    };

    private static Func<TimeProvider, ICollateralProvider, IVerifier> Nvidia(AsNvidiaConfig nvidia, SimulatedRoots simulated, DateTimeOffset now)
    {
        if (nvidia.Remote)
        {
            return (clock, collateral) => new NvidiaRemoteVerifier(new NvidiaRemoteVerifierOptions
            {
                Http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan },
                Service = new Uri(nvidia.VerifierUrl),
                Collateral = collateral,
                Clock = clock,
            });
        }

        ImmutableArray<TrustedKey> signers = TrustedFiles.ReadRoots(nvidia.ManifestRoots);
        var local = new NvidiaVerifierOptions
        {
            Roots = [NvidiaRoots.DeviceIdentity, .. TrustedFiles.ReadRoots(nvidia.TrustedRoots), .. simulated.Nvidia],
            ReferenceManifests =
            [
                .. TrustedFiles.ReadManifests(nvidia.DriverManifests, NvidiaManifestKind.Driver, signers, now),
                .. TrustedFiles.ReadManifests(nvidia.VbiosManifests, NvidiaManifestKind.Vbios, signers, now),
            ],
            RequireReferenceManifests = nvidia.RequireManifests,
        };
        return (clock, _) => new NvidiaVerifier(local with { Clock = clock });
    }

    /// <summary>Local verification with the stores that the configuration names, or a remote service; without a configuration no token is trusted.</summary>
    private static Func<TimeProvider, IVerifier> Cca()
    {
        string path = Variable("CCA_CONFIG_FILE", CcaFile);
        if (!File.Exists(path))
        {
            return _ => new CcaVerifier(new CcaVerifierOptions());
        }

        Refusal? refusal = null;
        if (!HostileJson.ParseObject(File.ReadAllBytes(path)).TryGet(out JsonElement document, out refusal)
            || !document.TryGetProperty("cca-verifier", out JsonElement cca)
            || !CcaConfiguration.Parse(cca).TryGet(out CcaConfiguration? configuration, out refusal))
        {
            throw new ArgumentException($"{path}: {refusal?.Detail ?? "there is no cca-verifier"}");
        }

        if (configuration.Address is { } address)
        {
            var remote = new CcaRemoteVerifierOptions { Http = ClientTrusting(configuration.CaCertificate), Address = address };
            return clock => new CcaRemoteVerifier(remote with { Clock = clock });
        }

        var local = new CcaVerifierOptions
        {
            TrustAnchors = CcaTrustAnchorStore.Parse(File.ReadAllBytes(configuration.TrustAnchorStore!)).TryGet(out CcaTrustAnchorStore? store, out refusal)
                ? store
                : throw new ArgumentException($"{configuration.TrustAnchorStore}: {refusal.Detail}"),
            ReferenceValues = CcaReferenceValueStore.Parse(File.ReadAllBytes(configuration.ReferenceValueStore!)).TryGet(out CcaReferenceValueStore? references, out refusal)
                ? references
                : throw new ArgumentException($"{configuration.ReferenceValueStore}: {refusal.Detail}"),
        };
        return _ => new CcaVerifier(local);
    }

    /// <summary>A client that trusts the system's authorities, or only those of a file.</summary>
    private static HttpClient ClientTrusting(string? authorities)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        if (authorities is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        return new HttpClient(handler);
    }

    private static SeVerifier SecureExecution(string keyPath, TimeProvider time, ICollateralProvider collateral)
    {
        RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(keyPath));
        string rootPath = Variable("SE_CERTIFICATE_ROOT_CA", IbmFolder + "/root_ca.crt");
        bool offline = Variable("CERTS_OFFLINE_VERIFICATION", "false") == "true";
        var check = SeHostKeyCheck.Create(new SeHostKeyOptions
        {
            Clock = time,
            Roots = File.Exists(rootPath) ? TrustedFiles.ReadRoots(rootPath) : [],
            Certificates = TrustedFiles.ReadFolder(Variable("SE_CERTIFICATES_ROOT", IbmFolder + "/certs")),
            RevocationLists = TrustedFiles.ReadFolder(Variable("SE_CERTIFICATE_REVOCATION_LISTS_ROOT", IbmFolder + "/crls")),
            Collateral = offline ? null : collateral,
            InsecureSkipVerification = Variable("SE_SKIP_CERTS_VERIFICATION", "false") == "true",
        });
        string headerPath = Variable("SE_IMAGE_HEADER_FILE", IbmFolder + "/hdr/hdr.bin");
        return new SeVerifier(new SeVerifierOptions
        {
            EncryptionKey = key,
            ImageHeader = File.Exists(headerPath)
                ? SeImageHeader.Parse(File.ReadAllBytes(headerPath)).TryGet(out SeImageHeader? header, out Refusal? refusal)
                    ? header
                    : throw new ArgumentException($"{headerPath}: {refusal.Detail}")
                : null,
            HostKeyDocuments = TrustedFiles.ReadFolder(Variable("DEFAULT_SE_HOST_KEY_DOCUMENTS_ROOT", IbmFolder + "/hkds")),
            HostKeyCheck = check.TryGet(out SeHostKeyCheck? hostKeys, out Refusal? bad) ? hostKeys : throw new ArgumentException("Secure Execution: " + bad.Detail),
        });
    }

    private static string Variable(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
