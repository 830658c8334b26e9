// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Protocol;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>Turns the configuration document into options and plugins. Reads the files that it names.</summary>
public static class KeyBrokerConfiguration
{
    /// <summary>Sets the options of a broker.</summary>
    /// <exception cref="ArgumentException">A file that the document names cannot be read or has not the form it should have.</exception>
    public static void Apply(KbsConfig config, KeyBrokerOptions options)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(options);
        options.SessionTimeout = TimeSpan.FromMinutes(config.AttestationService.TimeoutMinutes);
        options.MaxBodyBytes = (long)config.HttpServer.PayloadRequestSize << 20;
        options.ProtocolVersions = config.HttpServer.ProtocolVersions;
        options.StrictStatus = config.HttpServer.StrictStatus;
        options.HandshakesPerSecond = config.HttpServer.HandshakesPerSecond;
        options.HandshakeBurst = config.HttpServer.HandshakeBurst;
        options.StrictPolicyConsistency = config.StrictPolicyConsistency;
        options.PolicySelectors = config.AttestationService.PolicyIdMap.ToImmutableDictionary(m => m.Key, m => PolicyId.Parse(m.Value).Require(), StringComparer.Ordinal);
        options.TokenTrust.TrustedJwkSets = config.AttestationToken.TrustedJwkSets;
        options.TokenTrust.ExtraTeeKeyPaths = config.AttestationToken.ExtraTeeKeyPaths;
        options.TokenTrust.InsecureHeaderJwk = config.AttestationToken.InsecureHeaderJwk;
        options.TokenTrust.TrustedCertificates = [.. config.AttestationToken.TrustedCertsPaths.SelectMany(f => ReadCertificates(f))];
        if (config.AttestationService is { Type: KbsAttestationServiceType.IntelTrustAuthority, CertsFile: { } keys })
        {
            options.TokenTrust.TrustedJwkSets = [.. options.TokenTrust.TrustedJwkSets, keys];
        }

        options.Admin.Mode = config.Admin.Mode switch
        {
            "InsecureAllowAll" => AdminMode.InsecureAllowAll,
            "AuthenticatedAuthorization" => AdminMode.AuthenticatedAuthorization,
            _ => AdminMode.DenyAll,
        };
        options.Admin.IdentityProviders =
        [
            .. config.Admin.IdentityProviders.Select(p => new IdentityProvider
            {
                Issuer = p.Issuer,
                Audience = p.Audience,
                PublicKeyPem = p.PublicKeyUri is null ? null : ReadText(p.PublicKeyUri),
                JwkSetUri = p.JwkSetUri,
                DefaultRole = p.DefaultRole,
            }),
        ];
        options.Admin.Rules = [.. config.Admin.Acls.Select(a => new AccessRule(a.Role, a.AllowedEndpoints, a.Methods))];
        if (config.AuditKeyPath is not null)
        {
            options.AuditKeyPem = SecretReference.Resolve(new ConfigSecret("file://" + config.AuditKeyPath));
        }

