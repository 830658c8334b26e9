// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Coco;

/// <summary>A JWE (RFC 7516), parsed and not decrypted. Content encryption A256GCM, so the IV has 12 bytes and the tag 16.</summary>
public sealed class JweMessage
{
    /// <summary>Default limit of size in bytes: 8 MiB.</summary>
    public const int DefaultMaxBytes = 8 << 20;

    private const int MaxRecipients = 64;

    private JweMessage(ImmutableArray<Recipient> recipients, byte[] iv, byte[] ciphertext, byte[] tag, byte[] aad, bool isLegacy)
    {
        Recipients = recipients;
        Iv = iv;
        Ciphertext = ciphertext;
        Tag = tag;
        AdditionalData = aad;
        IsLegacy = isLegacy;
    }

    /// <summary>True for the body of protocol 0.1.x.</summary>
    public bool IsLegacy { get; }

    internal ImmutableArray<Recipient> Recipients { get; }

    internal byte[] Iv { get; }

    internal byte[] Ciphertext { get; }

    internal byte[] Tag { get; }

    internal byte[] AdditionalData { get; }

    /// <summary>Flattened JSON as a key broker answers (kbs.md 4.1): the five members are required, the whole header is protected, unknown members are ignored.</summary>
    public static Result<JweMessage> ParseFlattened(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (!HostileJson.ParseObject(utf8, maxBytes).TryGet(out JsonElement body, out Refusal? refusal))
        {
            return refusal.Within("JWE");
        }

        if (!HostileJson.RequireString(body, "protected").TryGet(out string? protectedText, out refusal)
            || !Member(body, "encrypted_key").TryGet(out byte[]? encryptedKey, out refusal))
        {
            return refusal.Within("JWE");
        }

        return !Header(protectedText).TryGet(out JsonElement header, out refusal)
            ? refusal
            : Finish(body, protectedText, [new Recipient(header, default, encryptedKey)]);
    }

    /// <summary>General or flattened JSON (RFC 7516 section 7.2), where header members may be unprotected or per recipient, as encrypted images have them.</summary>
    public static Result<JweMessage> ParseJson(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (!HostileJson.ParseObject(utf8, maxBytes).TryGet(out JsonElement body, out Refusal? refusal))
        {
            return refusal.Within("JWE");
        }

        if (!HostileJson.RequireString(body, "protected").TryGet(out string? protectedText, out refusal))
        {
            return refusal.Within("JWE");
        }

        if (!Header(protectedText).TryGet(out JsonElement header, out refusal))
        {
            return refusal;
        }

        if (body.TryGetProperty("unprotected", out JsonElement unprotected))
        {
            return new Refusal(RefusalCode.Unsupported, "JWE: shared unprotected headers are not accepted") { Field = "unprotected" };
        }

        bool general = body.TryGetProperty("recipients", out JsonElement list);
        if (general && (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > MaxRecipients))
        {
            return new Refusal(RefusalCode.Malformed, $"JWE: recipients is an array of 1 to {MaxRecipients}") { Field = "recipients" };
        }

        ImmutableArray<Recipient>.Builder recipients = ImmutableArray.CreateBuilder<Recipient>();
        foreach (JsonElement one in general ? list.EnumerateArray().ToArray() : [body])
        {
            if (one.ValueKind != JsonValueKind.Object || !Member(one, "encrypted_key").TryGet(out byte[]? encryptedKey, out refusal))
            {
                return new Refusal(RefusalCode.Malformed, "JWE: a recipient has no encrypted_key");
            }

            JsonElement own = default;
            if (one.TryGetProperty("header", out own))
            {
                if (own.ValueKind != JsonValueKind.Object)
                {
                    return new Refusal(RefusalCode.Malformed, "JWE: header is an object") { Field = "header" };
                }

                foreach (JsonProperty member in own.EnumerateObject())
                {
                    if (header.TryGetProperty(member.Name, out _))
                    {
                        return new Refusal(RefusalCode.Malformed, "JWE: a header member is there twice") { Field = "header" };
                    }

                    if (member.Name is "enc" or "crit" or "zip")
                    {
                        return new Refusal(RefusalCode.Unsupported, $"JWE: '{member.Name}' must be protected") { Field = member.Name };
                    }
                }
            }

            recipients.Add(new Recipient(header, own, encryptedKey));
        }

        return Finish(body, protectedText, recipients.ToImmutable());
    }

    /// <summary>Compact (RFC 7516 section 7.1).</summary>
    public static Result<JweMessage> ParseCompact(string compact, int maxLength = DefaultMaxBytes)
    {
        ArgumentNullException.ThrowIfNull(compact);
        if (compact.Length > maxLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"JWE of {compact.Length} characters, {maxLength} are allowed");
        }

        Span<Range> parts = stackalloc Range[6];
        if (compact.AsSpan().Split(parts, '.') != 5)
        {
            return new Refusal(RefusalCode.Malformed, "a compact JWE has five parts");
        }

        string protectedText = compact[parts[0]];
        if (!Header(protectedText).TryGet(out JsonElement header, out Refusal? refusal))
        {
            return refusal;
        }

        if (!StrictBase64.DecodeUrl(compact.AsSpan()[parts[1]]).TryGet(out byte[]? key, out refusal)
            || !StrictBase64.DecodeUrl(compact.AsSpan()[parts[2]]).TryGet(out byte[]? iv, out refusal)
            || !StrictBase64.DecodeUrl(compact.AsSpan()[parts[3]]).TryGet(out byte[]? ciphertext, out refusal)
            || !StrictBase64.DecodeUrl(compact.AsSpan()[parts[4]]).TryGet(out byte[]? tag, out refusal))
        {
            return refusal.Within("JWE");
        }

