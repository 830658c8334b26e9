// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.ReferenceValues;

/// <summary>One reference value as the store keeps it (rvps.md 4.1), older shapes included (4.2).</summary>
/// <param name="Name">Its name, which is also its place in the store.</param>
/// <param name="Value">What a query gives: any JSON.</param>
/// <param name="Expiration">From this instant on (UTC, whole seconds) it is unknown.</param>
public sealed record ReferenceValueRecord(string Name, JsonElement Value, DateTimeOffset Expiration)
{
    internal const string CurrentVersion = "0.1.0";
    internal const int MaxBytes = 1 << 20;

    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>The digests behind a list of hashes, where the provenance gave algorithm and version; else empty.</summary>
    public ImmutableArray<HashEntry> Hashes { get; init; } = [];

    /// <summary>Where the publication was notarised (<c>audit_proof</c> of rvps.md 4.2); undefined when nowhere.</summary>
    public JsonElement AuditProof { get; init; }

    /// <summary>The value of the contract.</summary>
    public ReferenceValue ToReferenceValue() => new(Name, Value, Expiration);

    /// <summary>A record whose value is the list of <paramref name="hashes"/>.</summary>
    public static ReferenceValueRecord OfHashes(string name, ImmutableArray<HashEntry> hashes, DateTimeOffset expiration) =>
        new(name, StringsOf(hashes.Select(h => h.Value)), expiration) { Hashes = hashes };

    /// <summary>A record whose value is a list of texts.</summary>
    public static ReferenceValueRecord OfStrings(string name, IEnumerable<string> values, DateTimeOffset expiration) =>
        new(name, StringsOf(values), expiration);

    /// <summary>Twelve calendar months after <paramref name="created"/>, without its fraction of a second (rvps.md 4.1).</summary>
    public static DateTimeOffset DefaultExpiration(DateTimeOffset created)
    {
        DateTimeOffset utc = created.ToUniversalTime();
        return new DateTimeOffset(utc.Year, utc.Month, utc.Day, utc.Hour, utc.Minute, utc.Second, TimeSpan.Zero).AddMonths(12);
    }

    /// <summary>Reads <c>YYYY-MM-DDTHH:MM:SSZ</c>.</summary>
    public static bool TryParseInstant(string? text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParseExact(
            text,
            InstantFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out instant);

    /// <summary>Reads the stored bytes: the present shape, the hash lists of 0.15 and earlier, and the first one with <c>expired</c>.</summary>
    public static Result<ReferenceValueRecord> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (!HostileJson.Parse(bytes.Span, MaxBytes).TryGet(out JsonElement root, out Refusal? bad))
        {
            return bad.Within("reference value record");
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "reference value record is not an object");
        }

        if (!root.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "reference value record has no name") { Field = "name" };
        }

        bool dated = root.TryGetProperty("expiration", out JsonElement expiration) || root.TryGetProperty("expired", out expiration);
        if (!dated || expiration.ValueKind != JsonValueKind.String || !TryParseInstant(expiration.GetString(), out DateTimeOffset until))
        {
            return new Refusal(RefusalCode.Malformed, "reference value record has no expiration of the form YYYY-MM-DDTHH:MM:SSZ") { Field = "expiration" };
        }

        ImmutableArray<HashEntry> hashes = [];
        if (root.TryGetProperty("hash-value", out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0)
        {
            if (!ReadHashes(list).TryGet(out hashes, out Refusal? why))
            {
                return why;
            }
        }

        JsonElement value;
        if (root.TryGetProperty("value", out JsonElement present) && (hashes.IsEmpty || present.ValueKind != JsonValueKind.Null))
        {
            value = present.Clone();
        }
        else if (root.TryGetProperty("hash-value", out _))
        {
            value = StringsOf(hashes.Select(h => h.Value));
        }
        else
        {
            return new Refusal(RefusalCode.Malformed, "reference value record has neither value nor hash-value") { Field = "value" };
        }

        JsonElement proof = root.TryGetProperty("audit_proof", out JsonElement a) && a.ValueKind == JsonValueKind.Object ? a.Clone() : default;
        return new ReferenceValueRecord(name.GetString()!, value, until) { Hashes = hashes, AuditProof = proof };
    }

    /// <summary>The bytes to store: <c>version</c>, <c>name</c>, <c>expiration</c>, <c>value</c>, then what only the fork knows.</summary>
    public ReadOnlyMemory<byte> ToBytes()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("version"u8, CurrentVersion);
            json.WriteString("name"u8, Name);
            json.WriteString("expiration"u8, Expiration.UtcDateTime.ToString(InstantFormat, CultureInfo.InvariantCulture));
            json.WritePropertyName("value"u8);
            Value.WriteTo(json);
            if (!Hashes.IsEmpty)
            {
                json.WriteStartArray("hash-value"u8);
                foreach (HashEntry hash in Hashes)
                {
                    json.WriteStartObject();
                    json.WriteString("alg"u8, hash.Algorithm);
                    json.WriteString("value"u8, hash.Value);
                    if (hash.ArtifactVersion is not null)
                    {
                        json.WriteString("artifact_version"u8, hash.ArtifactVersion);
                    }

                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            if (AuditProof.ValueKind == JsonValueKind.Object)
            {
                json.WritePropertyName("audit_proof"u8);
                AuditProof.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>
    /// What stands after <paramref name="next"/> is added to <paramref name="existing"/> (rvps.md 6.5): hash lists are united, old entries
    /// first, with the later expiration; everything else is replaced. Null when nothing changes.
    /// </summary>
    public static ReferenceValueRecord? Merge(ReferenceValueRecord existing, ReferenceValueRecord next)
    {
        if (existing.Hashes.IsEmpty || next.Hashes.IsEmpty)
        {
            return next.Hashes.IsEmpty && existing.Hashes.IsEmpty && JsonElement.DeepEquals(existing.Value, next.Value) ? null : next;
        }

        var known = existing.Hashes.Select(h => (h.Algorithm, h.Value)).ToHashSet();
        ImmutableArray<HashEntry> added = [.. next.Hashes.Where(h => !known.Contains((h.Algorithm, h.Value)))];
        if (added.IsEmpty)
        {
            return null;
        }

        DateTimeOffset later = existing.Expiration > next.Expiration ? existing.Expiration : next.Expiration;
        JsonElement proof = next.AuditProof.ValueKind == JsonValueKind.Object ? next.AuditProof : existing.AuditProof;
        return OfHashes(next.Name, [.. existing.Hashes, .. added], later) with { AuditProof = proof };
    }

    internal static JsonElement StringsOf(IEnumerable<string> values)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (string value in values)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
        }

        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static Result<ImmutableArray<HashEntry>> ReadHashes(JsonElement list)
    {
        var entries = ImmutableArray.CreateBuilder<HashEntry>(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("value", out JsonElement value) || value.ValueKind != JsonValueKind.String)
            {
                return new Refusal(RefusalCode.Malformed, "an entry of hash-value has no value") { Field = "hash-value" };
            }

            string alg = item.TryGetProperty("alg", out JsonElement a) && a.ValueKind == JsonValueKind.String ? a.GetString()! : string.Empty;
            string? version = item.TryGetProperty("artifact_version", out JsonElement v) && v.ValueKind == JsonValueKind.String ? v.GetString() : null;
            entries.Add(new HashEntry(alg, value.GetString()!) { ArtifactVersion = version });
        }

        return entries.DrainToImmutable();
    }
}
