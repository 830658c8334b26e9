// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Cca;

namespace Coco.Verifiers.Cca;

/// <summary>Reference values of CCA platforms and realms. They never refuse a token: what matches is written down, and policy judges the claims.</summary>
/// <remarks>Source: tee-evidence.md 8.2, step 6.</remarks>
public sealed class CcaReferenceValueStore
{
    private readonly ImmutableArray<JsonElement> _platforms;
    private readonly ImmutableArray<JsonElement> _realms;

    private CcaReferenceValueStore(ImmutableArray<JsonElement> platforms, ImmutableArray<JsonElement> realms)
    {
        _platforms = platforms;
        _realms = realms;
    }

    /// <summary>No reference values: nothing matches.</summary>
    public static CcaReferenceValueStore Empty { get; } = new([], []);

    /// <summary>Reads the store's JSON: <c>{"platform": […], "realm": […]}</c>, both optional.</summary>
    public static Result<CcaReferenceValueStore> Parse(ReadOnlySpan<byte> utf8)
    {
        if (!HostileJson.ParseObject(utf8, 16 << 20).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal;
        }

        return Entries(root, "platform").TryGet(out ImmutableArray<JsonElement> platforms, out refusal) && Entries(root, "realm").TryGet(out ImmutableArray<JsonElement> realms, out refusal)
            ? new CcaReferenceValueStore(platforms, realms)
            : refusal;
    }

    /// <summary>Whether one entry has this implementation id, this configuration, and every component of the token.</summary>
    public bool Matches(CcaPlatformClaims platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        return _platforms.Any(p => Same(p, "implementation-id", platform.ImplementationId) && Same(p, "platform-configuration", platform.Configuration)
            && p.TryGetProperty("sw-components", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            && platform.Components.All(c => list.EnumerateArray().Any(r => Matches(r, c))));
    }

    /// <summary>Whether one entry has this initial measurement, these extensible measurements, this personalisation value and this key hash.</summary>
    public bool Matches(CcaRealmClaims realm)
    {
        ArgumentNullException.ThrowIfNull(realm);
        return _realms.Any(r => Same(r, "initial-measurement", realm.InitialMeasurement)
            && (!r.TryGetProperty("personalization-value", out _) || Same(r, "personalization-value", realm.PersonalizationValue))
            && (!r.TryGetProperty("rak-hash-algorithm", out JsonElement h) || (h.ValueKind == JsonValueKind.String && h.GetString() == realm.PublicKeyHashAlgorithm))
            && (!r.TryGetProperty("extensible-measurements", out JsonElement list) || Matches(list, realm.ExtensibleMeasurements)));
    }

    private static bool Matches(JsonElement reference, CcaSoftwareComponent component) => Same(reference, "measurement-value", component.Measurement)
        && Same(reference, "signer-id", component.SignerId)
        && SameText(reference, "component-type", component.Type)
        && SameText(reference, "version", component.Version);

    private static bool Matches(JsonElement list, ImmutableArray<ReadOnlyMemory<byte>> measurements) => list.ValueKind == JsonValueKind.Array
        && list.GetArrayLength() == measurements.Length
        && list.EnumerateArray().Zip(measurements).All(p => p.First.ValueKind == JsonValueKind.String
            && CcaJson.Hex(p.First.GetString()!, "extensible-measurements").TryGet(out ReadOnlyMemory<byte> bytes, out _) && bytes.Span.SequenceEqual(p.Second.Span));

    private static bool Same(JsonElement reference, string name, ReadOnlyMemory<byte> value) =>
        CcaJson.Hex(reference, name).TryGet(out ReadOnlyMemory<byte> bytes, out _) && bytes.Span.SequenceEqual(value.Span);

    /// <summary>Optional members count only when the reference has them.</summary>
    private static bool SameText(JsonElement reference, string name, string? value) =>
        !reference.TryGetProperty(name, out JsonElement e) || (e.ValueKind == JsonValueKind.String && e.GetString() == value);

    private static Result<ImmutableArray<JsonElement>> Entries(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out JsonElement array))
        {
            return ImmutableArray<JsonElement>.Empty;
        }

        return array.ValueKind == JsonValueKind.Array && array.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object)
            ? ImmutableArray.CreateRange(array.EnumerateArray())
            : new Refusal(RefusalCode.Malformed, $"reference value store: {name} is not an array of objects") { Field = name };
    }
}