        options.AuditRetention = config.AuditRetentionDays is { } days ? TimeSpan.FromDays(days) : null;
        if (config.ResourcePolicyPath is not null && !(config.ResourcePolicyMayBeMissing && !File.Exists(config.ResourcePolicyPath)))
        {
            options.InitialResourcePolicy = ReadText(config.ResourcePolicyPath);
        }
    }

    /// <summary>The attestation service that a document names, when it is in another process; null for the built-in one.</summary>
    /// <param name="config">The document.</param>
    /// <param name="onDecision">Gets the ids of a gRPC service's decisions, in the request that they are about; null: nobody wants them.</param>
    /// <exception cref="ArgumentException">An address has not the form of one.</exception>
    public static IAttestationService? CreateRemoteAttestationService(KbsConfig config, Action<string>? onDecision = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        KbsAttestationServiceConfig service = config.AttestationService;
        return service.Type switch
        {
            KbsAttestationServiceType.Grpc => new GrpcAttestationService(GrpcChannel.ForAddress(
                ToUri(service.AsAddress),
                new GrpcChannelOptions { HttpHandler = CreateHandler([], verify: true), DisposeHttpClient = true, MaxReceiveMessageSize = 16 << 20, MaxSendMessageSize = 64 << 20 }), onDecision),
            KbsAttestationServiceType.IntelTrustAuthority => new IntelTrustAuthorityService(
                new IntelTrustAuthorityOptions
                {
                    BaseUrl = ToUri(service.BaseUrl!),
                    ApiKey = SecretReference.Resolve(service.ApiKey!),
                    PolicyIds = service.PolicyIds,
                    AllowUnmatchedPolicy = service.AllowUnmatchedPolicy,
                },
                new OutboundHttp()),
            _ => null,
        };
    }

    /// <summary>Adds the plugins of a document; the <c>resource</c> plugin with values in the store when it names none, as <c>trustee run</c> does.</summary>
    /// <exception cref="ArgumentException">A file that the document names cannot be read or has not the form it should have.</exception>
    public static ICocoKeyBrokerBuilder AddConfiguredPlugins(this ICocoKeyBrokerBuilder builder, KbsConfig config)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(config);
        if (!config.Plugins.Any(p => p is KbsResourcePluginConfig))
        {
            builder.AddResourcePlugin();
        }

        foreach (KbsPluginConfig plugin in config.Plugins)
        {
            switch (plugin)
            {
                case KbsResourcePluginConfig { Backend: KbsResourceBackend.KeyValueStorage }:
                    builder.AddResourcePlugin();
                    break;
                case KbsResourcePluginConfig resource:
                    builder.AddResourcePlugin(p => CreateBackend(resource, p.GetRequiredService<TimeProvider>()));
                    break;
                case KbsSamplePluginConfig:
                    builder.AddSamplePlugin();
                    break;
                case KbsProvisionerPluginConfig provisioner:
                    builder.AddProvisionerPlugin(provisioner.KeyLength);
                    break;
                case KbsNebulaCaPluginConfig nebula:
                    builder.AddNebulaCaPlugin(new NebulaCaOptions
                    {
                        WorkDirectory = nebula.WorkDir,
                        ProgramPath = nebula.NebulaCertPath ?? FindProgram("nebula-cert"),
                        CaName = nebula.CaName,
                        CaOptions = nebula.CaOptions,
                    });
                    break;
                case KbsPkcs11PluginConfig pkcs11:
                    builder.AddPkcs11Plugin(new Pkcs11Options
                    {
                        Module = pkcs11.Module,
                        Pin = SecretReference.Resolve(pkcs11.Pin),
                        SlotIndex = pkcs11.SlotIndex,
                        OaepSha1 = pkcs11.OaepSha1,
                        LookupLabel = pkcs11.LookupLabel,
                    });
                    break;
                case KbsExternalPluginConfig external:
                    builder.AddExternalPlugin([.. external.Backends.Select(Connect)]);
                    break;
                default:
                    throw new InvalidOperationException("internal: plugin " + plugin.Name);
            }
        }

        return builder;
    }

    /// <summary>Adds the <c>nebula-ca</c> plugin.</summary>
    public static ICocoKeyBrokerBuilder AddNebulaCaPlugin(this ICocoKeyBrokerBuilder builder, NebulaCaOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin>(p => new NebulaCaPlugin(options, p.GetRequiredService<ILogger<NebulaCaPlugin>>()));
        return builder;
    }

    /// <summary>Adds the <c>pkcs11</c> plugin.</summary>
    public static ICocoKeyBrokerBuilder AddPkcs11Plugin(this ICocoKeyBrokerBuilder builder, Pkcs11Options options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin>(_ => new Pkcs11Plugin(options));
        return builder;
    }

    /// <summary>Adds the <c>external</c> plugin.</summary>
    public static ICocoKeyBrokerBuilder AddExternalPlugin(this ICocoKeyBrokerBuilder builder, ImmutableArray<ExternalBackend> backends)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(p => new ExternalPlugin(backends, p.GetRequiredService<KeyBrokerMetrics>(), p.GetRequiredService<ILogger<ExternalPlugin>>()));
        builder.Services.AddSingleton<IBrokerPlugin>(p => p.GetRequiredService<ExternalPlugin>());
        builder.Services.AddSingleton<IHostedService>(p => p.GetRequiredService<ExternalPlugin>());
        return builder;
    }

    private static ISecretBackend CreateBackend(KbsResourcePluginConfig c, TimeProvider time)
    {
        var names = new SecretNameTemplate(c.NameTemplate);
        Uri? endpoint = c.EndpointUrl is null ? null : ToUri(c.EndpointUrl);
        switch (c.Backend)
        {
            case KbsResourceBackend.NestedFiles:
                return new NestedFilesBackend(c.DirPath!);
            case KbsResourceBackend.Vault:
                return new VaultBackend(
                    new VaultOptions { Address = ToUri(c.VaultUrl!), Token = SecretReference.Resolve(c.Token!), MountPath = c.MountPath, KvVersion = c.KvVersion },
                    Trusting([.. c.CaCerts.SelectMany(f => ReadCertificates(f))], c.VerifySsl));
            case KbsResourceBackend.Aws:
                return new AwsBackend(c.Region!, endpoint, names, new OutboundHttp(), time);
            case KbsResourceBackend.Gcp:
                return new GcpBackend(c.ProjectId!, endpoint, names, new OutboundHttp(), time);
            case KbsResourceBackend.Aliyun:
                using (Secret key = SecretReference.Resolve(c.ClientKey!))
                using (Secret password = SecretReference.Resolve(c.Password!))
                {
                    return AliyunBackend.Create(
                            key,
                            password,
                            endpoint ?? new Uri($"https://{c.KmsInstanceId}.cryptoservice.kms.aliyuncs.com/"),
                            names,
                            Trusting(ParseCertificates(c.CertPem!.Contains("-----BEGIN", StringComparison.Ordinal) ? c.CertPem : ReadText(c.CertPem)), verify: true),
                            time)
                        .TryGet(out AliyunBackend? aliyun, out Refusal? refusal)
                        ? aliyun
                        : throw new ArgumentException(refusal.Detail);
                }

            default:
                throw new InvalidOperationException("internal: back end " + c.Backend);
        }
    }

    private static ExternalBackend Connect(KbsExternalBackendConfig c)
    {
        ImmutableArray<X509Certificate2> roots = c.CaCertPath is null ? [] : [.. ReadCertificates(c.CaCertPath)];
        var channel = GrpcChannel.ForAddress(c.Endpoint, new GrpcChannelOptions { HttpHandler = CreateHandler(roots, verify: true), DisposeHttpClient = true });
        return new ExternalBackend(c.Name, channel, TimeSpan.FromMilliseconds(c.TimeoutMilliseconds ?? 30_000));
    }

    private static OutboundHttp Trusting(ImmutableArray<X509Certificate2> roots, bool verify) => new(CreateHandler(roots, verify));

    private static SocketsHttpHandler CreateHandler(ImmutableArray<X509Certificate2> roots, bool verify)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10), PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (!verify)
        {
#pragma warning disable CA5359 // The administrator's explicit choice, told at every start.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (!roots.IsEmpty)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            policy.CustomTrustStore.AddRange(roots.ToArray());
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        return handler;
    }

    private static Uri ToUri(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? uri : throw new ArgumentException($"'{text}' is not an http or https address");

    private static ImmutableArray<X509Certificate2> ReadCertificates(string path)
    {
        ImmutableArray<X509Certificate2> certificates = ParseCertificates(ReadText(path));
        return certificates.IsEmpty ? throw new ArgumentException($"{path} holds no certificate") : certificates;
    }

    private static ImmutableArray<X509Certificate2> ParseCertificates(string pem)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new ArgumentException("a certificate cannot be read", e);
        }

        return [.. all];
    }

    private static string ReadText(string path)
    {
        string file = path.StartsWith("file://", StringComparison.Ordinal) ? path["file://".Length..] : path;
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{file} cannot be read", e);
        }
    }

    private static string FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator)
            .Select(d => Path.Combine(d, name)).FirstOrDefault(File.Exists)
        ?? throw new ArgumentException($"{name} is not in PATH");
}
