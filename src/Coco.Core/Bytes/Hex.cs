// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>Hexadecimal text, read strictly: an even number of hex digits and nothing else.</summary>
public static class Hex
{
    /// <summary>Digits of either case.</summary>
    public static Result<byte[]> Decode(ReadOnlySpan<char> text)
    {
        if (text.Length % 2 != 0)
        {
            return new Refusal(RefusalCode.Malformed, "hex: odd number of digits");
        }

        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiHexDigit(text[i]))
            {
                return Refusal.Malformed("hex", i, "not a hex digit");
            }
        }

        return Convert.FromHexString(text);
    }

    /// <summary>Lower-case digits.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
