// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography.X509Certificates;
using Coco.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>A broker on a free port of the loopback interface, over plain HTTP, with a clock that stands at the time of the examples.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestBroker(WebApplication app, SampleAttestation attestation, FakeTimeProvider time, IStoreProvider stores, CapturedLog log, int port)
    {
        _app = app;
        Attestation = attestation;
        Time = time;
        Stores = stores;
        Log = log;
        Port = port;
    }

    public SampleAttestation Attestation { get; }

    public FakeTimeProvider Time { get; }

    public IStoreProvider Stores { get; }

    public CapturedLog Log { get; }

    public int Port { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<TestBroker> StartAsync(Action<KeyBrokerOptions>? configure = null, IStoreProvider? stores = null, Action<ICocoKeyBrokerBuilder>? plugins = null)
    {
        var time = new FakeTimeProvider(Example.Now);
        stores ??= new MemoryStoreProvider(time);
        var attestation = new SampleAttestation();
        var log = new CapturedLog();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddSingleton(stores);
        builder.Services.AddSingleton<IAttestationService>(attestation);
        ICocoKeyBrokerBuilder broker = builder.Services.AddCocoKeyBroker(o =>
        {
            o.Admin.Mode = AdminMode.AuthenticatedAuthorization;
            o.Admin.IdentityProviders = [new IdentityProvider { Issuer = "TrusteeInDocker", PublicKeyPem = Example.Text("admin.pub.pem") }];
            o.Admin.Rules = [new AccessRule("admin", "^/kbs/v0/.+$")];
            o.TokenTrust.TrustedCertificates = [X509Certificate2.CreateFromPem(Example.Text("token-ca.pem"))];
            o.InitialResourcePolicy = Example.Text("8.rego");
            configure?.Invoke(o);
        });
        broker.AddResourcePlugin().AddSamplePlugin().AddProvisionerPlugin();
        plugins?.Invoke(broker);
        WebApplication app = builder.Build();
        app.MapCocoKeyBroker();
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new TestBroker(app, attestation, time, stores, log, new Uri(address).Port);
    }

    public Task<RawAnswer> SendAsync(string method, string target, string? body = null, params string[] headers) => RawHttp.SendAsync(Port, method, target, body, headers);

    public Task<RawAnswer> AdminAsync(string method, string target, string? body = null) =>
        RawHttp.SendAsync(Port, method, target, body, "Authorization: Bearer " + Example.Text("admin.token"));

    /// <summary>Waits until all events are in the store.</summary>
    public async Task FlushAuditAsync() =>
        await Services.GetRequiredService<AuditLog>().RecordDurablyAsync(
            new AuditEvent { Time = Time.GetUtcNow(), Kind = AuditKind.Plugin, Allowed = true, RequestId = "flush" },
            CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Attestation.Dispose();
    }
}
