// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego;

/// <summary>Values in Rego notation.</summary>
internal static class RegoText
{
    /// <summary>The first characters of a value, without writing the rest.</summary>
    internal static string Short(RegoValue value, int most)
    {
        var text = new StringBuilder();
        Write(text, value, most);
        return text.Length <= most ? text.ToString() : text.ToString(0, most) + "…";
    }

    internal static void Write(StringBuilder text, RegoValue value, int most = int.MaxValue)
    {
        if (text.Length > most)
        {
            return;
        }

        switch (value)
        {
            case RegoNull:
                text.Append("null");
                break;
            case RegoBoolean b:
                text.Append(b.Value ? "true" : "false");
                break;
            case RegoNumber n:
                text.Append(n.ToText());
                break;
            case RegoString s:
                Quote(text, s.Value.Length > most ? s.Value[..most] : s.Value);
                break;
            case RegoArray a:
                WriteItems(text, '[', a.Items, ']', most);
                break;
            case RegoSet { Count: 0 }:
                text.Append("set()");
                break;
            case RegoSet s:
                WriteItems(text, '{', s.Items, '}', most);
                break;
            case RegoObject o:
                text.Append('{');
                for (int i = 0; i < o.Count && text.Length <= most; i++)
                {
                    text.Append(i > 0 ? ", " : string.Empty);
                    Write(text, o.Keys[i], most);
                    text.Append(": ");
                    Write(text, o.Values[i], most);
                }

                text.Append('}');
                break;
        }
    }

    /// <summary>A string with quotes and escapes, as it may stand in a source.</summary>
    internal static void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            switch (c)
            {
                case '"':
                    text.Append("\\\"");
                    break;
                case '\\':
                    text.Append("\\\\");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case '\b':
                    text.Append("\\b");
                    break;
                case '\f':
                    text.Append("\\f");
                    break;
                default:
                    if (char.IsControl(c))
                    {
                        text.Append("\\u").Append(((int)c).ToString("x4", System.Globalization.CultureInfo.InvariantCulture));
                    }
                    else
                    {
                        text.Append(c);
                    }

                    break;
            }
        }

        text.Append('"');
    }

    private static void WriteItems(StringBuilder text, char open, ReadOnlySpan<RegoValue> items, char close, int most)
    {
        text.Append(open);
        for (int i = 0; i < items.Length && text.Length <= most; i++)
        {
            text.Append(i > 0 ? ", " : string.Empty);
            Write(text, items[i], most);
        }

        text.Append(close);
    }
}
