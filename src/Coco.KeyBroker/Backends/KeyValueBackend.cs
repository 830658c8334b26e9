// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>Resources in the key-value store: the present value as the reference stores it, and beside it the former ones.</summary>
/// <remarks>
/// A write makes a record of the new version first, then takes the place in the list of versions, then replaces the present value; the
/// last write of two at once is the one that the list names, at whichever replica it was made.
/// </remarks>
internal sealed class KeyValueBackend(KeyBrokerStores stores, KeyBrokerOptions options, TimeProvider time) : ISecretBackend
{
    private const int MaxAttempts = 64;
    private const string MetaName = "/meta";

    /// <inheritdoc/>
    public string Type => "kvstorage";

    /// <inheritdoc/>
    public async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        IKeyValueStore store = await stores.ResourcesAsync(ct);
        return await store.GetAsync(path.ToString(), ct) is { } stored ? Secret.CopyOf(stored.Value.Span) : Missing(path);
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> WriteAsync(ResourcePath path, Secret value, CancellationToken ct) =>
        (await WriteAsync(path, value, null, ct)).Refusal;

    /// <inheritdoc/>
    public async ValueTask<Refusal?> DeleteAsync(ResourcePath path, CancellationToken ct)
    {
        IKeyValueStore store = await stores.ResourcesAsync(ct);
        bool there = await store.DeleteAsync(path.ToString(), ct) is not null;
        IKeyValueStore history = await stores.HistoryAsync(ct);
        await foreach (string key in history.ListAsync(path + "/", ct))
        {
            await history.DeleteAsync(key, ct);
        }

        return there ? null : Missing(path);
    }

    /// <summary>Sets the value; gives its version.</summary>
    /// <param name="path">The name.</param>
    /// <param name="value">The value.</param>
    /// <param name="expiresAt">From when on it does not exist; null for never.</param>
    /// <param name="ct">Cancels.</param>
    public async ValueTask<Result<long>> WriteAsync(ResourcePath path, Secret value, DateTimeOffset? expiresAt, CancellationToken ct)
    {
        if (value.Length > StoreKeys.MaxValueBytes - 256)
        {
            return new Refusal(RefusalCode.TooLarge, $"a resource has at most {StoreKeys.MaxValueBytes - 256} bytes");
        }

        if (expiresAt <= time.GetUtcNow())
        {
            return new Refusal(RefusalCode.Malformed, "the expiry is not in the future");
        }

        string name = path.ToString();
        IKeyValueStore store = await stores.ResourcesAsync(ct);
        IKeyValueStore history = await stores.HistoryAsync(ct);
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            (Meta meta, long? metaVersion) = await ReadMetaAsync(history, name, ct);
            if (metaVersion is null && await store.GetAsync(name, ct) is { } unversioned)
            {
                // A value that was stored before there were versions becomes the first one.
                await history.PutAsync(VersionKey(name, 1), Record(time.GetUtcNow(), null, unversioned.Value.Span), new PutOptions { OnlyIfAbsent = true }, ct);
                meta = meta with { Last = 1, Current = 1 };
            }

            long next = meta.Last + 1;
            if (!await history.PutAsync(VersionKey(name, next), Record(time.GetUtcNow(), expiresAt, value.Reveal()), new PutOptions { OnlyIfAbsent = true }, ct))
            {
                // Another write, or one that was cut short, has the number.
                await TryPutMetaAsync(history, name, meta with { Last = next }, metaVersion, ct);
                continue;
            }

            if (!await TryPutMetaAsync(history, name, new Meta(next, next), metaVersion, ct))
            {
                await history.DeleteAsync(VersionKey(name, next), ct);
                continue;
            }

            await ReplaceAsync(store, history, name, next, value.Reveal().ToArray(), expiresAt, ct);
            await PruneAsync(history, name, next, ct);
            return next;
        }

