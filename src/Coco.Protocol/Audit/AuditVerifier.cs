// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Coco.Protocol;

/// <summary>What a check of the audit chain found.</summary>
/// <param name="Events">Events that were checked.</param>
/// <param name="Heads">Signed heads that were checked.</param>
/// <param name="LastHash">Hash of the last event.</param>
/// <param name="KeyId">SHA-256 (hex) of the public key that signed the heads; null when there was no event.</param>
public sealed record AuditSummary(long Events, long Heads, string LastHash, string? KeyId);

/// <summary>Checks an audit chain and names the first record that was removed, reordered or edited.</summary>
/// <remarks>
/// <para>The chain is JSON lines. An event: <c>{"seq":N,"prev":"HEX","time":…}</c>; its hash is SHA-256 of the line's bytes without the
/// line feed, and <c>prev</c> is the hash of the event before, 64 zeros before the first.</para>
/// <para>A head: <c>{"head":N,"hash":"HEX","time":…,"key":"HEX","sig":"B64U"}</c>: number and hash of the last event, signed with ECDSA
/// P-256 and SHA-256 over <c>coco audit head 1\nN\nHEX\nTIME</c>; <c>key</c> is SHA-256 of the public key's DER. The last line is a head.</para>
/// <para>Where the oldest events were given up after their time, the chain begins with an anchor: a head with the member <c>anchor</c> in place
/// of <c>head</c>, signed over <c>coco audit anchor 1</c> and the same. Nobody can make one out of heads.</para>
/// </remarks>
public static class AuditVerifier
{
    private const int MaxLineBytes = 1 << 20;
    private const string Head = "head";
    private const string Anchor = "anchor";

    /// <summary>What stands for the event before the first.</summary>
    internal static string Nothing { get; } = new('0', 64);

    /// <summary>Checks a chain.</summary>
    /// <param name="lines">Events and heads in order, as the key broker exports them.</param>
    /// <param name="publicKeyPem">The key of the heads, which an administrator kept where nobody who can write the store can write.</param>
    /// <param name="ct">Cancels the check.</param>
    public static async ValueTask<Result<AuditSummary>> VerifyAsync(IAsyncEnumerable<string> lines, string publicKeyPem, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(publicKeyPem);
        using ECDsa? key = TryImport(publicKeyPem);
        return key is null ? new Refusal(RefusalCode.Malformed, "the key is not a PEM public key on P-256") : await VerifyAsync(lines, key, ct).ConfigureAwait(false);
    }

    /// <summary>The bytes that a head's or an anchor's signature is over.</summary>
    /// <param name="kind"><c>head</c> or <c>anchor</c>.</param>
    /// <param name="sequence">Number of the last event.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="time">Time of the head, as it stands there.</param>
    public static byte[] SignedBytes(string kind, long sequence, string hash, string time) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"coco audit {kind} 1\n{sequence}\n{hash}\n{time}"));

    /// <summary>The hash of an event.</summary>
    /// <param name="line">Its bytes, without the line feed.</param>
    public static string Hash(ReadOnlySpan<byte> line) => Convert.ToHexStringLower(SHA256.HashData(line));

    /// <summary>SHA-256 (hex) of a public key, by which heads name it.</summary>
    public static string KeyId(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    private static async ValueTask<Result<AuditSummary>> VerifyAsync(IAsyncEnumerable<string> lines, ECDsa key, CancellationToken ct)
    {
        string keyId = KeyId(key);
        string hash = Nothing;
        long sequence = 0;
        long heads = 0;
        long signed = 0;
        long start = 0;
        bool first = true;
        await foreach (string line in lines.WithCancellation(ct).ConfigureAwait(false))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(line);
            if (bytes.Length > MaxLineBytes || !HostileJson.ParseObject(bytes).TryGet(out JsonElement record, out _))
            {
                return Broken(sequence + 1, "is not a JSON object");
            }

            bool begins = first;
            first = false;
            if (begins && record.TryGetProperty(Anchor, out JsonElement at) && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out start)
                && HostileJson.RequireString(record, "hash").TryGet(out string? anchored, out _))
            {
                (sequence, hash, signed) = (start, anchored, start);
                if (CheckHead(record, Anchor, key, keyId, sequence, hash) is { } wrong)
                {
                    return wrong;
                }

                continue;
            }

            if (record.TryGetProperty(Head, out _))
            {
                if (CheckHead(record, Head, key, keyId, sequence, hash) is { } bad)
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
                return sequence == start
                    ? Broken(sequence + 1, "does not follow the begin of the chain")
                    : Broken(sequence, "was edited: the record after it holds another hash");
            }

            sequence = number;
            hash = Hash(bytes);
        }

        if (signed != sequence)
        {
            return Broken(signed + 1, "and what follows it has no signed head");
        }

        return new AuditSummary(sequence - start, heads, hash, sequence == 0 ? null : keyId);
    }

    private static Refusal? CheckHead(JsonElement head, string kind, ECDsa key, string keyId, long sequence, string hash)
    {
        if (!head.GetProperty(kind).TryGetInt64OrRefuse(out long number)
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

        return key.VerifyData(SignedBytes(kind, number, headHash, time), signatureBytes, HashAlgorithmName.SHA256)
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
