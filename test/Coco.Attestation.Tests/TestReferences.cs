// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Attestation.Tests;

/// <summary>Reference values in a dictionary; counts the calls.</summary>
internal sealed class TestReferences : IReferenceValueSource
{
    private readonly ConcurrentDictionary<string, JsonElement> _values = new(StringComparer.Ordinal);

    public int Calls { get; private set; }

    public bool IsDown { get; set; }

    public TestReferences Set(string name, string json)
    {
        _values[name] = HostileJson.Parse(json).Require();
        return this;
    }

    public ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
    {
        Calls++;
        return IsDown
            ? throw new HttpRequestException("reference values cannot be reached")
            : new(names.Where(_values.ContainsKey).ToImmutableDictionary(n => n, n => _values[n], StringComparer.Ordinal));
    }

    public ValueTask<ImmutableDictionary<string, JsonElement>> GetAllAsync(CancellationToken ct) =>
        new(_values.ToImmutableDictionary(StringComparer.Ordinal));
}