        return new Refusal(RefusalCode.Conflict, "others write the same resource without end");
    }

    /// <summary>The versions of a resource, oldest first.</summary>
    public async ValueTask<Result<ImmutableArray<ResourceVersion>>> GetHistoryAsync(ResourcePath path, CancellationToken ct)
    {
        string name = path.ToString();
        IKeyValueStore history = await stores.HistoryAsync(ct);
        IKeyValueStore store = await stores.ResourcesAsync(ct);
        StoredValue? present = await store.GetAsync(name, ct);
        (Meta meta, long? metaVersion) = await ReadMetaAsync(history, name, ct);
        if (metaVersion is null)
        {
            return present is { } only
                ? ImmutableArray.Create(new ResourceVersion(1, null, null, only.Value.Length, IsCurrent: true))
                : Missing(path);
        }

        var versions = ImmutableArray.CreateBuilder<ResourceVersion>();
        await foreach (string key in history.ListAsync(name + "/", ct))
        {
            if (TryParseVersion(name, key, out long version) && version <= meta.Last && await history.GetAsync(key, ct) is { } record)
            {
                (DateTimeOffset created, DateTimeOffset? expires, ReadOnlyMemory<byte> value) = ReadRecord(record.Value);
                versions.Add(new ResourceVersion(version, created, expires, value.Length, version == meta.Current && present is not null));
            }
        }

        return versions.ToImmutable();
    }

    /// <summary>Makes a former version the present one again, as a new version.</summary>
    public async ValueTask<Result<long>> RollBackAsync(ResourcePath path, long version, CancellationToken ct)
    {
        IKeyValueStore history = await stores.HistoryAsync(ct);
        if (version < 1 || await history.GetAsync(VersionKey(path.ToString(), version), ct) is not { } record)
        {
            return new Refusal(RefusalCode.NotFound, $"version {version} of {path} is not kept");
        }

        (_, _, ReadOnlyMemory<byte> value) = ReadRecord(record.Value);
        using var secret = Secret.CopyOf(value.Span);
        return await WriteAsync(path, secret, null, ct);
    }

    /// <summary>Sets from when on the present value does not exist; null for never.</summary>
    public async ValueTask<Result<long>> SetExpiryAsync(ResourcePath path, DateTimeOffset? expiresAt, CancellationToken ct)
    {
        if (!(await ReadAsync(path, ct)).TryGet(out Secret? value, out Refusal? refusal))
        {
            return refusal;
        }

        using (value)
        {
            return await WriteAsync(path, value, expiresAt, ct);
        }
    }

    /// <summary>The names that begin with a prefix, in order.</summary>
    public async IAsyncEnumerable<ResourcePath> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        IKeyValueStore store = await stores.ResourcesAsync(ct);
        await foreach (string key in store.ListAsync(prefix, ct))
        {
            if (ResourcePath.Parse(key).TryGet(out ResourcePath path, out _))
            {
                yield return path;
            }
        }
    }

    private static async ValueTask ReplaceAsync(IKeyValueStore store, IKeyValueStore history, string name, long version, byte[] value, DateTimeOffset? expiresAt, CancellationToken ct)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            StoredValue? present = await store.GetAsync(name, ct);
            (Meta meta, _) = await ReadMetaAsync(history, name, ct);
            if (meta.Current != version)
            {
                // A later write took over; its value must not be replaced by ours.
                return;
            }

            PutOptions condition = present is { } p
                ? new PutOptions { IfVersion = p.Version, ExpiresAt = expiresAt }
                : new PutOptions { OnlyIfAbsent = true, ExpiresAt = expiresAt };
            if (await store.PutAsync(name, value, condition, ct))
            {
                return;
            }
        }

        throw new StoreUnavailableException("a resource could not be replaced");
    }

    private async ValueTask PruneAsync(IKeyValueStore history, string name, long newest, CancellationToken ct)
    {
        long oldest = newest - options.KeptVersions;
        for (long version = oldest; version > 0 && version > oldest - 4; version--)
        {
            await history.DeleteAsync(VersionKey(name, version), ct);
        }
    }

    private static async ValueTask<(Meta Meta, long? Version)> ReadMetaAsync(IKeyValueStore history, string name, CancellationToken ct)
    {
        if (await history.GetAsync(name + MetaName, ct) is not { } stored)
        {
            return (new Meta(0, 0), null);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(stored.Value);
            return (new Meta(document.RootElement.GetProperty("current").GetInt64(), document.RootElement.GetProperty("last").GetInt64()), stored.Version);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StoreUnavailableException("the list of versions of a resource is damaged", e);
        }
    }

    private static ValueTask<bool> TryPutMetaAsync(IKeyValueStore history, string name, Meta meta, long? ifVersion, CancellationToken ct)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{{\"current\":{meta.Current},\"last\":{meta.Last}}}");
        return history.PutAsync(
            name + MetaName,
            System.Text.Encoding.ASCII.GetBytes(text),
            ifVersion is { } v ? new PutOptions { IfVersion = v } : new PutOptions { OnlyIfAbsent = true },
            ct);
    }

    private static byte[] Record(DateTimeOffset created, DateTimeOffset? expiresAt, ReadOnlySpan<byte> value)
    {
        var buffer = new ArrayBufferWriter<byte>(128 + value.Length);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("created"u8, created.UtcDateTime);
            if (expiresAt is { } e)
            {
                json.WriteString("expires"u8, e.UtcDateTime);
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        buffer.Write(value);
        byte[] record = buffer.WrittenSpan.ToArray();
        buffer.Clear();
        return record;
    }

    private static (DateTimeOffset Created, DateTimeOffset? ExpiresAt, ReadOnlyMemory<byte> Value) ReadRecord(ReadOnlyMemory<byte> record)
    {
        int end = record.Span.IndexOf((byte)'\n');
        try
        {
            using JsonDocument document = JsonDocument.Parse(record[..Math.Max(end, 0)]);
            DateTimeOffset? expires = document.RootElement.TryGetProperty("expires", out JsonElement e) ? e.GetDateTimeOffset() : null;
            return (document.RootElement.GetProperty("created").GetDateTimeOffset(), expires, record[(end + 1)..]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StoreUnavailableException("a version of a resource is damaged", e);
        }
    }

    private static string VersionKey(string name, long version) => name + "/" + version.ToString("D10", CultureInfo.InvariantCulture);

    private static bool TryParseVersion(string name, string key, out long version) =>
        long.TryParse(key.AsSpan(name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out version);

    private static Refusal Missing(ResourcePath path) => new(RefusalCode.NotFound, $"there is no resource {path}");

    private readonly record struct Meta(long Current, long Last);
}

/// <summary>What is known of one version of a resource.</summary>
internal sealed record ResourceVersion(long Version, DateTimeOffset? CreatedAt, DateTimeOffset? ExpiresAt, int Size, bool IsCurrent);
