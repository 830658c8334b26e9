// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins;

/// <summary>Positions in strings counted in code points.</summary>
internal static class CodePoints
{
    internal static int Count(ReadOnlySpan<char> text)
    {
        var count = text.Length;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
            {
                count--;
                i++;
            }
        }

        return count;
    }

    /// <summary>UTF-16 units of the code point at an index.</summary>
    internal static int WidthAt(ReadOnlySpan<char> text, int index) =>
        index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;

    /// <summary>UTF-16 index of a code point, or the length of the text where it has fewer.</summary>
    internal static int IndexOf(ReadOnlySpan<char> text, int codePoint)
    {
        var index = 0;
        for (var i = 0; i < codePoint && index < text.Length; i++)
        {
            index += WidthAt(text, index);
        }

        return index;
    }
}
