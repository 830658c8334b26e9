// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Coco.Storage;
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

/// <summary>Makes the verifiers of every TEE, and the collateral service that they share.</summary>
internal static class VerifierWiring
{
    private const string IbmFolder = "/run/confidential-containers/ibmse";
    private const string CcaFile = "/opt/confidential-containers/attestation-service/cca/config.json";

    // The distribution points of IBM's signing keys and of the authority above them.
    private static readonly string[] IbmListHosts = ["www.ibm.com", "crl3.digicert.com", "crl4.digicert.com"];

    /// <summary>Registers them. A TEE whose verifier needs files that are not there is left out: its evidence is refused as unsupported.</summary>
    /// <exception cref="ArgumentException">A file that is there has not the form it should have.</exception>
    public static void Add(IServiceCollection services, VerifierSettings settings)
    {
        services.AddSingleton(provider => new CollateralService(new CollateralOptions
        {
            Sources = Sources(settings),
            Cache = new StoredCollateralCache(provider.GetRequiredService<IStoreProvider>()),
            Clock = provider.GetRequiredService<TimeProvider>(),
        }));
        services.AddSingleton<ICollateralProvider>(provider => provider.GetRequiredService<CollateralService>());
        services.AddSingleton(provider => new SnpVerifier(new SnpVerifierOptions
        {
            Clock = provider.GetRequiredService<TimeProvider>(),
            SimulatedRoots = settings.SimulatedRootsPath is { } path ? SimulatedRoots.ReadSnp(path) : [],
            Collateral = provider.GetRequiredService<ICollateralProvider>(),
        }));
        services.AddSingleton(provider => new DcapVerifier(
            new DcapOptions
            {
                Clock = provider.GetRequiredService<TimeProvider>(),
                UpdateSeries = settings.StandardTcbUpdates ? TcbUpdateSeries.Standard : TcbUpdateSeries.Early,
                Roots = settings.SimulatedRootsPath is { } path ? [.. IntelRootKey.ProductionOnly, .. SimulatedRoots.ReadIntel(path)] : IntelRootKey.ProductionOnly,
            },
            provider.GetRequiredService<ICollateralProvider>()));
        services.AddSingleton<IVerifier>(p => p.GetRequiredService<SnpVerifier>());
        services.AddSingleton<IVerifier>(p => new TdxVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<IVerifier>(p => new SgxVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<IVerifier>(p => new AzSnpVtpmVerifier(p.GetRequiredService<SnpVerifier>()));
        services.AddSingleton<IVerifier>(p => new AzTdxVtpmVerifier(p.GetRequiredService<DcapVerifier>()));
        services.AddSingleton<IVerifier>(p => new TpmVerifier(new TpmVerifierOptions
        {
            Clock = p.GetRequiredService<TimeProvider>(),
            Roots = ReadRoots(settings.TpmRootsPath),
        }));
        services.AddSingleton<IVerifier>(p => new CsvVerifier(new CsvVerifierOptions { Collateral = p.GetRequiredService<ICollateralProvider>() }));
        services.AddSingleton<IVerifier>(p => new DcuVerifier(new CsvVerifierOptions { Collateral = p.GetRequiredService<ICollateralProvider>() }));
        if (settings.NvidiaService is { } nvidia)
        {
            services.AddSingleton<IVerifier>(p => new NvidiaRemoteVerifier(new NvidiaRemoteVerifierOptions
            {
                Http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan },
                Service = nvidia,
                Collateral = p.GetRequiredService<ICollateralProvider>(),
                Clock = p.GetRequiredService<TimeProvider>(),
            }));
        }
        else
        {
            services.AddSingleton<IVerifier>(p => new NvidiaVerifier(new NvidiaVerifierOptions { Clock = p.GetRequiredService<TimeProvider>() }));
        }

        services.AddSingleton(Cca);
        if (settings.DpuRootPath is { } dpu)
        {
            services.AddSingleton<IVerifier>(p => new DpuVerifier(new DpuVerifierOptions
            {
                Clock = p.GetRequiredService<TimeProvider>(),
                Roots = ReadRoots(dpu),
                LongestAliasAge = settings.DpuLongestAge,
            }));
        }

        if (settings.Sample)
        {
            services.AddSingleton<IVerifier, SampleVerifier>();
            services.AddSingleton<IVerifier, SampleDeviceVerifier>();
        }

        string key = Variable("SE_MEASUREMENT_ENCR_KEY_PRIVATE", IbmFolder + "/rsa/encrypt_key.pem");
        if (File.Exists(key))
        {
            services.AddSingleton<IVerifier>(p => SecureExecution(key, p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ICollateralProvider>()));
        }
    }

    private static ImmutableArray<ICollateralSource> Sources(VerifierSettings settings)
    {
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AutomaticDecompression = DecompressionMethods.None,
        });
        ImmutableArray<ICollateralSource>.Builder sources = ImmutableArray.CreateBuilder<ICollateralSource>();
        foreach (AmdSourceSettings amd in settings.AmdSources)
        {
            sources.Add(amd.Folder is { } folder ? new CollateralDirectory(folder) : new AmdKdsSource(http, amd.Service!));
        }

