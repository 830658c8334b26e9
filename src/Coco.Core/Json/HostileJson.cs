// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Coco;

/// <summary>Reads JSON that a stranger wrote (RFC 8259, and RFC 7493 where it is stricter).</summary>
public static class HostileJson
{
    /// <summary>Default limit of size in bytes: 1 MiB.</summary>
    public const int DefaultMaxBytes = 1 << 20;

    /// <summary>Limit of nesting.</summary>
    public const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = false,
        CommentHandling = JsonCommentHandling.Disallow,
        MaxDepth = MaxDepth,
    };

    /// <summary>One JSON value and nothing after it. Refused: more than <paramref name="maxBytes"/>, deeper than 64, duplicate member names, invalid UTF-8, lone surrogates, comments, trailing commas.</summary>
    /// <returns>An element that owns its memory, so it needs no disposal; every string in it can be read without an exception.</returns>
    public static Result<JsonElement> Parse(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (utf8.Length > maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"JSON of {utf8.Length} bytes, {maxBytes} are allowed");
        }

        if (!Utf8.IsValid(utf8))
        {
            return new Refusal(RefusalCode.Malformed, "JSON is not valid UTF-8");
        }

        if (CheckEscapes(utf8) is { } lone)
        {
            return lone;
        }

        try
        {
            return JsonElement.Parse(utf8, Options);
        }
        catch (JsonException e)
        {
            return new Refusal(RefusalCode.Malformed, string.Create(CultureInfo.InvariantCulture, $"not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"))
            {
                Field = e.Path,
            };
        }
        catch (InvalidOperationException)
        {
            return new Refusal(RefusalCode.Malformed, "not JSON: a string is not Unicode");
        }
    }

    /// <summary>The same for text.</summary>
    public static Result<JsonElement> Parse(string text, int maxBytes = DefaultMaxBytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"JSON of {text.Length} characters, {maxBytes} bytes are allowed");
        }

        byte[] utf8 = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return Utf8.FromUtf16(text, utf8, out _, out int written, replaceInvalidSequences: false) == System.Buffers.OperationStatus.Done
            ? Parse(utf8.AsSpan(0, written), maxBytes)
            : new Refusal(RefusalCode.Malformed, "not JSON: a string is not Unicode");
    }

    /// <summary>The same, refused unless it is an object.</summary>
    public static Result<JsonElement> ParseObject(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (!Parse(utf8, maxBytes).TryGet(out JsonElement element, out Refusal? refusal))
        {
            return refusal;
        }

        return element.ValueKind == JsonValueKind.Object ? element : new Refusal(RefusalCode.Malformed, "JSON is not an object");
    }

    /// <summary>A member that must be a string. The refusal names it.</summary>
    public static Result<string> RequireString(JsonElement owner, string name)
    {
        if (owner.ValueKind != JsonValueKind.Object || !owner.TryGetProperty(name, out JsonElement member))
        {
            return new Refusal(RefusalCode.Malformed, $"missing member '{name}'") { Field = name };
        }

        return member.ValueKind == JsonValueKind.String
            ? member.GetString()!
            : new Refusal(RefusalCode.Malformed, $"member '{name}' is not a string") { Field = name };
    }

    /// <summary>A member that may be absent (or null) and otherwise must be a string.</summary>
    /// <returns>False when it is there and no string.</returns>
    public static bool TryGetOptionalString(JsonElement owner, string name, out string? value)
    {
        value = null;
        if (!owner.TryGetProperty(name, out JsonElement member) || member.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (member.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        value = member.GetString();
        return true;
    }

    // The parser accepts "\ud800" and throws only when the string is read; a backslash occurs in strings only, so the text can be scanned as it is.
    private static Refusal? CheckEscapes(ReadOnlySpan<byte> utf8)
    {
        int at = 0;
        while (true)
        {
            int next = utf8[at..].IndexOf((byte)'\\');
            if (next < 0 || at + next + 1 >= utf8.Length)
            {
                return null;
            }

            at += next;
            if (utf8[at + 1] != (byte)'u')
            {
                at += 2;
                continue;
            }

            int first = Unit(utf8, at);
            if (first is >= 0xD800 and <= 0xDBFF)
            {
                int second = at + 6 < utf8.Length && utf8[at + 6] == (byte)'\\' ? Unit(utf8, at + 6) : -1;
                if (second is < 0xDC00 or > 0xDFFF)
                {
                    return Refusal.Malformed("JSON string", at, "lone surrogate");
                }

                at += 12;
            }
            else if (first is >= 0xDC00 and <= 0xDFFF)
            {
                return Refusal.Malformed("JSON string", at, "lone surrogate");
            }
            else
            {
                at += 2;
            }
        }
    }

    private static int Unit(ReadOnlySpan<byte> utf8, int at)
    {
        if (at + 6 > utf8.Length || utf8[at + 1] != (byte)'u')
        {
            return -1;
        }

        int value = 0;
        for (int i = 2; i < 6; i++)
        {
            byte c = utf8[at + i];
            if (!char.IsAsciiHexDigit((char)c))
            {
                return -1;
            }

            value = (value << 4) | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }

        return value;
    }
}
