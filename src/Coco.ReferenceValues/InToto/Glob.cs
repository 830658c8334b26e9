// SPDX-License-Identifier: Apache-2.0
namespace Coco.ReferenceValues.InToto;

/// <summary>Shell patterns over whole paths (rvps.md 11): <c>*</c> also crosses <c>/</c>, <c>?</c>, <c>[seq]</c>, <c>[!seq]</c>; nothing else is special.</summary>
internal static class Glob
{
    /// <summary>Whether the whole text matches. Takes at most pattern times text steps.</summary>
    public static bool Matches(string pattern, string text)
    {
        long budget = long.MaxValue;
        return Matches(pattern, text, ref budget);
    }

    /// <summary>The same, counting steps; false when they are used up (the budget is then negative).</summary>
    public static bool Matches(string pattern, string text, ref long budget)
    {
        int p = 0, t = 0, star = -1, retry = 0;
        budget--;
        while (t < text.Length)
        {
            if (--budget < 0)
            {
                return false;
            }

            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                retry = t;
            }
            else if (p < pattern.Length && MatchesOne(pattern, ref p, text[t]))
            {
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++retry;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }

    // Moves p behind the element when the character fits it.
    private static bool MatchesOne(string pattern, ref int p, char c)
    {
        switch (pattern[p])
        {
            case '?':
                p++;
                return true;
            case '[' when ClosingBracket(pattern, p) is var end and > 0:
                bool hit = InSet(pattern.AsSpan(p + 1, end - p - 1), c);
                if (hit)
                {
                    p = end + 1;
                }

                return hit;
            default:
                if (pattern[p] != c)
                {
                    return false;
                }

                p++;
                return true;
        }
    }

    private static int ClosingBracket(string pattern, int open)
    {
        int i = open + 1;
        if (i < pattern.Length && pattern[i] == '!')
        {
            i++;
        }

        // A bracket right after the opening is a member of the set.
        if (i < pattern.Length && pattern[i] == ']')
        {
            i++;
        }

        return i >= pattern.Length ? -1 : pattern.IndexOf(']', i);
    }

    private static bool InSet(ReadOnlySpan<char> set, char c)
    {
        bool negated = set.Length > 0 && set[0] == '!';
        if (negated)
        {
            set = set[1..];
        }

        bool found = false;
        for (int i = 0; i < set.Length && !found; i++)
        {
            if (i + 2 < set.Length && set[i + 1] == '-')
            {
                found = c >= set[i] && c <= set[i + 2];
                i += 2;
            }
            else
            {
                found = c == set[i];
            }
        }

        return found != negated;
    }
}
