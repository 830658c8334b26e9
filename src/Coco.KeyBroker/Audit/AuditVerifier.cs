// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>What a check of the audit chain found.</summary>
/// <param name="Events">Events that were checked.</param>
/// <param name="Heads">Signed heads that were checked.</param>
/// <param name="LastHash">Hash of the last event.</param>
/// <param name="KeyId">SHA-256 (hex) of the public key that signed the heads; null when there was no event.</param>
public sealed record AuditSummary(long Events, long Heads, string LastHash, string? KeyId);

/// <summary>Checks the audit chain and names the first record that was removed, reordered or edited.</summary>
public static class AuditVerifier
{
    private const int MaxLineBytes = 1 << 20;

    /// <summary>Checks the chain in a store against the store's own key, or against <paramref name="publicKeyPem"/> when an administrator kept that elsewhere.</summary>
    public static async ValueTask<Result<AuditSummary>> VerifyAsync(IStoreProvider stores, string? publicKeyPem, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(stores);
        var opened = new KeyBrokerStores(stores);
        IKeyValueStore store = await opened.AuditAsync(ct);
        byte[]? last = await store.GetAsync(AuditChain.HeadKey, ct) is { } head ? head.Value.ToArray() : null;
        string? pem = publicKeyPem ?? await AuditKey.FindPublicPemAsync(opened, ct);
        using ECDsa? key = pem is null ? null : TryImport(pem);
        if (key is null)
        {
            return last is null
                ? new AuditSummary(0, 0, AuditChain.Nothing, null)
                : new Refusal(RefusalCode.NotFound, "there is no key to check the heads with");
        }

        return await VerifyAsync(ReadAsync(store, ct), key, last, ct);
    }

    /// <summary>Checks exported JSON lines.</summary>
    /// <param name="lines">Events and heads in order, as <see cref="ExportAsync"/> gives them.</param>
    /// <param name="publicKeyPem">The key of the heads.</param>
    /// <param name="ct">Cancels the check.</param>
    public static async ValueTask<Result<AuditSummary>> VerifyAsync(IAsyncEnumerable<string> lines, string publicKeyPem, CancellationToken ct)
    {
        using ECDsa? key = TryImport(publicKeyPem);
        return key is null ? new Refusal(RefusalCode.Malformed, "the key is not a PEM public key on P-256") : await VerifyAsync(lines, key, null, ct);
    }

    /// <summary>The chain as JSON lines: events, and heads between them.</summary>
    public static async IAsyncEnumerable<string> ExportAsync(IStoreProvider stores, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(stores);
        IKeyValueStore store = await new KeyBrokerStores(stores).AuditAsync(ct);
        await foreach (string line in ReadAsync(store, ct))
        {
            yield return line;
        }
    }

    /// <summary>The PEM public key that heads are signed with; null before the first event. Keep a copy where nobody who can write the store can write.</summary>
    public static ValueTask<string?> FindPublicKeyAsync(IStoreProvider stores, CancellationToken ct) =>
        AuditKey.FindPublicPemAsync(new KeyBrokerStores(stores), ct);

