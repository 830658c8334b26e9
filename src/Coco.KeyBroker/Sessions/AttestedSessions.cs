// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>Tokens of sessions that were attested, in the store under the session's id until the session ends, and cached here.</summary>
/// <remarks>
/// A record is written once and never changed (first writer wins), so a cached one cannot be stale. It carries a code under a key that only
/// replicas have: a replica that reads it knows that another one had the token from its attestation service, and need not verify its signature.
/// </remarks>
internal sealed class AttestedSessions(KeyBrokerStores stores, SessionKeys keys, TokenVerifier tokens)
{
    private readonly BoundedCache<string, AttestationToken> _cache = new(4096);

    /// <summary>The token of a session; null when it was not attested.</summary>
    public ValueTask<AttestationToken?> FindAsync(string id, CancellationToken ct) =>
        _cache.TryGet(id, out AttestationToken? token) ? new(token) : ReadAsync(id, ct);

    /// <summary>The token of a session as far as this process knows it; asks no store.</summary>
    public AttestationToken? FindHere(string id) => _cache.TryGet(id, out AttestationToken? token) ? token : null;

    /// <summary>Stores the token of a session. Gives the one that is stored: of two calls at once the first's.</summary>
    public async ValueTask<AttestationToken> AddAsync(Session session, AttestationToken token, CancellationToken ct)
    {
        IKeyValueStore store = await stores.SessionsAsync(ct);
        ReadOnlyMemory<byte> record = Write(session, token, (await keys.GetAsync(ct)).Newest);
        if (!await store.PutAsync(session.Id, record, new PutOptions { OnlyIfAbsent = true, ExpiresAt = session.ExpiresAt, Relaxed = true }, ct))
        {
            return await ReadAsync(session.Id, ct) ?? throw new StoreUnavailableException("an attested session vanished while it was read");
        }

        _cache.Set(session.Id, token);
        return token;
    }

    /// <summary>Keeps a nonce that is too large for a cookie.</summary>
    public async ValueTask PutChallengeAsync(Session session, string nonce, CancellationToken ct)
    {
        IKeyValueStore store = await stores.SessionsAsync(ct);
        await store.PutAsync("challenge/" + session.Id, Encoding.UTF8.GetBytes(nonce), new PutOptions { ExpiresAt = session.ExpiresAt, Relaxed = true }, ct);
    }

    /// <summary>The nonce that <see cref="PutChallengeAsync"/> kept.</summary>
    public async ValueTask<string?> FindChallengeAsync(string id, CancellationToken ct)
    {
        IKeyValueStore store = await stores.SessionsAsync(ct);
        return await store.GetAsync("challenge/" + id, ct) is { } stored ? Encoding.UTF8.GetString(stored.Value.Span) : null;
    }

    private async ValueTask<AttestationToken?> ReadAsync(string id, CancellationToken ct)
    {
        IKeyValueStore store = await stores.SessionsAsync(ct);
        if (await store.GetAsync(id, ct) is not { } stored)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(stored.Value);
            if (document.RootElement.TryGetProperty("Attested", out JsonElement attested) && attested.GetProperty("token").GetString() is { } compact)
            {
                var token = new AttestationToken(compact);
                if (await IsOfAReplicaAsync(id, compact, attested, ct))
                {
                    tokens.NoteIssued(token, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(compact))));
                }

                _cache.Set(id, token);
                return token;
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new StoreUnavailableException("a session record is damaged", e);
        }

        return null;
    }

    private async ValueTask<bool> IsOfAReplicaAsync(string id, string compact, JsonElement attested, CancellationToken ct) =>
        attested.TryGetProperty("key"u8, out JsonElement keyId)
        && uint.TryParse(keyId.GetString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint number)
        && attested.TryGetProperty("mac"u8, out JsonElement mac)
        && mac.TryGetBytesFromBase64(out byte[]? code)
        && await keys.FindAsync(number, ct) is { } key
        && CryptographicOperations.FixedTimeEquals(code, key.Authenticate(id, compact));

    // The reference's record (kbs.md 2.10), so that its replicas could read ours; they ignore the members that it has not.
    private static ReadOnlyMemory<byte> Write(Session session, AttestationToken token, SessionKey key)
    {
        // The writer asks for thrice the length of a text, since it could have to be escaped.
        var buffer = new ArrayBufferWriter<byte>((3 * token.Compact.Length) + 256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("Attested"u8);
            json.WriteString("token"u8, token.Compact);
            json.WriteString("id"u8, session.Id);
            json.WriteString("timeout"u8, session.ExpiresAt.UtcDateTime);
            json.WriteString("key"u8, key.Id.ToString("x8", CultureInfo.InvariantCulture));
            json.WriteBase64String("mac"u8, key.Authenticate(session.Id, token.Compact));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
