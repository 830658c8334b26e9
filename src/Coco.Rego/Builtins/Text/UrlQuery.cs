// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace Coco.Rego.Builtins.Text;

/// <summary>Form encoding of query strings.</summary>
internal static class UrlQuery
{
    public static string Escape(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~')
            {
                result.Append(c);
            }
            else if (c == ' ')
            {
                result.Append('+');
            }
            else
            {
                result.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return result.ToString();
    }

    /// <summary>Null where a percent sign is not followed by two hexadecimal digits.</summary>
    public static string? Unescape(ReadOnlySpan<char> text, out string error)
    {
        error = "";
        var bytes = new List<byte>(text.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length;)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                {
                    error = $"invalid URL escape \"{text.Slice(i, Math.Min(3, text.Length - i))}\"";
                    return null;
                }

                bytes.Add(value);
                i += 3;
            }
            else if (text[i] == '+')
            {
                bytes.Add((byte)' ');
                i++;
            }
            else
            {
                Rune.DecodeFromUtf16(text[i..], out var rune, out var width);
                bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
                i += width;
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