        return Build([new Recipient(header, default, key)], iv, ciphertext, tag, Encoding.ASCII.GetBytes(protectedText), isLegacy: false);
    }

    /// <summary>The body of protocol 0.1.x (kbs.md 4.5): <c>protected</c> is the JSON text itself, the tag is at the end of the ciphertext. All five members are required; RSA1_5 and A256GCM only.</summary>
    public static Result<JweMessage> ParseLegacy(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (!HostileJson.ParseObject(utf8, maxBytes).TryGet(out JsonElement body, out Refusal? refusal))
        {
            return refusal.Within("JWE");
        }

        if (!HostileJson.RequireString(body, "protected").TryGet(out string? protectedText, out refusal)
            || !HostileJson.RequireString(body, "tag").TryGet(out _, out refusal)
            || !Member(body, "encrypted_key").TryGet(out byte[]? key, out refusal)
            || !Member(body, "iv").TryGet(out byte[]? iv, out refusal)
            || !Member(body, "ciphertext").TryGet(out byte[]? joined, out refusal))
        {
            return refusal.Within("JWE");
        }

        if (!HostileJson.Parse(protectedText).TryGet(out JsonElement header, out refusal))
        {
            return refusal.Within("JWE header");
        }

        if (CheckHeader(header) is { } bad)
        {
            return bad;
        }

        if (!HostileJson.RequireString(header, "alg").TryGet(out string? alg, out _) || alg != "RSA1_5")
        {
            return new Refusal(RefusalCode.Unsupported, "JWE: the legacy body is RSA1_5 only") { Field = "alg" };
        }

        return joined.Length < 16
            ? new Refusal(RefusalCode.Malformed, "JWE: the ciphertext is shorter than its tag") { Field = "ciphertext" }
            : Build([new Recipient(header, default, key)], iv, joined[..^16], joined[^16..], [], isLegacy: true);
    }

    private static Result<JweMessage> Finish(JsonElement body, string protectedText, ImmutableArray<Recipient> recipients)
    {
        if (!Member(body, "iv").TryGet(out byte[]? iv, out Refusal? refusal)
            || !Member(body, "ciphertext").TryGet(out byte[]? ciphertext, out refusal)
            || !Member(body, "tag").TryGet(out byte[]? tag, out refusal))
        {
            return refusal.Within("JWE");
        }

        string aad = protectedText;
        if (body.TryGetProperty("aad", out JsonElement extra) && extra.ValueKind != JsonValueKind.Null)
        {
            if (!Member(body, "aad").TryGet(out _, out refusal))
            {
                return refusal.Within("JWE");
            }

            aad += "." + extra.GetString();
        }

        return Build(recipients, iv, ciphertext, tag, Encoding.ASCII.GetBytes(aad), isLegacy: false);
    }

    private static Result<JweMessage> Build(ImmutableArray<Recipient> recipients, byte[] iv, byte[] ciphertext, byte[] tag, byte[] aad, bool isLegacy)
    {
        if (iv.Length != 12)
        {
            return new Refusal(RefusalCode.Malformed, $"JWE: the iv has 12 bytes, not {iv.Length}") { Field = "iv" };
        }

        return tag.Length != 16
            ? new Refusal(RefusalCode.Malformed, $"JWE: the tag has 16 bytes, not {tag.Length}") { Field = "tag" }
            : new JweMessage(recipients, iv, ciphertext, tag, aad, isLegacy);
    }

    private static Result<JsonElement> Header(string protectedText)
    {
        if (!StrictBase64.DecodeUrl(protectedText).TryGet(out byte[]? bytes, out Refusal? refusal))
        {
            return refusal.Within("JWE header");
        }

        if (!HostileJson.ParseObject(bytes).TryGet(out JsonElement header, out refusal))
        {
            return refusal.Within("JWE header");
        }

        return CheckHeader(header) is { } bad ? bad : header;
    }

    private static Refusal? CheckHeader(JsonElement header)
    {
        if (!HostileJson.RequireString(header, "enc").TryGet(out string? enc, out Refusal? refusal))
        {
            return refusal.Within("JWE header");
        }

        if (enc != JweAlgorithmNames.Encryption)
        {
            return new Refusal(RefusalCode.Unsupported, $"JWE: enc must be A256GCM, not '{Jwk.Shorten(enc)}'") { Field = "enc" };
        }

        if (header.TryGetProperty("crit", out _))
        {
            return new Refusal(RefusalCode.Unsupported, "JWE: 'crit' names extensions, and none is understood") { Field = "crit" };
        }

        return header.TryGetProperty("zip", out _) ? new Refusal(RefusalCode.Unsupported, "JWE: compression is not supported") { Field = "zip" } : null;
    }

    private static Result<byte[]> Member(JsonElement owner, string name)
    {
        if (!HostileJson.RequireString(owner, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal;
        }

        return StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out refusal) ? bytes : refusal.Within(name) with { Field = name };
    }

    /// <summary>One recipient: the protected header (shared), its own header (undefined when absent), and its wrapped key.</summary>
    internal sealed record Recipient(JsonElement Protected, JsonElement Own, byte[] EncryptedKey)
    {
        public bool TryGetHeader(string name, out JsonElement value)
        {
            if (Protected.TryGetProperty(name, out value))
            {
                return true;
            }

            return Own.ValueKind == JsonValueKind.Object && Own.TryGetProperty(name, out value);
        }
    }
}
