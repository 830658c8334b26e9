// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
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

    /// <summary>Registers them. A TEE whose verifier needs files that are not there is left out: its evidence is refused as unsupported.</summary>
    /// <exception cref="ArgumentException">A file that is named is not there, or has not the form it should have.</exception>
    public static void Add(IServiceCollection services, AsVerifierConfig config, TimeProvider time)
    {
        SimulatedRoots simulated = config.InsecureSimulatedTee is { } path ? SimulatedRoots.Read(path) : new SimulatedRoots();
        services.AddSingleton(provider => new CollateralService(new CollateralOptions
        {
            Sources = CollateralWiring.Sources(config),
            Cache = new StoredCollateralCache(provider.GetRequiredService<IStoreProvider>()),
            Clock = time,
        }));
        services.AddSingleton<ICollateralProvider>(provider => provider.GetRequiredService<CollateralService>());
        SnpVerifierOptions snp = Snp(config.Snp, simulated, time);
        services.AddSingleton(provider => new SnpVerifier(snp with { Collateral = provider.GetRequiredService<ICollateralProvider>() }));
        services.AddSingleton(provider => new DcapVerifier(Dcap(config.Dcap, simulated, time), provider.GetRequiredService<ICollateralProvider>()));
        services.AddSingleton<IVerifier>(p => p.GetRequiredService<SnpVerifier>());
        services.AddSingleton<IVerifier>(p => new TdxVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<IVerifier>(p => new SgxVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<IVerifier>(p => new AzSnpVtpmVerifier(p.GetRequiredService<SnpVerifier>()));
        services.AddSingleton<IVerifier>(p => new AzTdxVtpmVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<StoredChallengeKey>();
        var tpm = new TpmVerifierOptions
        {
            Clock = time,
            Roots = [.. TrustedFiles.ReadRoots(config.Tpm.TrustedRoots), .. simulated.Tpm],
            RequireEndorsement = config.Tpm.RequireEndorsement,
            ChallengeLifetime = TimeSpan.FromSeconds(config.Tpm.ChallengeLifetimeSeconds),
        };
        services.AddSingleton<IVerifier>(p => new TpmVerifier(tpm with { ChallengeKey = p.GetRequiredService<StoredChallengeKey>().GetAsync }));
        var hygon = new CsvVerifierOptions { Roots = [HygonRoot.BuiltIn, .. simulated.Hygon] };
        services.AddSingleton<IVerifier>(p => new CsvVerifier(hygon with { Collateral = p.GetRequiredService<ICollateralProvider>() }));
        services.AddSingleton<IVerifier>(p => new DcuVerifier(hygon with { Collateral = p.GetRequiredService<ICollateralProvider>() }));
        AddNvidia(services, config, simulated, time);
        services.AddSingleton(Cca(time));
        if (config.Sample)
        {
            services.AddSingleton<IVerifier, SampleVerifier>();
            services.AddSingleton<IVerifier, SampleDeviceVerifier>();
        }

        string key = Variable("SE_MEASUREMENT_ENCR_KEY_PRIVATE", IbmFolder + "/rsa/encrypt_key.pem");
        if (File.Exists(key))
        {
            services.AddSingleton<IVerifier>(p => SecureExecution(key, time, p.GetRequiredService<ICollateralProvider>()));
        }
    }

    private static SnpVerifierOptions Snp(AsSnpConfig config, SimulatedRoots simulated, TimeProvider time) => new()
    {
        Clock = time,
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

    private static DcapOptions Dcap(AsDcapConfig config, SimulatedRoots simulated, TimeProvider time) => new()
    {
        Clock = time,
        Roots = [.. IntelRootKey.ProductionOnly, .. simulated.Intel],
        UpdateSeries = config.TcbUpdateType == "standard" ? TcbUpdateSeries.Standard : TcbUpdateSeries.Early,
        AcceptedStatuses = [.. Enum.GetValues<TcbStatus>().Where(s => config.AcceptedTcbStatuses.Contains(s.ToWireName(), StringComparer.Ordinal))],
        ExpiryGrace = config.CollateralGraceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        AcceptEvidenceCollateral = config.AcceptEvidenceCollateral,
    };

    private static void AddNvidia(IServiceCollection services, AsVerifierConfig config, SimulatedRoots simulated, TimeProvider time)
    {
        AsNvidiaConfig nvidia = config.Nvidia;
        if (nvidia.Remote)
        {
            services.AddSingleton<IVerifier>(p => new NvidiaRemoteVerifier(new NvidiaRemoteVerifierOptions
            {
                Http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan },
                Service = new Uri(nvidia.VerifierUrl),
                Collateral = p.GetRequiredService<ICollateralProvider>(),
                Clock = time,
            }));
        }
        else
        {
            ImmutableArray<TrustedKey> signers = TrustedFiles.ReadRoots(nvidia.ManifestRoots);
            DateTimeOffset now = time.GetUtcNow();
            var local = new NvidiaVerifier(new NvidiaVerifierOptions
            {
                Clock = time,
                Roots = [NvidiaRoots.DeviceIdentity, .. TrustedFiles.ReadRoots(nvidia.TrustedRoots), .. simulated.Nvidia],
                ReferenceManifests =
                [
                    .. TrustedFiles.ReadManifests(nvidia.DriverManifests, NvidiaManifestKind.Driver, signers, now),
                    .. TrustedFiles.ReadManifests(nvidia.VbiosManifests, NvidiaManifestKind.Vbios, signers, now),
                ],
                RequireReferenceManifests = nvidia.RequireManifests,
            });
            services.AddSingleton<IVerifier>(local);
        }

        if (config.Dpu is { } dpu)
        {
            var options = new DpuVerifierOptions { Clock = time, Roots = TrustedFiles.ReadRoots(dpu.RootPath), LongestAliasAge = TimeSpan.FromSeconds(dpu.MaxCertAgeSeconds) };
            services.AddSingleton<IVerifier>(new DpuVerifier(options));
        }
    }

    /// <summary>Local verification with the stores that the configuration names, or a remote service; without a configuration no token is trusted.</summary>
    private static IVerifier Cca(TimeProvider time)
    {
        string path = Variable("CCA_CONFIG_FILE", CcaFile);
        if (!File.Exists(path))
        {
            return new CcaVerifier(new CcaVerifierOptions());
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
            return new CcaRemoteVerifier(new CcaRemoteVerifierOptions
            {
                Http = ClientTrusting(configuration.CaCertificate),
                Address = address,
                Clock = time,
            });
        }

        return new CcaVerifier(new CcaVerifierOptions
        {
            TrustAnchors = CcaTrustAnchorStore.Parse(File.ReadAllBytes(configuration.TrustAnchorStore!)).TryGet(out CcaTrustAnchorStore? store, out refusal)
                ? store
                : throw new ArgumentException($"{configuration.TrustAnchorStore}: {refusal.Detail}"),
            ReferenceValues = CcaReferenceValueStore.Parse(File.ReadAllBytes(configuration.ReferenceValueStore!)).TryGet(out CcaReferenceValueStore? references, out refusal)
                ? references
                : throw new ArgumentException($"{configuration.ReferenceValueStore}: {refusal.Detail}"),
        });
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
