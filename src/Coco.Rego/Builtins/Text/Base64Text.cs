// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;

namespace Coco.Rego.Builtins.Text;

/// <summary>Base64 as Go reads it: line ends are skipped, padding is where it must be.</summary>
internal static class Base64Text
{
    /// <param name="text">The encoded text.</param>
    /// <param name="url">The URL alphabet, with or without padding; otherwise the standard one with padding.</param>
    /// <param name="bytes">What it encodes.</param>
    /// <param name="error">Names the position of the first bad character.</param>
    public static bool TryDecode(string text, bool url, out byte[] bytes, out string error)
    {
        bytes = [];
        error = "";
        if (text.AsSpan().ContainsAny('\r', '\n'))
        {
            text = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        }

        var padding = 0;
        while (padding < 2 && padding < text.Length && text[text.Length - 1 - padding] == '=')
        {
            padding++;
        }

        var body = text.AsSpan(0, text.Length - padding);
        var bad = -1;
        for (var i = 0; i < body.Length && bad < 0; i++)
        {
            var c = body[i];
            if (!char.IsAsciiLetterOrDigit(c) && c != (url ? '-' : '+') && c != (url ? '_' : '/'))
            {
                bad = i;
            }
        }

        if (bad < 0 && (body.Length % 4 == 1 || (padding > 0 ? (body.Length + padding) % 4 != 0 : !url && body.Length % 4 != 0)))
        {
            bad = text.Length;
        }

        if (bad >= 0)
        {
            error = $"illegal base64 data at input byte {bad}";
            return false;
        }

        var standard = body.ToString();
        if (url)
        {
            standard = standard.Replace('-', '+').Replace('_', '/');
        }

        standard = standard.PadRight((standard.Length + 3) / 4 * 4, '=');

        // Bits beyond the last byte are ignored, as Go does.
        bytes = new byte[standard.Length / 4 * 3];
        var written = Decode(standard, bytes);
        Array.Resize(ref bytes, written);
        return true;
    }

    public static string EncodeUrl(ReadOnlySpan<byte> bytes, bool padded)
    {
        var text = Base64Url.EncodeToString(bytes);
        return padded ? text.PadRight((text.Length + 3) / 4 * 4, '=') : text;
    }

    private static int Decode(string text, byte[] target)
    {
        var written = 0;
        for (var i = 0; i < text.Length; i += 4)
        {
            var bits = (Six(text[i]) << 18) | (Six(text[i + 1]) << 12) | (Six(text[i + 2]) << 6) | Six(text[i + 3]);
            target[written++] = (byte)(bits >> 16);
            if (text[i + 2] != '=')
            {
                target[written++] = (byte)(bits >> 8);
            }

            if (text[i + 3] != '=')
            {
                target[written++] = (byte)bits;
            }
        }

        return written;
    }

    private static int Six(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '+' => 62,
        '/' => 63,
        _ => 0,
    };
}
