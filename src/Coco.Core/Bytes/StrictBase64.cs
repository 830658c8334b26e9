// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;

namespace Coco;

/// <summary>Base64 (RFC 4648 sections 4 and 5) read strictly: no white space, no foreign characters, padding exactly where the form has it, unused bits zero. One text, one value.</summary>
public static class StrictBase64
{
    private static readonly SearchValues<char> Standard = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    private static readonly SearchValues<char> Url = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Standard alphabet, padding required.</summary>
    public static Result<byte[]> DecodeStandard(ReadOnlySpan<char> text)
    {
        if (!TryStripPadding(ref text, required: true))
        {
            return Bad("padding");
        }

        return Decode(text, Standard, url: false);
    }

    /// <summary>URL-safe alphabet, padding refused (RFC 7515 section 2).</summary>
    public static Result<byte[]> DecodeUrl(ReadOnlySpan<char> text) => Decode(text, Url, url: true);

    /// <summary>URL-safe alphabet, padding required.</summary>
    public static Result<byte[]> DecodeUrlPadded(ReadOnlySpan<char> text)
    {
        if (!TryStripPadding(ref text, required: true))
        {
            return Bad("padding");
        }

        return Decode(text, Url, url: true);
    }

    /// <summary>Either alphabet (not both in one text), with or without padding: old clients of the key broker protocol send all four forms (kbs.md 2.8).</summary>
    public static Result<byte[]> DecodeLenient(ReadOnlySpan<char> text)
    {
        if (!TryStripPadding(ref text, required: false))
        {
            return Bad("padding");
        }

        bool url = text.ContainsAny('-', '_');
        return Decode(text, url ? Url : Standard, url);
    }

    /// <summary>URL-safe alphabet without padding.</summary>
    public static string EncodeUrl(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Standard alphabet with padding.</summary>
    public static string EncodeStandard(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes);

    private static bool TryStripPadding(ref ReadOnlySpan<char> text, bool required)
    {
        int length = text.Length;
        int padding = 0;
        while (padding < 3 && padding < length && text[length - 1 - padding] == '=')
        {
            padding++;
        }

        if (padding == 0)
        {
            return !required || length % 4 == 0;
        }

        if (padding > 2 || length % 4 != 0)
        {
            return false;
        }

        text = text[..(length - padding)];
        return text.Length % 4 == 4 - padding;
    }

    private static Result<byte[]> Decode(ReadOnlySpan<char> text, SearchValues<char> alphabet, bool url)
    {
        if (text.IsEmpty)
        {
            return Array.Empty<byte>();
        }

        int rest = text.Length % 4;
        if (rest == 1)
        {
            return Bad("length");
        }

        int foreign = text.IndexOfAnyExcept(alphabet);
        if (foreign >= 0)
        {
            return Refusal.Malformed("base64", foreign, "a character outside the alphabet");
        }

        if (rest != 0 && (Value(text[^1]) & (rest == 2 ? 0x0F : 0x03)) != 0)
        {
            return Bad("unused bits are not zero");
        }

        byte[] bytes = new byte[(text.Length / 4 * 3) + (rest == 0 ? 0 : rest - 1)];
        if (url)
        {
            return Base64Url.TryDecodeFromChars(text, bytes, out int written) && written == bytes.Length ? bytes : Bad("internal: decoder disagrees");
        }

        char[] padded = ArrayPool<char>.Shared.Rent(text.Length + 2);
        try
        {
            text.CopyTo(padded);
            int length = text.Length;
            while (length % 4 != 0)
            {
                padded[length++] = '=';
            }

            return Convert.TryFromBase64Chars(padded.AsSpan(0, length), bytes, out int written) && written == bytes.Length ? bytes : Bad("internal: decoder disagrees");
        }
        finally
        {
            // The text may be that of a key.
            padded.AsSpan(0, text.Length).Clear();
            ArrayPool<char>.Shared.Return(padded);
        }
    }

    private static int Value(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' or '-' => 62,
        _ => 63,
    };

    private static Refusal Bad(string what) => new(RefusalCode.Malformed, "base64: " + what);
}
