// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>The form of the audit chain: JSON lines. Each event holds its number and the SHA-256 of the line before; each segment ends with a signed head.</summary>
/// <remarks>
/// Form and check: <see cref="AuditVerifier"/>. Key of a segment in the store: <c>segment/</c> and its first number in 16 digits. A segment is
/// written only if absent, which is what makes one chain out of the events of all replicas. The key <c>head</c> holds the last head once
/// more, so that a cut end shows.
/// </remarks>
internal static class AuditChain
{
    public const string SegmentPrefix = "segment/";
    public const string HeadKey = "head";
    public const string AnchorKey = "anchor";

    private const int MaxText = 1024;

    /// <summary>What stands for the event before the first.</summary>
    public static readonly string Nothing = new('0', 64);

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static string SegmentKey(long firstSequence) => SegmentPrefix + firstSequence.ToString("D16", CultureInfo.InvariantCulture);

    /// <summary>Writes an event as a line; gives its hash.</summary>
    public static string WriteEvent(ArrayBufferWriter<byte> output, Utf8JsonWriter json, AuditEvent e, long sequence, string previous)
    {
        int start = output.WrittenCount;
        json.Reset(output);
        json.WriteStartObject();
        json.WriteNumber("seq"u8, sequence);
        json.WriteString("prev"u8, previous);
        json.WriteString("time"u8, e.Time.UtcDateTime);
        json.WriteString("event"u8, e.Kind.ToWireName());
        json.WriteString("decision"u8, e.Allowed ? "allowed"u8 : "refused"u8);
        Optional(json, "identity"u8, e.Identity);
        Optional(json, "tee"u8, e.Tee);
        Optional(json, "target"u8, e.Target);
        Optional(json, "token_digest"u8, e.TokenDigest);
        Optional(json, "policy"u8, e.Policy);
        Optional(json, "policy_hash"u8, e.PolicyHash);
        if (e.SecretVersion is { } version)
        {
            json.WriteNumber("secret_version"u8, version);
        }

        Optional(json, "code"u8, e.Code?.ToString());
        Optional(json, "reason"u8, e.Reason);
        json.WriteString("request_id"u8, e.RequestId);
        Optional(json, "client"u8, e.Client);
        if (e.Count != 1)
        {
            json.WriteNumber("count"u8, e.Count);
        }

        json.WriteEndObject();
        json.Flush();
        string hash = AuditVerifier.Hash(output.WrittenSpan[start..]);
        output.Write("\n"u8);
        return hash;
    }

    /// <summary>Writes a signed head (or anchor) as a line and gives it alone, too.</summary>
    public static byte[] WriteHead(ArrayBufferWriter<byte> output, Utf8JsonWriter json, ECDsa key, string keyId, long sequence, string hash, DateTimeOffset time, string kind = HeadKey)
    {
        int start = output.WrittenCount;
        string at = time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
        json.Reset(output);
        json.WriteStartObject();
        json.WriteNumber(kind, sequence);
        json.WriteString("hash"u8, hash);
        json.WriteString("time"u8, at);
        json.WriteString("key"u8, keyId);
        json.WriteString("sig"u8, StrictBase64.EncodeUrl(key.SignData(AuditVerifier.SignedBytes(kind, sequence, hash, at), HashAlgorithmName.SHA256)));
        json.WriteEndObject();
        json.Flush();
        byte[] head = output.WrittenSpan[start..].ToArray();
        output.Write("\n"u8);
        return head;
    }

    public static Utf8JsonWriter NewWriter(ArrayBufferWriter<byte> output) => new(output, Options);

    private static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value.Length <= MaxText ? value : string.Concat(value.AsSpan(0, MaxText), "…"));
        }
    }
}
