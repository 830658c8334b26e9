// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego;

/// <summary>Values in Rego notation.</summary>
internal static class RegoText
{
    internal static void Write(StringBuilder text, RegoValue value)
    {
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
                Quote(text, s.Value);
                break;
            case RegoArray a:
                WriteItems(text, '[', a.Items, ']');
                break;
            case RegoSet { Count: 0 }:
                text.Append("set()");
                break;
            case RegoSet s:
                WriteItems(text, '{', s.Items, '}');
                break;
            case RegoObject o:
                text.Append('{');
                for (int i = 0; i < o.Count; i++)
                {
                    text.Append(i > 0 ? ", " : string.Empty);
                    Write(text, o.Keys[i]);
                    text.Append(": ");
                    Write(text, o.Values[i]);
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

    private static void WriteItems(StringBuilder text, char open, ReadOnlySpan<RegoValue> items, char close)
    {
        text.Append(open);
        for (int i = 0; i < items.Length; i++)
        {
            text.Append(i > 0 ? ", " : string.Empty);
            Write(text, items[i]);
        }

        text.Append(close);
    }
}
