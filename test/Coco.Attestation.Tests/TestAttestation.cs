// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Storage;
using Coco.Verifiers;
using Coco.Verifiers.Sample;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Attestation.Tests;

/// <summary>The service with a memory store, a clock that stands still, and scripted verifiers for every TEE but the sample.</summary>
internal sealed class TestAttestation : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public TestAttestation(AttestationOptions? options = null, IStoreProvider? stores = null, IVerifier? verifier = null)
    {
        Stores = stores ?? new MemoryStoreProvider(Clock);
        var services = new ServiceCollection();
        Configure(services, options ?? new AttestationOptions(), verifier);
        _services = services.BuildServiceProvider();
        Core = _services.GetRequiredService<AttestationServiceCore>();
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 5, 12, 30, 15, 250, TimeSpan.Zero));

    public IStoreProvider Stores { get; }

    public TestReferences References { get; } = new();

    public AttestationServiceCore Core { get; }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public void Configure(IServiceCollection services, AttestationOptions options, IVerifier? verifier = null)
    {
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.None));
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton(Stores);
        services.AddSingleton<IReferenceValueSource>(References);
        services.AddSingleton<IVerifier>(new SampleVerifier());
        services.AddSingleton<IVerifier>(new SampleDeviceVerifier());
        if (verifier is not null)
        {
            services.AddSingleton(verifier);
        }

        foreach (TeeType tee in Enum.GetValues<TeeType>().Where(t => t is not (TeeType.Sample or TeeType.SampleDevice) && t != verifier?.Tee))
        {
            services.AddSingleton<IVerifier>(new ScriptedVerifier(tee));
        }

        services.AddCocoAttestation(options);
    }

    public static JsonElement Json(string text) => HostileJson.Parse(text).Require();

    public static AttestationInput Input(TeeType tee, string evidence, RuntimeDataInput? runtime = null, InitDataInput? initData = null) =>
        new(new Evidence(tee, Json(evidence)), runtime ?? RuntimeDataInput.Absent, initData ?? InitDataInput.Absent);

    public static AttestationInput Sample(RuntimeDataInput? runtime = null, byte[]? reportData = null, InitDataInput? initData = null) =>
        Input(TeeType.Sample, $$"""{"svn":"1","report_data":"{{Convert.ToBase64String(reportData ?? [])}}"}""", runtime, initData);

    public async Task<Result<JsonObject>> AttestAsync(params ImmutableArray<AttestationInput> inputs) =>
        (await Core.AttestAsync(inputs, [], CancellationToken.None)).Token.TryGet(out AttestationToken? token, out Refusal? why) ? Payload(token) : why;

    public async Task<JsonObject> RequireAsync(params ImmutableArray<AttestationInput> inputs) => (await AttestAsync(inputs)).Require();

    public async Task<RefusalCode?> CodeAsync(params ImmutableArray<AttestationInput> inputs) => (await AttestAsync(inputs)).Refusal?.Code;

    public async Task SetAsync(string id, string source) =>
        Assert.Null(await Core.Policies.SetAsync(PolicyId.Parse(id).Require(), source, CancellationToken.None));

    public static JsonObject Payload(AttestationToken token) => Part(token.Compact, 1);

    public static JsonObject Part(string compact, int part) =>
        (JsonObject)JsonNode.Parse(Encoding.UTF8.GetString(StrictBase64.DecodeUrl(compact.Split('.')[part]).Require()))!;

    public static string Vector(JsonObject payload, string submodule = "cpu0")
    {
        JsonNode vector = payload["submods"]![submodule]!["ear.trustworthiness-vector"]!;
        return $"{vector["executables"]}/{vector["hardware"]}/{vector["configuration"]}";
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
