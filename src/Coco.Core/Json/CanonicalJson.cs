// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco;

/// <summary>JSON Canonicalization Scheme (RFC 8785): members sorted by UTF-16 code units, no white space, numbers as ECMAScript writes them, minimal escapes.</summary>
public static class CanonicalJson
{
    /// <summary>Parses strictly (see <see cref="HostileJson"/>) and writes canonically.</summary>
    public static Result<byte[]> Transform(ReadOnlySpan<byte> utf8, int maxBytes = HostileJson.DefaultMaxBytes) =>
        HostileJson.Parse(utf8, maxBytes).TryGet(out JsonElement element, out Refusal? refusal) ? Write(element) : refusal;

    /// <summary>The canonical UTF-8 form. Refused: a number outside the range of doubles, duplicate members, strings that are not Unicode.</summary>
    public static Result<byte[]> Write(JsonElement element)
    {
        var output = new ArrayBufferWriter<byte>(256);
        return Write(output, element, 0) is { } refusal ? refusal : output.WrittenSpan.ToArray();
    }

    /// <summary>The canonical UTF-8 form; a null node is <c>null</c>.</summary>
    public static Result<byte[]> Write(JsonNode? node)
    {
        var output = new ArrayBufferWriter<byte>(256);
        return Write(output, node, 0) is { } refusal ? refusal : output.WrittenSpan.ToArray();
    }

