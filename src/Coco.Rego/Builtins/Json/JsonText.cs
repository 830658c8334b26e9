// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Json;

/// <summary>JSON text as Go's encoder writes it: members sorted, and the characters of HTML escaped.</summary>
internal static class JsonText
{
    /// <summary>How it is laid out.</summary>
    /// <param name="Indent">One level of indentation; null puts all on one line.</param>
    /// <param name="Prefix">Stands at the start of every line.</param>
    internal readonly record struct Style(string? Indent, string Prefix)
    {
        public static Style Compact => new(null, "");
    }

    public static string Write(BuiltinContext context, RegoValue value, Style style)
    {
        var result = new StringBuilder(style.Prefix);
        Write(context, result, value, style, 0);
        return result.ToString();
    }

    private static void Write(BuiltinContext context, StringBuilder result, RegoValue value, Style style, int level)
    {
        context.Charge(1);
        context.ChargeOutput(result.Length);
        switch (value)
        {
            case RegoString text:
                Quote(result, text.Value);
                break;
            case RegoObject members:
                if (members.Count == 0)
                {
                    result.Append("{}");
                    break;
                }

                result.Append('{');
                var first = true;
                foreach (var (name, member) in Sorted(members))
                {
                    result.Append(first ? "" : ",");
                    first = false;
                    Line(result, style, level + 1);
                    Quote(result, name);
                    result.Append(style.Indent is null ? ":" : ": ");
                    Write(context, result, member, style, level + 1);
                }

                Line(result, style, level);
                result.Append('}');
                break;
            case RegoArray or RegoSet:
                var items = value.ItemsOf();
                result.Append('[');
                for (var i = 0; i < items.Length; i++)
                {
                    result.Append(i > 0 ? "," : "");
                    Line(result, style, level + 1);
                    Write(context, result, items[i], style, level + 1);
                }

                if (items.Length > 0)
                {
                    Line(result, style, level);
                }

                result.Append(']');
                break;
            default:
                result.Append(value.ToJson());
                break;
        }
    }

    private static IEnumerable<(string Name, RegoValue Value)> Sorted(RegoObject members)
    {
        var list = new List<(string Name, RegoValue Value)>(members.Count);
        var allStrings = true;
        for (var i = 0; i < members.Count; i++)
        {
            allStrings &= members.Keys[i] is RegoString;
            list.Add((members.Keys[i] is RegoString name ? name.Value : members.Keys[i].ToJson(), members.Values[i]));
        }

        return allStrings ? list : list.OrderBy(static member => member.Name, StringComparer.Ordinal);
    }

    private static void Line(StringBuilder result, Style style, int level)
    {
        if (style.Indent is null)
        {
            return;
        }

        result.Append('\n').Append(style.Prefix);
        for (var i = 0; i < level; i++)
        {
            result.Append(style.Indent);
        }
    }

    private static void Quote(StringBuilder result, string text)
    {
        result.Append('"');
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '"' or '\\':
                    result.Append('\\').Append((char)rune.Value);
                    break;
                case '\b':
                    result.Append("\\b");
                    break;
                case '\f':
                    result.Append("\\f");
                    break;
                case '\n':
                    result.Append("\\n");
                    break;
                case '\r':
                    result.Append("\\r");
                    break;
                case '\t':
                    result.Append("\\t");
                    break;
                case < ' ' or '<' or '>' or '&' or 0x2028 or 0x2029:
                    result.Append("\\u").Append(rune.Value.ToString("x4", CultureInfo.InvariantCulture));
                    break;
                default:
                    result.Append(rune.ToString());
                    break;
            }
        }

        result.Append('"');
    }
}
