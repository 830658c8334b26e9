// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Syntax;

/// <summary>A source and its lines.</summary>
internal sealed class SourceText(string name, string text)
{
    private int[]? _lines;

    internal string Name { get; } = name;

    internal string Text { get; } = text;

    internal int LineCount => Lines.Length;

    private int[] Lines
    {
        get
        {
            if (_lines is null)
            {
                var starts = new List<int> { 0 };
                for (int at = Text.IndexOf('\n', StringComparison.Ordinal); at >= 0; at = Text.IndexOf('\n', at + 1))
                {
                    starts.Add(at + 1);
                }

                _lines = [.. starts];
            }

            return _lines;
        }
    }

    internal int RowOf(int offset)
    {
        int at = Array.BinarySearch(Lines, offset);
        return at >= 0 ? at + 1 : ~at;
    }

    internal RegoLocation Locate(int offset)
    {
        int row = RowOf(offset);
        return new RegoLocation(Name, row, offset - Lines[row - 1] + 1);
    }

    /// <summary>The source between two offsets, without line ends, at most some hundred characters.</summary>
    internal string Excerpt(int start, int end)
    {
        const int Longest = 200;
        ReadOnlySpan<char> slice = Text.AsSpan(start, Math.Min(end, Text.Length) - start);
        bool cut = slice.Length > Longest;
        slice = cut ? slice[..Longest] : slice;
        if (slice.IndexOfAny('\n', '\t') < 0)
        {
            return cut ? slice.ToString() + "…" : slice.ToString();
        }

        return string.Join(' ', slice.ToString().Split((char[])['\n', '\r', '\t', ' '], StringSplitOptions.RemoveEmptyEntries)) + (cut ? "…" : string.Empty);
    }
}
