// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace Coco.Rego.Builtins.Text;

/// <summary>Quoted strings and characters as Go source has them.</summary>
internal static class GoQuote
{
    public static string Quote(string text, bool ascii)
    {
        var result = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            Append(result, rune.Value, '"', ascii);
        }

        return result.Append('"').ToString();
    }

    public static string QuoteRune(int rune, bool ascii)
    {
        var result = new StringBuilder("'");
        Append(result, rune, '\'', ascii);
        return result.Append('\'').ToString();
    }

    /// <summary>True where a raw string can hold the text.</summary>
    public static bool CanBackquote(string text) => !text.Any(static c => (c < ' ' && c != '\t') || c is '`' or '\x7f' or '\ufeff');

    public static bool IsPrintable(int rune) => CharUnicodeInfo.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        UnicodeCategory.SpaceSeparator => rune == ' ',
        _ => true,
    };

    private static void Append(StringBuilder result, int rune, char quote, bool ascii)
    {
        if (rune == quote || rune == '\\')
        {
            result.Append('\\').Append((char)rune);
            return;
        }

        if (IsPrintable(rune) && (!ascii || rune < 0x80))
        {
            result.Append(char.ConvertFromUtf32(rune));
            return;
        }

        var letter = rune switch
        {
            '\a' => 'a',
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\v' => 'v',
            _ => '\0',
        };
        result.Append('\\');
        if (letter != '\0')
        {
            result.Append(letter);
        }
        else if (rune is < ' ' or 0x7F)
        {
            result.Append('x').Append(rune.ToString("x2", CultureInfo.InvariantCulture));
        }
        else
        {
            result.Append(rune < 0x10000 ? 'u' : 'U').Append(rune.ToString(rune < 0x10000 ? "x4" : "x8", CultureInfo.InvariantCulture));
        }
    }
}
