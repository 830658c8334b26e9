// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coco.Protocol;
using Coco.ReferenceValues.Lists;
using Coco.Storage;
using Microsoft.Extensions.Logging;

namespace Coco.ReferenceValues;

/// <summary>Registers, keeps and answers reference values. A singleton; thread-safe; any number of replicas may share its store.</summary>
public sealed partial class ReferenceValueService
{
    /// <summary>The store namespace, as in the reference.</summary>
    public const string Namespace = "reference_value";

    private const int MaxCached = 100_000;
    private const int MaxRecordsAtOnce = 100_000;
    private const int MergeAttempts = 8;
    private const int WritesAtOnce = 64;
    private const int MaxLogged = 16;

    private readonly IStoreProvider _stores;
    private readonly ReferenceValuesOptions _options;
    private readonly PublicationPolicy _publication;
    private readonly SignedMessages _signed;
    private readonly MaterialSource _materials;
    private readonly FrozenDictionary<string, IReferenceValueExtractor> _extractors;
    private readonly TimeProvider _clock;
    private readonly ILogger<ReferenceValueService> _log;
    private Snapshot _snapshot = new(-1);
    private IKeyValueStore? _store;

    /// <summary>Takes the store and the extractors.</summary>
    /// <exception cref="InvalidOperationException">Two extractors take the same type.</exception>
    public ReferenceValueService(
        IStoreProvider stores,
        IEnumerable<IReferenceValueExtractor> extractors,
        ReferenceValuesOptions options,
        TimeProvider clock,
        ILogger<ReferenceValueService> log,
        HttpClient? http = null)
    {
        // One client for the life of the process; it is used only where fetching is allowed.
        _materials = new MaterialSource(options, http ?? new HttpClient { Timeout = TimeSpan.FromSeconds(60) });
        _stores = stores;
        _options = options;
        _publication = new PublicationPolicy(options.PublicationRules);
        _signed = new SignedMessages(options.TrustedSigners);
        _clock = clock;
        _log = log;
        var byType = new Dictionary<string, IReferenceValueExtractor>(StringComparer.Ordinal);
        foreach (IReferenceValueExtractor extractor in extractors)
        {
            if (!byType.TryAdd(extractor.ProvenanceType, extractor))
            {
                throw new InvalidOperationException($"two extractors for '{extractor.ProvenanceType}' are registered");
            }
        }

        _extractors = byType.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The provenance types that are understood, sorted.</summary>
    public ImmutableArray<string> ProvenanceTypes => [.. _extractors.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Checks a message (rvps.md 3) and stores what it says; all of it or, when any part is refused, nothing.</summary>
    /// <param name="message">JSON text of the envelope, or a DSSE envelope around it.</param>
    /// <param name="publisher">The caller, as the transport knows it.</param>
    /// <param name="ct">Ends it.</param>
    public async ValueTask<Refusal?> RegisterAsync(string message, ReferenceValuePublisher publisher, CancellationToken ct)
    {
        if (!_signed.Open(message).TryGet(out OpenedMessage? opened, out Refusal? why))
        {
            return Refused("message", why);
        }

        if (!ReferenceValueMessage.Parse(opened.Text).TryGet(out ReferenceValueMessage? envelope, out why))
        {
            return Refused("message", why);
        }

        if (!_extractors.TryGetValue(envelope.Type, out IReferenceValueExtractor? extractor))
        {
            return Refused(envelope.Type, new Refusal(RefusalCode.Unsupported, $"Could not find extractor for {envelope.Type}") { Field = "type" });
        }

        if (!(await extractor.ExtractAsync(envelope.Payload, ct).ConfigureAwait(false)).TryGet(out ExtractedProvenance? provenance, out why))
        {
            return Refused(envelope.Type, why);
        }

        string[] identities = [.. publisher.Identities, .. opened.Signers, .. provenance.Signers];
        why = await StoreAsync(provenance.Records, identities, _options.MergeOnRegister, ct).ConfigureAwait(false);
        return why is null ? null : Refused(envelope.Type, why);
    }

    /// <summary>Stores values that the caller computed, under the same publication rules.</summary>
    public ValueTask<Refusal?> RegisterAsync(ImmutableArray<ReferenceValue> values, ReferenceValuePublisher publisher, CancellationToken ct) =>
        StoreAsync(
            [.. values.Select(v => new ReferenceValueRecord(v.Name, v.Value, v.Expiration))],
            publisher.Identities,
            _options.MergeOnRegister,
            ct);

    /// <summary>The JSON text of one value; <see cref="RefusalCode.NotFound"/> when it is unknown or expired.</summary>
    public async ValueTask<Result<string>> QueryAsync(string name, CancellationToken ct)
    {
        ReferenceValueRecord? record = await FindAsync(name, ct).ConfigureAwait(false);
        return record is null
            ? new Refusal(RefusalCode.NotFound, $"no reference value '{name}'")
            : record.Value.GetRawText();
    }

    /// <summary>The JSON text of an object of all values that are not expired, by name (rvps.md 2: the empty id).</summary>
    public async ValueTask<string> QueryAllAsync(CancellationToken ct)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            await foreach (ReferenceValue value in ListAsync(ct).ConfigureAwait(false))
            {
                if (!_options.EnforceExpiry || value.Expiration > _clock.GetUtcNow())
                {
                    json.WritePropertyName(value.Name);
                    value.Value.WriteTo(json);
                }
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>The values of those names that are known. What is missing in the answer is unknown.</summary>
    public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        Snapshot snapshot = await CurrentAsync(store, ct).ConfigureAwait(false);
        ImmutableDictionary<string, JsonElement>.Builder found = ImmutableDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (await FindAsync(store, snapshot, name, ct).ConfigureAwait(false) is { } record)
            {
                found[name] = record.Value;
            }
        }

        return found.ToImmutable();
    }

    /// <summary>All records in the order of the store, expired ones too; damaged ones are skipped with a warning.</summary>
    public async IAsyncEnumerable<ReferenceValue> ListAsync([EnumeratorCancellation] CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        await foreach (string key in store.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (await store.GetAsync(key, ct).ConfigureAwait(false) is not { } stored)
            {
                continue;
            }

            if (ReferenceValueRecord.Parse(stored.Value).TryGet(out ReferenceValueRecord? record, out Refusal? why))
            {
                yield return record.ToReferenceValue();
            }
            else
            {
                Log.Damaged(_log, ReferenceValueName.FromKey(key), why.Detail);
            }
        }
    }

    /// <summary>Removes a value; <see cref="RefusalCode.NotFound"/> when there is none.</summary>
    public async ValueTask<Refusal?> DeleteAsync(string name, ReferenceValuePublisher publisher, CancellationToken ct)
    {
        if (ReferenceValueName.Check(name) is { } bad)
        {
            return bad;
        }

        if (_publication.Check(name, publisher.Identities) is { } forbidden)
        {
            return Refused("delete", forbidden);
        }

        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        if (await store.DeleteAsync(ReferenceValueName.ToKey(name), ct).ConfigureAwait(false) is null)
        {
            return new Refusal(RefusalCode.NotFound, $"no reference value '{name}'");
        }

        Log.Deleted(_log, name);
        return null;
    }

    internal async ValueTask<Refusal?> StoreAsync(
        ImmutableArray<ReferenceValueRecord> records,
        IReadOnlyCollection<string> identities,
        bool merge,
        CancellationToken ct)
    {
        if (records.Length > MaxRecordsAtOnce)
        {
            return new Refusal(RefusalCode.TooLarge, $"{records.Length} reference values in one message, at most {MaxRecordsAtOnce}");
        }

        var bytes = new ReadOnlyMemory<byte>[records.Length];
        for (int i = 0; i < records.Length; i++)
        {
            ReferenceValueRecord record = records[i];
            if (ReferenceValueName.Check(record.Name) is { } bad)
            {
                return bad;
            }

            if (_publication.Check(record.Name, identities) is { } forbidden)
            {
                return forbidden;
            }

            bytes[i] = record.ToBytes();
            if (bytes[i].Length > ReferenceValueRecord.MaxBytes)
            {
                return new Refusal(RefusalCode.TooLarge, $"the value of '{record.Name}' has {bytes[i].Length} bytes, at most {ReferenceValueRecord.MaxBytes} are kept");
            }
        }

        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        if (merge)
        {
            foreach (ReferenceValueRecord record in records)
            {
                if (await MergeAsync(store, ReferenceValueName.ToKey(record.Name), record, ct).ConfigureAwait(false) is { } why)
                {
                    return why;
                }
            }
        }
        else
        {
            await PutAllAsync(store, records, bytes, ct).ConfigureAwait(false);
        }

        foreach (ReferenceValueRecord record in records.Take(MaxLogged))
        {
            Log.Registered(_log, record.Name, record.Expiration);
        }

        if (records.Length > MaxLogged)
        {
            Log.RegisteredMore(_log, records.Length - MaxLogged);
        }

        return null;
    }

    // Several writes under way at once share a commit. Of a name that stands twice in a message the last one counts.
    private static async ValueTask PutAllAsync(IKeyValueStore store, ImmutableArray<ReferenceValueRecord> records, ReadOnlyMemory<byte>[] bytes, CancellationToken ct)
    {
        var last = new Dictionary<string, int>(records.Length, StringComparer.Ordinal);
        for (int i = 0; i < records.Length; i++)
        {
            last[ReferenceValueName.ToKey(records[i].Name)] = i;
        }

        foreach (KeyValuePair<string, int>[] group in last.Chunk(WritesAtOnce))
        {
            await Task.WhenAll(group.Select(g => store.PutAsync(g.Key, bytes[g.Value], default, ct).AsTask())).ConfigureAwait(false);
        }
    }

    private static async ValueTask<Refusal?> MergeAsync(IKeyValueStore store, string key, ReferenceValueRecord next, CancellationToken ct)
    {
        for (int attempt = 0; attempt < MergeAttempts; attempt++)
        {
            StoredValue? present = await store.GetAsync(key, ct).ConfigureAwait(false);
            if (present is null)
            {
                if (await store.PutAsync(key, next.ToBytes(), new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false))
                {
                    return null;
                }

                continue;
            }

            ReferenceValueRecord? merged = ReferenceValueRecord.Parse(present.Value.Value).TryGet(out ReferenceValueRecord? existing, out _)
                ? ReferenceValueRecord.Merge(existing, next)
                : next;
            if (merged is null
                || await store.PutAsync(key, merged.ToBytes(), new PutOptions { IfVersion = present.Value.Version }, ct).ConfigureAwait(false))
            {
                return null;
            }
        }

        return new Refusal(RefusalCode.Conflict, $"'{next.Name}' was changed by others {MergeAttempts} times while it was being merged");
    }

    private async ValueTask<ReferenceValueRecord?> FindAsync(string name, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        return await FindAsync(store, await CurrentAsync(store, ct).ConfigureAwait(false), name, ct).ConfigureAwait(false);
    }

    private async ValueTask<ReferenceValueRecord?> FindAsync(IKeyValueStore store, Snapshot snapshot, string name, CancellationToken ct)
    {
        if (!snapshot.Records.TryGetValue(name, out ReferenceValueRecord? record))
        {
            if (ReferenceValueName.Check(name) is not null)
            {
                return null;
            }

            StoredValue? stored = await store.GetAsync(ReferenceValueName.ToKey(name), ct).ConfigureAwait(false);
            if (stored is { } present && !ReferenceValueRecord.Parse(present.Value).TryGet(out record, out Refusal? why))
            {
                Log.Damaged(_log, name, why.Detail);
            }

            if (snapshot.Records.Count < MaxCached)
            {
                snapshot.Records[name] = record;
            }
        }

        return record is not null && _options.EnforceExpiry && record.Expiration <= _clock.GetUtcNow() ? null : record;
    }

    private async ValueTask<Snapshot> CurrentAsync(IKeyValueStore store, CancellationToken ct)
    {
        long generation = await store.GetGenerationAsync(ct).ConfigureAwait(false);
        Snapshot snapshot = Volatile.Read(ref _snapshot);
        if (snapshot.Generation != generation)
        {
            snapshot = new Snapshot(generation);
            Volatile.Write(ref _snapshot, snapshot);
        }

        return snapshot;
    }

    private async ValueTask<IKeyValueStore> OpenAsync(CancellationToken ct) =>
        _store ??= await _stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct).ConfigureAwait(false);