    private static async IAsyncEnumerable<string> ReadAsync(IKeyValueStore store, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (string key in store.ListAsync(AuditChain.SegmentPrefix, ct))
        {
            if (await store.GetAsync(key, ct) is not { } segment)
            {
                continue;
            }

            foreach (string line in Encoding.UTF8.GetString(segment.Value.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                yield return line;
            }
        }
    }

    private static async ValueTask<Result<AuditSummary>> VerifyAsync(IAsyncEnumerable<string> lines, ECDsa key, byte[]? storedHead, CancellationToken ct)
    {
        string keyId = AuditChain.KeyId(key);
        string hash = AuditChain.Nothing;
        long sequence = 0;
        long heads = 0;
        long signed = 0;
        await foreach (string line in lines.WithCancellation(ct))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(line);
            if (bytes.Length > MaxLineBytes || !HostileJson.ParseObject(bytes).TryGet(out JsonElement record, out _))
            {
                return Broken(sequence + 1, "is not a JSON object");
            }

            if (record.TryGetProperty("head", out _))
            {
                if (CheckHead(record, key, keyId, sequence, hash) is { } bad)
                {
                    return bad;
                }

                heads++;
                signed = sequence;
                continue;
            }

            if (!record.TryGetProperty("seq", out JsonElement seq) || seq.ValueKind != JsonValueKind.Number || !seq.TryGetInt64(out long number)
                || !HostileJson.RequireString(record, "prev").TryGet(out string? previous, out _))
            {
                return Broken(sequence + 1, "has no number or no hash of the record before");
            }

            if (number != sequence + 1)
            {
                return Broken(sequence + 1, $"is missing or out of order: record {number} follows record {sequence}");
            }

            if (previous != hash)
            {
                return sequence == 0
                    ? Broken(1, "does not begin a chain")
                    : Broken(sequence, "was edited: the record after it holds another hash");
            }

            sequence = number;
            hash = AuditChain.Hash(bytes);
        }

        if (signed != sequence)
        {
            return Broken(signed + 1, "and what follows it has no signed head");
        }

        if (storedHead is not null)
        {
            if (!HostileJson.ParseObject(storedHead).TryGet(out JsonElement head, out _)
                || !head.TryGetProperty("head", out JsonElement at) || at.ValueKind != JsonValueKind.Number || !at.TryGetInt64(out long last))
            {
                return Broken(sequence, "is the last one, and the head that the store keeps is unreadable");
            }

            if (last > sequence)
            {
                return Broken(sequence + 1, $"and all up to record {last} were removed");
            }

            // A head that is behind is what a crash between the two writes leaves; it must still be genuine.
            if (last == sequence && CheckHead(head, key, keyId, sequence, hash) is { } bad)
            {
                return bad;
            }
        }

        return new AuditSummary(sequence, heads, hash, sequence == 0 ? null : keyId);
    }

    private static Refusal? CheckHead(JsonElement head, ECDsa key, string keyId, long sequence, string hash)
    {
        if (!head.GetProperty("head"u8).TryGetInt64OrRefuse(out long number)
            || !HostileJson.RequireString(head, "hash").TryGet(out string? headHash, out _)
            || !HostileJson.RequireString(head, "time").TryGet(out string? time, out _)
            || !HostileJson.RequireString(head, "key").TryGet(out string? headKey, out _)
            || !HostileJson.RequireString(head, "sig").TryGet(out string? signature, out _)
            || !StrictBase64.DecodeUrl(signature).TryGet(out byte[]? signatureBytes, out _))
        {
            return Broken(sequence, "is followed by a head that is unreadable");
        }

        if (number != sequence)
        {
            return number > sequence
                ? Broken(sequence + 1, $"was removed: a head speaks of record {number}")
                : Broken(sequence, $"stands before a head that speaks of record {number}");
        }

        if (headKey != keyId)
        {
            return new Refusal(RefusalCode.Untrusted, $"the head after record {sequence} was signed with another key, {headKey}") { Field = "head", Offset = sequence };
        }

        if (headHash != hash)
        {
            return Broken(sequence, "was edited: its head holds another hash");
        }

        return key.VerifyData(AuditChain.SignedBytes(number, headHash, time), signatureBytes, HashAlgorithmName.SHA256)
            ? null
            : new Refusal(RefusalCode.BadSignature, $"the head after record {sequence} has a wrong signature") { Field = "head", Offset = sequence };
    }

    private static bool TryGetInt64OrRefuse(this JsonElement element, out long value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out value);
    }

    private static Refusal Broken(long record, string what) => new(RefusalCode.Mismatch, $"record {record} {what}") { Field = "record", Offset = record };

    private static ECDsa? TryImport(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            if (key.KeySize == 256)
            {
                return key;
            }
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // Told by the null.
        }

        key.Dispose();
        return null;
    }
}
