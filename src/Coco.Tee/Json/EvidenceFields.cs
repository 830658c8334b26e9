// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Coco.Tee.Json;

/// <summary>Reads members of evidence JSON; every refusal names the member.</summary>
internal static class EvidenceFields
{
    private static readonly SearchValues<char> Base64Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

    /// <summary>The object member <paramref name="name"/>.</summary>
    public static Result<JsonElement> Object(JsonElement parent, string name) => Member(parent, name, JsonValueKind.Object, "an object");

    /// <summary>The array member <paramref name="name"/> with at most <paramref name="limit"/> entries.</summary>
    public static Result<JsonElement> Array(JsonElement parent, string name, int limit)
    {
        if (!Member(parent, name, JsonValueKind.Array, "an array").TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        return array.GetArrayLength() > limit
            ? new Refusal(RefusalCode.TooLarge, $"{name}: {array.GetArrayLength()} entries, at most {limit} accepted") { Field = name }
            : array;
    }

    /// <summary>The text member <paramref name="name"/>.</summary>
    public static Result<string> Text(JsonElement parent, string name)
    {
        if (!Member(parent, name, JsonValueKind.String, "a text").TryGet(out JsonElement e, out Refusal? refusal))
        {
            return refusal;
        }

        try
        {
            return e.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The parser lets lone surrogates and invalid UTF-8 pass; they show only when the text is read.
            return Bad(name, "not Unicode");
        }
    }

    /// <summary>The text member <paramref name="name"/>, or null when it is absent or null.</summary>
    public static Result<string> OptionalText(JsonElement parent, string name, string absent) =>
        IsAbsent(parent, name) ? absent : Text(parent, name);

    /// <summary>Whether the member is missing or null.</summary>
    public static bool IsAbsent(JsonElement parent, string name) =>
        parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(name, out JsonElement e) || e.ValueKind == JsonValueKind.Null;

    /// <summary>The unsigned number member <paramref name="name"/>.</summary>
    public static Result<uint> UInt32(JsonElement parent, string name)
    {
        if (!Member(parent, name, JsonValueKind.Number, "a number").TryGet(out JsonElement e, out Refusal? refusal))
        {
            return refusal;
        }

        return e.TryGetUInt32(out uint value) ? value : Bad(name, "not an unsigned 32-bit number");
    }

    /// <summary>The unsigned number member <paramref name="name"/>, wider than a double can hold.</summary>
    public static Result<ulong> UInt64(JsonElement parent, string name)
    {
        if (!Member(parent, name, JsonValueKind.Number, "a number").TryGet(out JsonElement e, out Refusal? refusal))
        {
            return refusal;
        }

        return e.TryGetUInt64(out ulong value) ? value : Bad(name, "not an unsigned 64-bit number");
    }

    /// <summary>The member <paramref name="name"/>, a number 0..255.</summary>
    public static Result<byte> Byte(JsonElement parent, string name)
    {
        if (!Member(parent, name, JsonValueKind.Number, "a number").TryGet(out JsonElement e, out Refusal? refusal))
        {
            return refusal;
        }

        return e.TryGetByte(out byte value) ? value : Bad(name, "not a number 0 to 255");
    }

    /// <summary>Writes the bytes of a member that is an array of exactly as many numbers 0..255 as <paramref name="destination"/> is long; null when done.</summary>
    public static Refusal? FillBytes(JsonElement parent, string name, Span<byte> destination)
    {
        if (!Member(parent, name, JsonValueKind.Array, "an array").TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        if (array.GetArrayLength() != destination.Length)
        {
            return Bad(name, $"{array.GetArrayLength()} bytes, {destination.Length} wanted");
        }

        return CopyBytes(array, name, destination);
    }

    /// <summary>The bytes of a base64 text member (standard alphabet).</summary>
    public static Result<ReadOnlyMemory<byte>> Base64(JsonElement parent, string name, int limit) =>
        Text(parent, name).TryGet(out string? text, out Refusal? refusal) ? Base64Text(text, name, limit) : refusal;

    /// <summary>The bytes of a base64 text (standard alphabet, padded).</summary>
    public static Result<ReadOnlyMemory<byte>> Base64Text(string text, string name, int limit)
    {
        if (text.Length / 4 * 3 > limit + 3)
        {
            return new Refusal(RefusalCode.TooLarge, $"{name}: more than {limit} bytes") { Field = name };
        }

        byte[] bytes = new byte[text.Length / 4 * 3];
        if (text.AsSpan().ContainsAnyExcept(Base64Alphabet) || !Convert.TryFromBase64String(text, bytes, out int written))
        {
            return Bad(name, "not base64");
        }

        return (ReadOnlyMemory<byte>)bytes.AsMemory(0, written);
    }

    /// <summary>The bytes of a base64url text member, with or without padding (tee-evidence.md 6.4).</summary>
    public static Result<ReadOnlyMemory<byte>> Base64Url(JsonElement parent, string name, int limit)
    {
        if (!Text(parent, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal;
        }

        if (text.AsSpan().ContainsAny('+', '/'))
        {
            return Bad(name, "not base64url");
        }

        string standard = text.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        if (text.Length - standard.Length > 2)
        {
            return Bad(name, "not base64url");
        }

        return Base64Text(standard.PadRight((standard.Length + 3) / 4 * 4, '='), name, limit);
    }

    /// <summary>The bytes of a hexadecimal text member.</summary>
    public static Result<ReadOnlyMemory<byte>> Hex(JsonElement parent, string name, int limit) =>
        Text(parent, name).TryGet(out string? text, out Refusal? refusal) ? HexText(text, name, limit) : refusal;

    /// <summary>The bytes of a hexadecimal text.</summary>
    public static Result<ReadOnlyMemory<byte>> HexText(string text, string name, int limit)
    {
        if (text.Length > 2 * limit)
        {
            return new Refusal(RefusalCode.TooLarge, $"{name}: more than {limit} bytes") { Field = name };
        }

        byte[] bytes = new byte[text.Length / 2];
        return Convert.FromHexString(text, bytes, out _, out _) == OperationStatus.Done && (text.Length & 1) == 0
            ? (ReadOnlyMemory<byte>)bytes
            : Bad(name, "not hexadecimal");
    }

    /// <summary>The bytes of a member that is an array of numbers 0..255.</summary>
    public static Result<ReadOnlyMemory<byte>> ByteArray(JsonElement parent, string name, int limit, int? exactly = null) =>
        Array(parent, name, limit).TryGet(out JsonElement array, out Refusal? refusal) ? ByteArrayOf(array, name, limit, exactly) : refusal;

    /// <summary>The bytes of an array of numbers 0..255.</summary>
    public static Result<ReadOnlyMemory<byte>> ByteArrayOf(JsonElement array, string name, int limit, int? exactly = null)
    {
        if (array.ValueKind != JsonValueKind.Array)
        {
            return Bad(name, "not an array of bytes");
        }

        int length = array.GetArrayLength();
        if (length > limit)
        {
            return new Refusal(RefusalCode.TooLarge, $"{name}: {length} bytes, at most {limit} accepted") { Field = name };
        }

        if (exactly is { } wanted && length != wanted)
        {
            return Bad(name, $"{length} bytes, {wanted} wanted");
        }

        byte[] bytes = new byte[length];
        return CopyBytes(array, name, bytes) ?? (Result<ReadOnlyMemory<byte>>)(ReadOnlyMemory<byte>)bytes;
    }

    /// <summary>A refusal about the member <paramref name="name"/>.</summary>
    public static Refusal Bad(string name, string what) => new(RefusalCode.Malformed, $"{name}: {what}") { Field = name };

    /// <summary>
    /// Reads the array's own text: certificates as arrays of numbers are most of the evidence, and walking them element by element cost a quarter of
    /// a signature verification. The text is valid JSON already; whatever is not a plain number 0..255 is refused.
    /// </summary>
    private static Refusal? CopyBytes(JsonElement array, string name, Span<byte> destination)
    {
        ReadOnlySpan<byte> text = JsonMarshal.GetRawUtf8Value(array);
        int index = 0, value = -1;
        foreach (byte c in text[1..])
        {
            if (c - '0' is >= 0 and <= 9)
            {
                value = (value < 0 ? 0 : value * 10) + (c - '0');
                if (value > 255)
                {
                    return Refusal.Malformed(name, index, "not a byte");
                }
            }
            else if (c is (byte)',' or (byte)']')
            {
                if (value >= 0)
                {
                    destination[index++] = (byte)value;
                    value = -1;
                }
            }
            else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
            {
                return Refusal.Malformed(name, index, "not a byte");
            }
        }

        return null;
    }

    private static Result<JsonElement> Member(JsonElement parent, string name, JsonValueKind kind, string what)
    {
        if (parent.ValueKind != JsonValueKind.Object)
        {
            return Bad(name, "its parent is not an object");
        }

        if (!parent.TryGetProperty(name, out JsonElement e))
        {
            return Bad(name, "missing");
        }

        return e.ValueKind == kind ? e : Bad(name, "not " + what);
    }
}
