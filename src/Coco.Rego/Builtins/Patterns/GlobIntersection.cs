// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>
/// Tells whether two simple patterns (characters, <c>.</c>, sets such as <c>[a-z0]</c>, each with <c>*</c> or
/// <c>+</c>) have a text in common.
/// </summary>
internal static class GlobIntersection
{
    private const int MaxStates = 4_000_000;

    private enum Times : byte
    {
        Once,
        Star,
        Plus,
    }

    /// <summary>Whether some text matches both; false with an <paramref name="error"/> where one of them is no such pattern.</summary>
    public static bool IsNonEmpty(string left, string right, out string? error)
    {
        error = null;
        try
        {
            return Intersect(Tokenize(left), Tokenize(right));
        }
        catch (FormatException e)
        {
            error = e.Message;
            return false;
        }
    }

    private static bool Intersect(List<(RuneSet Set, Times Times)> left, List<(RuneSet Set, Times Times)> right)
    {
        if ((long)(left.Count + 1) * (right.Count + 1) > MaxStates)
        {
            throw new FormatException("the input provided is too large");
        }

        // A plus is its token once and then the same token as a star.
        var (a, b) = (Expand(left), Expand(right));
        var seen = new HashSet<(int, int)>();
        var work = new Stack<(int, int)>();
        Push(0, 0);
        while (work.TryPop(out var state))
        {
            var (i, j) = state;
            if (i == a.Count && j == b.Count)
            {
                return true;
            }

            if (i < a.Count && a[i].Star)
            {
                Push(i + 1, j);
            }

            if (j < b.Count && b[j].Star)
            {
                Push(i, j + 1);
            }

            if (i < a.Count && j < b.Count && Overlap(a[i].Set, b[j].Set))
            {
                Push(a[i].Star ? i : i + 1, b[j].Star ? j : j + 1);
            }
        }

        return false;

        void Push(int i, int j)
        {
            if (seen.Add((i, j)))
            {
                work.Push((i, j));
            }
        }
    }

    private static List<(RuneSet Set, bool Star)> Expand(List<(RuneSet Set, Times Times)> tokens)
    {
        var result = new List<(RuneSet Set, bool Star)>(tokens.Count);
        foreach (var (set, times) in tokens)
        {
            if (times != Times.Star)
            {
                result.Add((set, false));
            }

            if (times != Times.Once)
            {
                result.Add((set, true));
            }
        }

        return result;
    }

    private static bool Overlap(RuneSet left, RuneSet right)
    {
        ReadOnlySpan<int> a = left.Bounds, b = right.Bounds;
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            if (a[i + 1] < b[j])
            {
                i += 2;
            }
            else if (b[j + 1] < a[i])
            {
                j += 2;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private static List<(RuneSet Set, Times Times)> Tokenize(string text)
    {
        var runes = text.EnumerateRunes().Select(static rune => rune.Value).ToArray();
        var tokens = new List<(RuneSet Set, Times Times)>();
        for (var i = 0; i < runes.Length;)
        {
            RuneSet set;
            switch (runes[i])
            {
                case '.':
                    set = RuneSet.Any;
                    i++;
                    break;
                case '[':
                    set = Set(text, runes, ref i);
                    break;
                case ']':
                    throw Invalid(text, i, "set-close ']' with no preceding '['");
                case '*' or '+':
                    throw Invalid(text, i, $"flag '{(char)runes[i]}' must be preceded by a non-flag");
                default:
                    set = RuneSet.Of(Unescape(text, runes, ref i));
                    break;
            }

            var times = Times.Once;
            if (i < runes.Length && runes[i] is '*' or '+')
            {
                times = runes[i] == '*' ? Times.Star : Times.Plus;
                i++;
            }

            tokens.Add((set, times));
        }

        return tokens;
    }

    private static RuneSet Set(string text, int[] runes, ref int i)
    {
        var start = i++;
        var builder = new RuneSet.Builder();
        while (i < runes.Length && runes[i] != ']')
        {
            var low = Unescape(text, runes, ref i);
            var high = low;
            if (i + 1 < runes.Length && runes[i] == '-')
            {
                i++;
                if (runes[i] == ']')
                {
                    throw Invalid(text, i, "range character '-' must be followed by a character");
                }

                high = Unescape(text, runes, ref i);
                if (high < low)
                {
                    throw Invalid(text, i, "range is out of order");
                }
            }

            builder.Add(low, high);
        }

        if (i >= runes.Length)
        {
            throw Invalid(text, start, "found [ without matching ]");
        }

        i++;
        return builder.Build();
    }

    private static int Unescape(string text, int[] runes, ref int i)
    {
        if (runes[i] == '\\')
        {
            i++;
            if (i >= runes.Length)
            {
                throw Invalid(text, i - 1, "input ends with a \\ (escape) character");
            }
        }

        return runes[i++];
    }

    private static FormatException Invalid(string text, int position, string detail) =>
        new($"input:{text}, pos:{position + 1}, {detail}: the input provided is invalid");
}
