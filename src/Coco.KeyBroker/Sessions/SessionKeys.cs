// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>Keeps the ring that all replicas seal cookies with: made once in the store (first writer wins), renewed every 30 days.</summary>
internal sealed class SessionKeys(KeyBrokerStores stores, TimeProvider time)
{
    private const string StoreKey = "session-keys";
    private const int KeptKeys = 3;
    private static readonly TimeSpan RenewAfter = TimeSpan.FromDays(30);
    private static readonly TimeSpan ReloadPause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile SessionKeyRing? _ring;
    private long _loadedAt;

    /// <summary>The ring to seal with. No store access but for the first call and once a month.</summary>
    public ValueTask<SessionKeyRing> GetAsync(CancellationToken ct) =>
        _ring is { } ring && time.GetUtcNow() - ring.Newest.MadeAt < RenewAfter ? new(ring) : LoadAsync(null, ct);

    /// <summary>The key of a cookie; asks the store again when the key is unknown, since another replica may have made it, but not more than once a second.</summary>
    public async ValueTask<SessionKey?> FindAsync(uint id, CancellationToken ct)
    {
        SessionKeyRing ring = await GetAsync(ct);
        if (ring.Find(id) is { } key)
        {
            return key;
        }

        if (time.GetElapsedTime(Interlocked.Read(ref _loadedAt)) < ReloadPause)
        {
            return null;
        }

        return (await LoadAsync(ring, ct)).Find(id);
    }

    private async ValueTask<SessionKeyRing> LoadAsync(SessionKeyRing? stale, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (stale is null && _ring is { } present && time.GetUtcNow() - present.Newest.MadeAt < RenewAfter)
            {
                return present;
            }

            IKeyValueStore store = await stores.BrokerAsync(ct);
            for (int attempt = 0; attempt < 16; attempt++)
            {
                StoredValue? stored = await store.GetAsync(StoreKey, ct);
                SessionKeyRing? ring = stored is { } s ? Read(s) : null;
                if (ring is not null && time.GetUtcNow() - ring.Newest.MadeAt < RenewAfter)
                {
                    Interlocked.Exchange(ref _loadedAt, time.GetTimestamp());
                    return _ring = ring;
                }

                var fresh = new SessionKey(BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)), Secret.Random(32), time.GetUtcNow());
                ImmutableArray<SessionKey> keys = ring is null ? [fresh] : [fresh, .. ring.Keys.Take(KeptKeys - 1)];
                byte[] bytes = Write(keys);
                await store.PutAsync(StoreKey, bytes, stored is { } old ? new PutOptions { IfVersion = old.Version } : new PutOptions { OnlyIfAbsent = true }, ct);
                CryptographicOperations.ZeroMemory(bytes);
            }

            throw new StoreUnavailableException("the session keys could not be written");
        }
        finally
        {
            _gate.Release();
        }
    }

    private static SessionKeyRing Read(StoredValue stored)
    {
        var keys = ImmutableArray.CreateBuilder<SessionKey>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(stored.Value);
            foreach (JsonElement key in document.RootElement.GetProperty("keys").EnumerateArray())
            {
                byte[] bytes = key.GetProperty("key").GetBytesFromBase64();
                if (bytes.Length != 32)
                {
                    throw new StoreUnavailableException("the record of session keys is damaged");
                }

                keys.Add(new SessionKey(
                    uint.Parse(key.GetProperty("id").GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                    Secret.CopyOf(bytes),
                    key.GetProperty("made").GetDateTimeOffset()));
                CryptographicOperations.ZeroMemory(bytes);
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException or OverflowException)
        {
            throw new StoreUnavailableException("the record of session keys is damaged", e);
        }

        return keys.Count > 0 ? new SessionKeyRing(keys.ToImmutable(), stored.Version) : throw new StoreUnavailableException("the record of session keys is empty");
    }

    private static byte[] Write(ImmutableArray<SessionKey> keys)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("keys"u8);
            foreach (SessionKey key in keys)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, key.Id.ToString("x8", CultureInfo.InvariantCulture));
                json.WriteBase64String("key"u8, key.Key.Reveal());
                json.WriteString("made"u8, key.MadeAt);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        byte[] bytes = buffer.WrittenSpan.ToArray();
        buffer.Clear();
        return bytes;
    }
}
