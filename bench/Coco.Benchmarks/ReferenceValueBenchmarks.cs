// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coco.Protocol;
using Coco.ReferenceValues;
using Coco.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coco.Benchmarks;

/// <summary>Registering and finding one reference value among few and among 10,000 in SQLite: with constant time both cost the same. Registering 10,000 in one message.</summary>
public class ReferenceValueBenchmarks : IFigures
{
    private const int Few = 16;
    private const int Many = 10_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-bench-rvps").FullName;
    private SqliteStoreProvider _fewStore = null!;
    private SqliteStoreProvider _manyStore = null!;
    private ReferenceValueService _few = null!;
    private ReferenceValueService _many = null!;
    private ImmutableArray<ReferenceValue> _all;
    private int _next;

    /// <inheritdoc/>
    public static string Group => "reference-values";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("find-among-10000", run.PerSecond(nameof(FindAmongMany)), "per-second", run.PerSecond(nameof(FindAmongFew)));
        yield return new Figure("find-unread-among-10000", run.PerSecond(nameof(FindUnreadAmongMany)), "per-second", run.PerSecond(nameof(FindUnreadAmongFew)));
        yield return new Figure("register-beside-10000", run.PerSecond(nameof(RegisterBesideMany)), "per-second", run.PerSecond(nameof(RegisterBesideFew)));
        yield return new Figure("register-10000-in-one-message", Many * run.PerSecond(nameof(RegisterMany)), "values-per-second", null);
    }

    /// <summary>Fills both stores.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _fewStore = SqliteStoreProvider.Open(Path.Combine(_folder, "few.db"), TimeProvider.System);
        _manyStore = SqliteStoreProvider.Open(Path.Combine(_folder, "many.db"), TimeProvider.System);
        _few = Service(_fewStore);
        _many = Service(_manyStore);
        _all = [.. Enumerable.Range(0, Many).Select(Value)];
        Register(_few, [.. _all.Take(Few)]);
        Register(_many, _all);
    }

    /// <summary>Removes them.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _fewStore.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _manyStore.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Found before.</summary>
    [Benchmark]
    public string FindAmongFew() => Find(_few, 7);

    /// <summary>Found before.</summary>
    [Benchmark]
    public string FindAmongMany() => Find(_many, 7007);

    /// <summary>Read from the store: another value was registered since.</summary>
    [Benchmark]
    public string FindUnreadAmongFew()
    {
        Register(_few, [Value(3)]);
        return Find(_few, 7);
    }

    /// <summary>Read from the store: another value was registered since.</summary>
    [Benchmark]
    public string FindUnreadAmongMany()
    {
        Register(_many, [Value(3)]);
        return Find(_many, 7007);
    }

    /// <summary>One registered over a former one.</summary>
    [Benchmark]
    public void RegisterBesideFew() => Register(_few, [Value(_next++ % Few)]);

    /// <summary>One registered over a former one.</summary>
    [Benchmark]
    public void RegisterBesideMany() => Register(_many, [Value(_next++ % Many)]);

    /// <summary>All of them at once.</summary>
    [Benchmark]
    public void RegisterMany() => Register(_many, _all);

    private static ReferenceValue Value(int i) =>
        new($"vendor/product/{i}", JsonSerializer.SerializeToElement(new[] { $"{i:x96}" }), TimeProvider.System.GetUtcNow().AddYears(1));

    private static string Find(ReferenceValueService service, int i) =>
        service.QueryAsync($"vendor/product/{i}", CancellationToken.None).AsTask().GetAwaiter().GetResult().Require();

    private static void Register(ReferenceValueService service, ImmutableArray<ReferenceValue> values)
    {
        if (service.RegisterAsync(values, ReferenceValuePublisher.Anonymous, CancellationToken.None).AsTask().GetAwaiter().GetResult() is { } why)
        {
            throw new InvalidOperationException(why.Detail);
        }
    }

    private static ReferenceValueService Service(IStoreProvider store) =>
        new(store, [], new ReferenceValuesOptions(), TimeProvider.System, NullLogger<ReferenceValueService>.Instance);
}
