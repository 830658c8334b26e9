// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.ReferenceValues;
using Coco.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Coco.Trustee;

/// <summary>Key broker, attestation service and reference value provider in one process.</summary>
internal static partial class TrusteeServer
{
    /// <summary>Builds the application; nothing listens yet.</summary>
    public static WebApplication Build(TrusteeSettings settings, TimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "trustee" });
        Logs.SetUp(builder.Logging);
        builder.Services.AddSingleton(time);
        builder.Services.AddSystemd();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(30));

        IStoreProvider raw = StoreWiring.Open(settings.Store, settings.Home, time);
        IStoreProvider store = StoreWiring.Seal(raw, settings);
        builder.Services.AddSingleton(store);
        if (settings.SessionStore is { } session)
        {
            builder.Services.AddSingleton<ISessionStoreProvider>(new SessionStore(StoreWiring.Seal(StoreWiring.Open(session, settings.Home, time), settings)));
        }

        var keyBrokerOptions = new KeyBrokerOptions();
        settings.KeyBroker(keyBrokerOptions);
        ICocoKeyBrokerBuilder keyBroker = builder.Services.AddCocoKeyBroker(o =>
        {
            settings.KeyBroker(o);
            o.TokenTrust.TrustAttestationService = true;
        });
        settings.Plugins(keyBroker);
        builder.Services.AddCocoAttestation(settings.Attestation with { InsecureSimulatedTee = settings.Verifiers.SimulatedRootsPath is not null });
        builder.Services.AddCocoReferenceValues(settings.ReferenceValues);
        builder.Services.AddSingleton<IReferenceValueSource, InProcessReferenceValues>();
        builder.Services.AddSingleton<IAttestationService, InProcessAttestationService>();
        VerifierWiring.Add(builder.Services, settings.Verifiers);
        Telemetry.Add(builder);

        ILoggerFactory startLog = LoggerFactory.Create(Logs.SetUp);
        ReloadingCertificate? certificate = settings.Tls is { } tls ? Certificate(settings, tls, time, startLog.CreateLogger("Coco.Trustee.Tls")) : null;
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            Listeners.SetLimits(kestrel, keyBrokerOptions.MaxBodyBytes);
            foreach (IPEndPoint socket in settings.Sockets)
            {
                Listeners.Listen(kestrel, socket, certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2, certificate, settings.Tls);
            }
        });

        WebApplication app = builder.Build();
        Telemetry.Map(app);
        app.MapCocoKeyBroker();
        app.MapCocoAttestationKeys();
        DecisionEndpoints.Map(app);
        ILogger log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Coco.Trustee");
        Warn(settings, log);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (string url in app.Urls)
            {
                Log.Listening(log, url);
            }
        });
        return app;
    }

    private static ReloadingCertificate Certificate(TrusteeSettings settings, TlsSettings tls, TimeProvider time, ILogger log)
    {
        if (tls is { CertificatePath: { } certificate, KeyPath: { } key })
        {
            return new ReloadingCertificate(certificate, key, time, log);
        }

        var names = new List<string> { "localhost", "127.0.0.1", "::1", Dns.GetHostName() };
        names.AddRange(tls.Names);
        names.AddRange(settings.Sockets.Where(s => !s.Address.Equals(IPAddress.Any) && !s.Address.Equals(IPAddress.IPv6Any)).Select(s => s.Address.ToString()));
        var made = new SelfMadeCertificates(Path.Combine(settings.Home, "tls"), names, time);
        string fingerprint = made.Ensure();
        Log.SelfMade(log, made.AuthorityPath, fingerprint);
        return new ReloadingCertificate(made.ServerPath, made.ServerKeyPath, time, log, made);
    }

    private static void Warn(TrusteeSettings settings, ILogger log)
    {
        if (settings.Verifiers.SimulatedRootsPath is { } path)
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

        [LoggerMessage(EventId = 10011, Level = LogLevel.Information, Message = "TLS with a certificate of our own; give clients {Path} (SHA-256 {Fingerprint})")]
        public static partial void SelfMade(ILogger logger, string path, string fingerprint);

        [LoggerMessage(EventId = 10012, Level = LogLevel.Warning, Message = "INSECURE: insecure_simulated_tee trusts the simulated roots in {Path}; whoever has their keys can attest as anything")]
        public static partial void SimulatedTee(ILogger logger, string path);

        [LoggerMessage(EventId = 10013, Level = LogLevel.Warning, Message = "INSECURE: insecure_http serves without TLS")]
        public static partial void PlainHttp(ILogger logger);

        [LoggerMessage(EventId = 10014, Level = LogLevel.Warning, Message = "{Warning}")]
        public static partial void Configured(ILogger logger, string warning);
    }
}
