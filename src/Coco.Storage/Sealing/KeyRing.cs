// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Coco.Storage;

/// <summary>
/// The keys that records, cookies and signing keys are sealed with. New records take the active key; the others only open. Thread-safe.
/// </summary>
/// <remarks>
/// Form of a sealed record: <c>C5 01</c>, length of the key id (1 byte), key id (ASCII), salt (32), nonce (12), ciphertext, tag (16).
/// Each record has a key of its own, HKDF-SHA-256 of the ring key with the salt, so that random nonces never run out.
/// </remarks>
public sealed class KeyRing : IDisposable
{
    private const int SaltBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private static readonly byte[] Info = "coco sealed record v1"u8.ToArray();

    private readonly FrozenDictionary<string, Secret> _keys;

    private KeyRing(string active, Dictionary<string, Secret> keys)
    {
        ActiveKeyId = active;
        _keys = keys.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Id of the key that new records are sealed with.</summary>
    public string ActiveKeyId { get; }

    /// <summary>All ids, the active one included.</summary>
    public IReadOnlyCollection<string> KeyIds => _keys.Keys;

    /// <summary>A ring with one fresh key.</summary>
    public static KeyRing Generate(string id)
    {
        RequireId(id);
        return new KeyRing(id, new Dictionary<string, Secret>(StringComparer.Ordinal) { [id] = Secret.Random(32) });
    }

    /// <summary>
    /// Reads <c>{"active":"id","keys":[{"id":"id","key":"base64 of 32 bytes"},…]}</c>. Rotation: add a key to every replica's file, then make
    /// it active, then re-seal, then remove the old one.
    /// </summary>
    public static Result<KeyRing> Parse(ReadOnlyMemory<byte> json)
    {
        var keys = new Dictionary<string, Secret>(StringComparer.Ordinal);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            foreach (JsonElement entry in document.RootElement.GetProperty("keys").EnumerateArray())
            {
                string id = entry.GetProperty("id").GetString() ?? string.Empty;
                if (!IsId(id))
                {
                    return new Refusal(RefusalCode.Malformed, "key ring: an id has 1 to 64 letters, digits, '-' or '_'");
                }

                byte[] key = entry.GetProperty("key").GetBytesFromBase64();
                bool fits = key.Length == 32 && keys.TryAdd(id, Secret.CopyOf(key));
                CryptographicOperations.ZeroMemory(key);
                if (!fits)
                {
                    return new Refusal(RefusalCode.Malformed, $"key ring: key '{id}' must have 32 bytes and stand once");
                }
            }

            string active = document.RootElement.GetProperty("active").GetString() ?? string.Empty;
            return keys.ContainsKey(active)
                ? new KeyRing(active, keys)
                : new Refusal(RefusalCode.Malformed, $"key ring: the active key '{active}' is not among the keys");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return new Refusal(RefusalCode.Malformed, "key ring: expected {\"active\":id,\"keys\":[{\"id\":…,\"key\":base64 of 32 bytes}]}");
        }
    }

    /// <summary>Writes the form that <see cref="Parse"/> reads, as UTF-8. The caller zeroes it.</summary>
    public byte[] Export()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("active", ActiveKeyId);
            writer.WriteStartArray("keys");
            foreach ((string id, Secret key) in _keys)
            {
                writer.WriteStartObject();
                writer.WriteString("id", id);
                writer.WriteBase64String("key", key.Reveal());
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Seals under the active key.</summary>
    /// <param name="plaintext">What is sealed.</param>
    /// <param name="associated">What it belongs to; needed again to open it.</param>
    public byte[] Seal(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated)
    {
        int idLength = ActiveKeyId.Length;
        byte[] record = new byte[3 + idLength + SaltBytes + NonceBytes + plaintext.Length + TagBytes];
        record[0] = 0xC5;
        record[1] = 1;
        record[2] = (byte)idLength;
        Encoding.ASCII.GetBytes(ActiveKeyId, record.AsSpan(3));
        Span<byte> salt = record.AsSpan(3 + idLength, SaltBytes);
        Span<byte> nonce = record.AsSpan(3 + idLength + SaltBytes, NonceBytes);
        RandomNumberGenerator.Fill(record.AsSpan(3 + idLength, SaltBytes + NonceBytes));
        Span<byte> key = stackalloc byte[32];
        try
        {
            HKDF.DeriveKey(HashAlgorithmName.SHA256, _keys[ActiveKeyId].Reveal(), key, salt, Info);
            using var gcm = new AesGcm(key, TagBytes);
            Span<byte> body = record.AsSpan(3 + idLength + SaltBytes + NonceBytes);
            gcm.Encrypt(nonce, plaintext, body[..plaintext.Length], body[plaintext.Length..], associated);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }

        return record;
    }

    /// <summary>Whether the bytes have the form of a sealed record.</summary>
    public static bool LooksSealed(ReadOnlySpan<byte> record) => record.Length > 3 && record[0] == 0xC5 && record[1] == 1;

    /// <summary>Id of the key that a record is sealed with; null when it has another form.</summary>
    public static string? KeyIdOf(ReadOnlySpan<byte> record) =>
        LooksSealed(record) && record.Length >= 3 + record[2] ? Encoding.ASCII.GetString(record.Slice(3, record[2])) : null;

    /// <summary>Opens a record; refused when it has another form, another key, or was changed.</summary>
    public Result<byte[]> Open(ReadOnlySpan<byte> record, ReadOnlySpan<byte> associated)
    {
        if (!LooksSealed(record) || record.Length < 3 + record[2] + SaltBytes + NonceBytes + TagBytes)
        {
            return new Refusal(RefusalCode.Malformed, "not a sealed record");
        }

        int idLength = record[2];
        string id = Encoding.ASCII.GetString(record.Slice(3, idLength));
        if (!_keys.TryGetValue(id, out Secret? ringKey))
        {
            return new Refusal(RefusalCode.Untrusted, "sealed with a key that is not in the key ring");
        }

        ReadOnlySpan<byte> rest = record[(3 + idLength)..];
        ReadOnlySpan<byte> body = rest[(SaltBytes + NonceBytes)..];
        byte[] plaintext = new byte[body.Length - TagBytes];
        Span<byte> key = stackalloc byte[32];
        try
        {
            HKDF.DeriveKey(HashAlgorithmName.SHA256, ringKey.Reveal(), key, rest[..SaltBytes], Info);
            using var gcm = new AesGcm(key, TagBytes);
            gcm.Decrypt(rest.Slice(SaltBytes, NonceBytes), body[..plaintext.Length], body[plaintext.Length..], plaintext, associated);
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            return new Refusal(RefusalCode.BadSignature, "the sealed record was changed, or belongs to something else");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Secret key in _keys.Values)
        {
            key.Dispose();
        }
    }

    private static bool IsId(string id) =>
        id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static void RequireId(string id)
    {
        if (!IsId(id))
        {
            throw new ArgumentException("a key id has 1 to 64 letters, digits, '-' or '_'", nameof(id));
        }
    }
}