        if (settings.IntelCollateralFile is { } file)
        {
            sources.Add(new IntelCollateralFileSource(file));
        }

        if (settings.IntelPcs is { } pcs)
        {
            sources.Add(new IntelPcsSource(http, new Uri(pcs.GetLeftPart(UriPartial.Authority) + "/")));
        }

        sources.Add(new HygonKeyDirectory("/opt/hygon/csv/hsk_cek", Variable("HSK_CEK_CERT_PATH", "/opt/dcu/certs")));
        if (settings.OnlineSources)
        {
            sources.Add(new HygonKeyService(http));
            sources.Add(new NvidiaSource(http));
            sources.Add(new RevocationListService(http, IbmListHosts));
        }

        return sources.ToImmutable();
    }

    private static IReadOnlyList<TrustedKey> ReadRoots(string? path)
    {
        if (path is null)
        {
            return [];
        }

        string[] files = Directory.Exists(path) ? [.. Directory.GetFiles(path).Order(StringComparer.Ordinal)] : [path];
        var keys = new List<TrustedKey>();
        foreach (string file in files)
        {
            keys.AddRange(DerCertificate.ParsePem(File.ReadAllText(file)).TryGet(out ImmutableArray<DerCertificate> certificates, out Refusal? refusal)
                ? certificates.Select(TrustedKey.Of)
                : throw new ArgumentException($"{file}: {refusal.Detail}"));
        }

        return keys;
    }

    /// <summary>Local verification with the stores that the configuration names, or a remote service; without a configuration no token is trusted.</summary>
    private static IVerifier Cca(IServiceProvider services)
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
                Clock = services.GetRequiredService<TimeProvider>(),
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
            Roots = File.Exists(rootPath) ? ReadRoots(rootPath) : [],
            Certificates = ReadFolder(Variable("SE_CERTIFICATES_ROOT", IbmFolder + "/certs")),
            RevocationLists = ReadFolder(Variable("SE_CERTIFICATE_REVOCATION_LISTS_ROOT", IbmFolder + "/crls")),
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
            HostKeyDocuments = ReadFolder(Variable("DEFAULT_SE_HOST_KEY_DOCUMENTS_ROOT", IbmFolder + "/hkds")),
            HostKeyCheck = check.TryGet(out SeHostKeyCheck? hostKeys, out Refusal? bad) ? hostKeys : throw new ArgumentException("Secure Execution: " + bad.Detail),
        });
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> ReadFolder(string path) => Directory.Exists(path)
        ? [.. Directory.GetFiles(path).Order(StringComparer.Ordinal).Select(f => (ReadOnlyMemory<byte>)File.ReadAllBytes(f))]
        : [];

    private static string Variable(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
