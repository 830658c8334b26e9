// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Coco.ReferenceValues.InToto;

/// <summary>The canonical JSON that in-toto signs (rvps.md 10.1): sorted keys, no white space, only backslash and quote escaped, no fractions.</summary>
internal static class OlpcJson
{
    /// <summary>The UTF-8 form; refuses numbers that are not integers.</summary>
    public static Result<byte[]> Write(JsonElement element)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        return Write(output, element) is { } bad ? bad : output.WrittenSpan.ToArray();
    }

    private static Refusal? Write(ArrayBufferWriter<byte> output, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                output.Write("{"u8);
                bool first = true;
                foreach (JsonProperty member in element.EnumerateObject().OrderBy(m => m.Name, CodePointOrder.Instance))
                {
                    if (!first)
                    {
                        output.Write(","u8);
                    }

                    first = false;
                    WriteText(output, member.Name);
                    output.Write(":"u8);
                    if (Write(output, member.Value) is { } bad)
                    {
                        return bad;
                    }
                }

                output.Write("}"u8);
                return null;
            case JsonValueKind.Array:
                output.Write("["u8);
                bool start = true;
                foreach (JsonElement item in element.EnumerateArray())
                {
                    if (!start)
                    {
                        output.Write(","u8);
                    }

                    start = false;
                    if (Write(output, item) is { } bad)
                    {
                        return bad;
                    }
                }

                output.Write("]"u8);
                return null;
            case JsonValueKind.String:
                WriteText(output, element.GetString()!);
                return null;
            case JsonValueKind.Number:
                string number = element.GetRawText();
                if (number.AsSpan().ContainsAny('.', 'e', 'E'))
                {
                    return new Refusal(RefusalCode.Unsupported, $"signed metadata holds the number {number}, which has no canonical form");
                }

                output.Write(Encoding.UTF8.GetBytes(number == "-0" ? "0" : number));
                return null;
            case JsonValueKind.True:
                output.Write("true"u8);
                return null;
            case JsonValueKind.False:
                output.Write("false"u8);
                return null;
            default:
                output.Write("null"u8);
                return null;
        }
    }

    private static void WriteText(ArrayBufferWriter<byte> output, string text)
    {
        output.Write("\""u8);
        string escaped = text.AsSpan().ContainsAny('\\', '"') ? text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) : text;
        output.Write(Encoding.UTF8.GetBytes(escaped));
        output.Write("\""u8);
    }

    private sealed class CodePointOrder : IComparer<string>
    {
        public static CodePointOrder Instance { get; } = new();

        // UTF-16 units order code points wrongly where surrogates meet U+E000 and above; UTF-8 bytes order them rightly.
        public int Compare(string? x, string? y) => Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}
