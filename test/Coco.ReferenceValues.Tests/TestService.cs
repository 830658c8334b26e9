// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.ReferenceValues.Extractors;
using Coco.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Coco.ReferenceValues.Tests;

/// <summary>A service over a memory store, with a clock that stands still.</summary>
internal sealed class TestService
{
    public TestService(ReferenceValuesOptions? options = null, HttpClient? http = null, IStoreProvider? stores = null)
    {
        Options = options ?? new ReferenceValuesOptions();
        Stores = stores ?? new MemoryStoreProvider(Clock);
        Service = new ReferenceValueService(
            Stores,
            [
                new SampleExtractor(Clock), new SwidExtractor(Clock), new CorimExtractor(Clock, Options), new SlsaExtractor(Clock, Options),
                new InTotoExtractor(Clock, Options), new ReproducibleBuildExtractor(Clock, Options),
            ],
            Options,
            Clock,
            NullLogger<ReferenceValueService>.Instance,
            http);
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 5, 12, 30, 15, 250, TimeSpan.Zero));

    public ReferenceValuesOptions Options { get; }

    public IStoreProvider Stores { get; }

    public ReferenceValueService Service { get; }

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public static string Message(string type, string payload) => new ReferenceValueMessage(type, payload).ToJson();

    public async Task<Refusal?> RegisterAsync(string type, string payload, ReferenceValuePublisher? publisher = null) =>
        await Service.RegisterAsync(Message(type, payload), publisher ?? ReferenceValuePublisher.Anonymous, CancellationToken.None);

    public async Task<string?> QueryAsync(string name) =>
        (await Service.QueryAsync(name, CancellationToken.None)).TryGet(out string? json, out _) ? json : null;

    public async Task<ImmutableArray<ReferenceValue>> ListAsync()
    {
        var all = ImmutableArray.CreateBuilder<ReferenceValue>();
        await foreach (ReferenceValue value in Service.ListAsync(CancellationToken.None))
        {
            all.Add(value);
        }

        return all.ToImmutable();
    }

    public async Task<string> StoredAsync(string key)
    {
        IKeyValueStore store = await Stores.OpenAsync(StoreNamespace.Parse(ReferenceValueService.Namespace).Require(), CancellationToken.None);
        return Encoding.UTF8.GetString((await store.GetAsync(key, CancellationToken.None))!.Value.Value.Span);
    }
}
