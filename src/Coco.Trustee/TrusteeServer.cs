// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.ReferenceValues;
using Coco.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Coco.Trustee;

/// <summary>Which services a process serves.</summary>
[Flags]
internal enum TrusteeServices
{
    /// <summary>The key broker, over REST.</summary>
    KeyBroker = 1,

    /// <summary>The attestation service, over gRPC.</summary>
    AttestationGrpc = 2,

    /// <summary>The attestation service, over REST.</summary>
    AttestationRest = 4,

    /// <summary>The reference value provider, over gRPC.</summary>
    ReferenceValues = 8,
}

/// <summary>Builds the application of a process: the three services, or some of them.</summary>
internal static partial class TrusteeServer
{
    /// <summary>How long requests that are under way may take when the process is told to end.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(30);

    /// <summary>Builds it; nothing listens yet.</summary>
    /// <param name="settings">What it is told.</param>
    /// <param name="serve">What it serves. Services that these need run in the process too, unless the settings name a remote one.</param>
    /// <param name="time">The clock.</param>
    /// <param name="corsOrigin">Origin that browsers may call the REST face from; null for none.</param>
    public static WebApplication Build(TrusteeSettings settings, TrusteeServices serve, TimeProvider time, string? corsOrigin = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "trustee" });
        Logs.SetUp(builder.Logging);
        builder.Services.AddSingleton(time);
        builder.Services.AddSystemd();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = DrainLimit);
        AddStores(builder.Services, settings, time);
        long maxBody = 64 << 20;
        if (serve.HasFlag(TrusteeServices.KeyBroker))
        {
            maxBody = AddKeyBroker(builder.Services, settings);
        }

        bool attests = (serve & (TrusteeServices.AttestationGrpc | TrusteeServices.AttestationRest)) != 0
            || (serve.HasFlag(TrusteeServices.KeyBroker) && settings.RemoteAttestation is null);
        if (attests)
        {
            settings = WithSigner(settings);
            builder.Services.AddCocoAttestation(settings.Attestation with
            {
                InsecureSimulatedTee = settings.Verifiers.InsecureSimulatedTee is not null,
                StoreIsEphemeral = settings.Store.IsEphemeral,
            });
            if (settings.RemoteReferenceValues is { } rvps)
            {
                builder.Services.AddSingleton<IReferenceValueSource>(new GrpcReferenceValues(rvps));
                builder.Services.AddSingleton(_ => new GrpcReferenceValueSource(rvps.AbsoluteUri));
            }
            else
            {
                builder.Services.AddSingleton<InProcessReferenceValues>();
                builder.Services.AddSingleton<IReferenceValueSource>(p => p.GetRequiredService<InProcessReferenceValues>());
                builder.Services.AddSingleton<IReferenceValueExpirations>(p => p.GetRequiredService<InProcessReferenceValues>());
            }

            VerifierWiring.Add(builder.Services, settings.Verifiers, time, settings.Attestation.Decisions.RecordEvidence);
            builder.Services.AddSingleton<IDoctorSource>(new HostDoctor(settings, time));
            builder.Services.AddSingleton<IReadinessSource, SigningKeyReadiness>();
            builder.Services.AddSingleton<IReadinessSource, CollateralReadiness>();
        }

        if (serve.HasFlag(TrusteeServices.ReferenceValues) || (attests && settings.RemoteReferenceValues is null))
        {
            builder.Services.AddCocoReferenceValues(settings.ReferenceValues);
        }

        AddAdapters(builder.Services, settings, serve);
        if (settings.Administrators is { } administrators && !serve.HasFlag(TrusteeServices.KeyBroker))
        {
            builder.Services.AddCocoAdministrators(administrators);
        }

        bool grpc = (serve & (TrusteeServices.AttestationGrpc | TrusteeServices.ReferenceValues)) != 0;
        if (grpc)
        {
            AddGrpc(builder.Services);
        }

        if (!serve.HasFlag(TrusteeServices.KeyBroker))
        {
            AddHealth(builder.Services, attests);
        }

        if (corsOrigin is not null)
        {
            builder.Services.AddCors(o => o.AddDefaultPolicy(p => p
                .WithOrigins(corsOrigin)
                .WithMethods("POST", "GET", "OPTIONS")
                .WithHeaders("content-type", "authorization")
                .SetPreflightMaxAge(TimeSpan.FromDays(1))));
        }

        Telemetry.Add(builder);
        ReloadingCertificate? certificate = Listen(builder, settings, attests, maxBody, time);
        WebApplication app = builder.Build();
        if (corsOrigin is not null)
        {
            app.UseCors();
        }

        Map(app, settings, serve, attests);
        ILogger log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Coco.Trustee");
        Warn(settings, log);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (string url in app.Urls)
            {
                Log.Listening(log, url);
            }
        });
        app.Lifetime.ApplicationStopping.Register(() => Log.Draining(log, (int)DrainLimit.TotalSeconds));
        app.Lifetime.ApplicationStopped.Register(() => certificate?.Dispose());
        return app;
    }

    // A signing key that nobody configured is kept in the store. Replicas must not each have one of their own: relying parties would believe only some.
    private static TrusteeSettings WithSigner(TrusteeSettings settings)
    {
        if (settings.Attestation.Signer is not null || settings.Store.IsShared)
        {
            return settings;
        }

        StoreSettings? shared = settings.StoreOverrides.Values.Append(settings.SessionStore).FirstOrDefault(s => s is { IsShared: true });
        const string Remedy = "set attestation_token_broker.signer.key_path to one key for all, or keep everything in the shared store";
        return (settings.Store.IsEphemeral, shared) switch
        {
            (true, not null) => throw new ArgumentException(
                $"replicas that share {shared.Type} would each sign tokens with an ephemeral key of their own, since other values are kept in memory: {Remedy}"),
            (true, null) => Warned("the token signing key is ephemeral (no signer, and values are kept in memory): not for replicas, nor for relying parties that remember keys"),
            (false, not null) => Warned($"replicas that share {shared.Type} sign tokens with the key in their own {settings.Store.Type} store: {Remedy}"),
            _ => settings,
        };

        TrusteeSettings Warned(string warning) => settings with { Warnings = [.. settings.Warnings, warning] };
    }

    private static void AddStores(IServiceCollection services, TrusteeSettings settings, TimeProvider time)
    {
        var opened = new Dictionary<StoreSettings, IStoreProvider>();
        IStoreProvider store = Open(settings.Store);
        if (!settings.StoreOverrides.IsEmpty)
        {
            store = new RoutingStoreProvider(store, settings.StoreOverrides.ToDictionary(o => o.Key, o => Open(o.Value), StringComparer.Ordinal));
        }

        IStoreProvider main = StoreWiring.Seal(store, settings);
        IStoreProvider? sessions = settings.SessionStore is { } other ? StoreWiring.Seal(Open(other), settings) : null;
        services.AddSingleton(StoreWiring.Watch(main, settings, time));
        if (sessions is not null)
        {
            services.AddSingleton<ISessionStoreProvider>(new SessionStore(sessions));
        }

        foreach (PostgresStoreProvider postgres in opened.Values.OfType<PostgresStoreProvider>())
        {
            services.AddSingleton<IHostedService>(new ExpirySweep(postgres, time));
        }

        SealedStoreProvider[] sealedStores = [.. ((IStoreProvider?[])[main, sessions]).OfType<SealedStoreProvider>()];
        if (sealedStores.Length > 0)
        {
            services.AddSingleton<IHostedService>(p => new KeyRingRotation(
                settings.KeyRingPath!, sealedStores, settings.KeyRingAcceptsPlain, time, p.GetRequiredService<ILogger<KeyRingRotation>>()));
        }

        IStoreProvider Open(StoreSettings one) => opened.TryGetValue(one, out IStoreProvider? present) ? present : opened[one] = StoreWiring.Open(one, settings.Home, time);
    }

    private static long AddKeyBroker(IServiceCollection services, TrusteeSettings settings)
    {
        long maxBody = 0;
        settings.Plugins(services.AddCocoKeyBroker(options =>
        {
            settings.KeyBroker(options);

            // The service in this very process needs no certificate to be believed.
            options.TokenTrust.TrustAttestationService = settings.RemoteAttestation is null;
            maxBody = options.MaxBodyBytes;
        }));
        return maxBody;
    }

    private static void AddAdapters(IServiceCollection services, TrusteeSettings settings, TrusteeServices serve)
    {
        if (!serve.HasFlag(TrusteeServices.KeyBroker))
        {
            return;
        }

        // Lets an attestation service show its decision in the answer to the guest.
        services.AddHttpContextAccessor();
        services.AddSingleton<IReleaseJournal, ReleaseJournal>();
        if (settings.RemoteAttestation is { } remote)
        {
            services.AddSingleton(remote);
            services.AddCocoReleaseDecisions(settings.Attestation);
            return;
        }

        if (settings.RemoteReferenceValues is { } rvps)
        {
            services.AddSingleton<IAttestationService>(p => new RemoteReferencesAttestationService(p.GetRequiredService<AttestationServiceCore>(), rvps));
        }
        else
        {
            services.AddSingleton<IAttestationService, InProcessAttestationService>();
        }
    }

    private static void AddGrpc(IServiceCollection services)
    {
        services.AddGrpc(o =>
        {
            o.MaxReceiveMessageSize = AttestationExtensions.MaxGrpcMessageBytes;
            o.MaxSendMessageSize = AttestationExtensions.MaxGrpcMessageBytes;
        });
        services.AddGrpcHealthChecks(o =>
        {
            o.Services.Map(AttestationExtensions.HealthName, _ => true);
            o.Services.Map(ReferenceValuesExtensions.HealthName, _ => true);
        });
    }

    private static void AddHealth(IServiceCollection services, bool attests)
    {
        StoreNamespace probed = StoreNamespace.Parse(attests ? "attestation_service_policy" : "reference_value").Require();
        services.AddHealthChecks().Add(new HealthCheckRegistration("store", p => new StoreHealth(p.GetRequiredService<IStoreProvider>(), probed), null, null));
    }

    private static ReloadingCertificate? Listen(WebApplicationBuilder builder, TrusteeSettings settings, bool attests, long maxBody, TimeProvider time)
    {
        ILoggerFactory startLog = LoggerFactory.Create(Logs.SetUp);
        ReloadingCertificate? certificate = settings.Tls is { } tls ? Certificate(settings, tls, time, startLog.CreateLogger("Coco.Trustee.Tls")) : null;
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            Listeners.SetLimits(kestrel, maxBody, settings.Limits);
            foreach ((IPEndPoint socket, HttpProtocols plain) in settings.Sockets.Select(s => (s, HttpProtocols.Http1)).Concat(settings.GrpcSockets.Select(s => (s, HttpProtocols.Http2))))
            {
                Listeners.Listen(kestrel, socket, certificate is null ? plain : HttpProtocols.Http1AndHttp2, certificate, settings.Tls, settings.Limits.HandshakeTimeout, attests);
            }
        });
        return certificate;
    }

    private static void Map(WebApplication app, TrusteeSettings settings, TrusteeServices serve, bool attests)
    {
        Telemetry.Map(app);
        AdminGate.Use(app);
        if (serve.HasFlag(TrusteeServices.KeyBroker))
        {
            app.MapCocoKeyBroker();
            if (attests)
            {
                app.MapCocoAttestationKeys();
                app.MapCocoAttestationAdmin("/kbs/v0").WithMetadata(AdminOnly.Instance);
            }
            else
            {
                app.MapCocoDecisions("/kbs/v0").WithMetadata(AdminOnly.Instance);
            }
        }
        else
        {
            app.MapGet("/healthz", (RequestDelegate)(static _ => Task.CompletedTask));
            app.MapHealthChecks("/readyz");
            if (attests)
            {
                app.MapCocoAttestationKeys();
                if (settings.Administrators is not null)
                {
                    app.MapCocoAttestationAdmin("/kbs/v0").WithMetadata(AdminOnly.Instance);
                }
            }
        }

        if (serve.HasFlag(TrusteeServices.AttestationGrpc))
        {
            app.MapCocoAttestationGrpc();
            if (settings.RemoteReferenceValues is not null)
            {
                app.MapCocoReferenceValueForwarding();
            }
        }

        if (serve.HasFlag(TrusteeServices.AttestationRest))
        {
            app.MapCocoAttestationRest();
        }

        if (serve.HasFlag(TrusteeServices.ReferenceValues))
        {
            app.MapCocoReferenceValues();
        }

        if ((serve & (TrusteeServices.AttestationGrpc | TrusteeServices.ReferenceValues)) != 0)
        {
            app.MapGrpcHealthChecksService();
        }
    }

    private static ReloadingCertificate Certificate(TrusteeSettings settings, TlsSettings tls, TimeProvider time, ILogger log)
    {
        if (tls is { CertificatePath: { } certificate, KeyPath: { } key })
        {
            return new ReloadingCertificate(certificate, key, time, log);
        }

        var names = new List<string> { "localhost", "127.0.0.1", "::1", Dns.GetHostName() };
        names.AddRange(tls.Names);
        names.AddRange(settings.Sockets.Concat(settings.GrpcSockets).Where(s => !s.Address.Equals(IPAddress.Any) && !s.Address.Equals(IPAddress.IPv6Any)).Select(s => s.Address.ToString()));
        var made = new SelfMadeCertificates(Path.Combine(settings.Home, "tls"), names, time);
        string fingerprint = made.Ensure();
        Log.SelfMade(log, made.AuthorityPath, fingerprint);
        return new ReloadingCertificate(made.ServerPath, made.ServerKeyPath, time, log, made);
    }

    private static void Warn(TrusteeSettings settings, ILogger log)
    {
        if (settings.Verifiers.InsecureSimulatedTee is { } path)
        {
            Log.SimulatedTee(log, path);
        }

        if (settings.Tls is null)
        {
            Log.PlainHttp(log);
        }

        foreach (string warning in settings.Warnings)
        {
            Log.Configured(log, warning);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 10010, Level = LogLevel.Information, Message = "listening on {Url}")]
        public static partial void Listening(ILogger logger, string url);

        [LoggerMessage(EventId = 10017, Level = LogLevel.Information, Message = "shutting down; requests under way have {Seconds} seconds")]
        public static partial void Draining(ILogger logger, int seconds);

        [LoggerMessage(EventId = 10011, Level = LogLevel.Information, Message = "TLS with a certificate of our own; give clients {Path} (SHA-256 {Fingerprint})")]
        public static partial void SelfMade(ILogger logger, string path, string fingerprint);

        [LoggerMessage(EventId = 10012, Level = LogLevel.Warning, Message = "INSECURE: insecure_simulated_tee trusts the simulated roots in {Path}; whoever has their keys can attest as anything")]
        public static partial void SimulatedTee(ILogger logger, string path);

        [LoggerMessage(EventId = 10013, Level = LogLevel.Warning, Message = "INSECURE: plain HTTP, without TLS")]
        public static partial void PlainHttp(ILogger logger);

        [LoggerMessage(EventId = 10014, Level = LogLevel.Warning, Message = "{Warning}")]
        public static partial void Configured(ILogger logger, string warning);
    }
}