    private Refusal Refused(string what, Refusal why)
    {
        Log.Refused(_log, what, why.Code, why.Detail);
        return why;
    }

    // What was read at one generation of the store. A write makes a new one, so no entry outlives a change.
    private sealed class Snapshot(long generation)
    {
        public long Generation { get; } = generation;

        public ConcurrentDictionary<string, ReferenceValueRecord?> Records { get; } = new(StringComparer.Ordinal);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4800, Level = LogLevel.Information, Message = "reference value {Name} registered until {Expiration:u}")]
        public static partial void Registered(ILogger logger, string name, DateTimeOffset expiration);

        [LoggerMessage(EventId = 4804, Level = LogLevel.Information, Message = "and {Count} more reference values of the same message")]
        public static partial void RegisteredMore(ILogger logger, int count);

        [LoggerMessage(EventId = 4801, Level = LogLevel.Information, Message = "reference value {Name} deleted")]
        public static partial void Deleted(ILogger logger, string name);

        [LoggerMessage(EventId = 4802, Level = LogLevel.Information, Message = "publication of {What} refused, {Code}: {Detail}")]
        public static partial void Refused(ILogger logger, string what, RefusalCode code, string detail);

        [LoggerMessage(EventId = 4803, Level = LogLevel.Warning, Message = "reference value {Name} cannot be read: {Detail}")]
        public static partial void Damaged(ILogger logger, string name, string detail);
    }
}