    /// <summary>A finite number as ECMAScript's Number.prototype.toString writes it (RFC 8785 section 3.2.2.3).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not finite.</exception>
    public static string FormatNumber(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value));
        }

        if (value == 0)
        {
            return "0";
        }

        // "E16" would not be the shortest form; "R" is, but with other rules for when to write an exponent.
        ReadOnlySpan<char> shortest = value.ToString("R", CultureInfo.InvariantCulture);
        bool negative = shortest[0] == '-';
        if (negative)
        {
            shortest = shortest[1..];
        }

        int exponent = 0;
        int e = shortest.IndexOf('E');
        if (e >= 0)
        {
            exponent = int.Parse(shortest[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            shortest = shortest[..e];
        }

        Span<char> digits = stackalloc char[64];
        int count = 0;
        int point = -1;
        foreach (char c in shortest)
        {
            if (c == '.')
            {
                point = count;
            }
            else
            {
                digits[count++] = c;
            }
        }

        // n of ECMA-262: the value is 0.digits times ten to the n.
        int n = (point < 0 ? count : point) + exponent;
        int lead = 0;
        while (lead < count - 1 && digits[lead] == '0')
        {
            lead++;
            n--;
        }

        while (count > lead + 1 && digits[count - 1] == '0')
        {
            count--;
        }

        ReadOnlySpan<char> d = digits[lead..count];
        int k = d.Length;
        var text = new StringBuilder(32);
        if (negative)
        {
            text.Append('-');
        }

        if (k <= n && n <= 21)
        {
            text.Append(d).Append('0', n - k);
        }
        else if (n is > 0 and <= 21)
        {
            text.Append(d[..n]).Append('.').Append(d[n..]);
        }
        else if (n is > -6 and <= 0)
        {
            text.Append("0.").Append('0', -n).Append(d);
        }
        else
        {
            text.Append(d[0]);
            if (k > 1)
            {
                text.Append('.').Append(d[1..]);
            }

            text.Append('e').Append(n - 1 >= 0 ? '+' : '-').Append(Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static Refusal? Write(ArrayBufferWriter<byte> output, JsonElement element, int depth)
    {
        if (depth > HostileJson.MaxDepth)
        {
            return TooDeep;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new List<(string Name, JsonElement Value)>();
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    if (!TryGetName(member, out string? name))
                    {
                        return NotUnicode;
                    }

                    members.Add((name, member.Value));
                }

                members.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
                output.Write("{"u8);
                for (int i = 0; i < members.Count; i++)
                {
                    if (i > 0)
                    {
                        if (members[i].Name == members[i - 1].Name)
                        {
                            return Duplicate(members[i].Name);
                        }

                        output.Write(","u8);
                    }

                    if (WriteString(output, members[i].Name) is { } bad)
                    {
                        return bad;
                    }

                    output.Write(":"u8);
                    if (Write(output, members[i].Value, depth + 1) is { } refusal)
                    {
                        return refusal;
                    }
                }

                output.Write("}"u8);
                return null;
            case JsonValueKind.Array:
                output.Write("["u8);
                bool first = true;
                foreach (JsonElement item in element.EnumerateArray())
                {
                    if (!first)
                    {
                        output.Write(","u8);
                    }

                    first = false;
                    if (Write(output, item, depth + 1) is { } refusal)
                    {
                        return refusal;
                    }
                }

                output.Write("]"u8);
                return null;
            case JsonValueKind.String:
                return TryGetText(element, out string? text) ? WriteString(output, text) : NotUnicode;
            case JsonValueKind.Number:
                return element.TryGetDouble(out double number) ? WriteNumber(output, number) : NotANumber;
            case JsonValueKind.True:
                output.Write("true"u8);
                return null;
            case JsonValueKind.False:
                output.Write("false"u8);
                return null;
            case JsonValueKind.Null:
                output.Write("null"u8);
                return null;
            default:
                throw new ArgumentException("the element is undefined", nameof(element));
        }
    }

    private static Refusal? Write(ArrayBufferWriter<byte> output, JsonNode? node, int depth)
    {
        if (depth > HostileJson.MaxDepth)
        {
            return TooDeep;
        }

        switch (node)
        {
            case null:
                output.Write("null"u8);
                return null;
            case JsonObject o:
                output.Write("{"u8);
                bool first = true;
                foreach (KeyValuePair<string, JsonNode?> member in o.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    if (!first)
                    {
                        output.Write(","u8);
                    }

                    first = false;
                    if (WriteString(output, member.Key) is { } bad)
                    {
                        return bad;
                    }

                    output.Write(":"u8);
                    if (Write(output, member.Value, depth + 1) is { } refusal)
                    {
                        return refusal;
                    }
                }

                output.Write("}"u8);
                return null;
            case JsonArray a:
                output.Write("["u8);
                for (int i = 0; i < a.Count; i++)
                {
                    if (i > 0)
                    {
                        output.Write(","u8);
                    }

                    if (Write(output, a[i], depth + 1) is { } refusal)
                    {
                        return refusal;
                    }
                }

                output.Write("]"u8);
                return null;
            default:
                JsonValue value = node.AsValue();
                if (value.TryGetValue(out JsonElement element))
                {
                    return Write(output, element, depth);
                }

                switch (value.GetValueKind())
                {
                    case JsonValueKind.String when value.TryGetValue(out string? s):
                        return WriteString(output, s);
                    case JsonValueKind.Number:
                        return double.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                            ? WriteNumber(output, number)
                            : NotANumber;
                    case JsonValueKind.True:
                        output.Write("true"u8);
                        return null;
                    case JsonValueKind.False:
                        output.Write("false"u8);
                        return null;
                    default:
                        // A value of another .NET type (a date, say) has the JSON form that the serialiser gives it.
                        return HostileJson.Parse(value.ToJsonString()).TryGet(out JsonElement other, out Refusal? refusal)
                            ? Write(output, other, depth)
                            : refusal;
                }
        }
    }

    private static Refusal? WriteNumber(ArrayBufferWriter<byte> output, double value)
    {
        if (!double.IsFinite(value))
        {
            return NotANumber;
        }

        string text = FormatNumber(value);
        output.Advance(Encoding.ASCII.GetBytes(text, output.GetSpan(text.Length)));
        return null;
    }

    private static Refusal? WriteString(ArrayBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        output.Write("\""u8);
        while (!text.IsEmpty)
        {
            int plain = 0;
            while (plain < text.Length && text[plain] >= 0x20 && text[plain] is not ('"' or '\\'))
            {
                plain++;
            }

            if (plain > 0)
            {
                Span<byte> span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(plain));
                if (System.Text.Unicode.Utf8.FromUtf16(text[..plain], span, out _, out int written, replaceInvalidSequences: false) != OperationStatus.Done)
                {
                    return NotUnicode;
                }

                output.Advance(written);
                text = text[plain..];
                continue;
            }

            char c = text[0];
            text = text[1..];
            switch (c)
            {
                case '"':
                    output.Write("\\\""u8);
                    break;
                case '\\':
                    output.Write("\\\\"u8);
                    break;
                case '\b':
                    output.Write("\\b"u8);
                    break;
                case '\t':
                    output.Write("\\t"u8);
                    break;
                case '\n':
                    output.Write("\\n"u8);
                    break;
                case '\f':
                    output.Write("\\f"u8);
                    break;
                case '\r':
                    output.Write("\\r"u8);
                    break;
                default:
                    ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
                    output.Write([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', digits[c >> 4], digits[c & 15]]);
                    break;
            }
        }

        output.Write("\""u8);
        return null;
    }

    // An element that was not read by HostileJson may hold text that cannot be read.
    private static bool TryGetText(JsonElement element, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? text)
    {
        try
        {
            text = element.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = null;
            return false;
        }
    }

    private static bool TryGetName(JsonProperty member, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? name)
    {
        try
        {
            name = member.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            name = null;
            return false;
        }
    }

    private static Refusal TooDeep => new(RefusalCode.TooLarge, $"JSON is nested deeper than {HostileJson.MaxDepth}");

    private static Refusal NotUnicode => new(RefusalCode.Malformed, "a string is not Unicode");

    private static Refusal NotANumber => new(RefusalCode.Malformed, "a number is outside the range of doubles");

    private static Refusal Duplicate(string name) => new(RefusalCode.Malformed, $"duplicate member '{name}'");
}
