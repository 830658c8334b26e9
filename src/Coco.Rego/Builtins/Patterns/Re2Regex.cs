// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>
/// A regular expression with the syntax and the meaning of RE2 as Go has it: code points, ASCII classes, leftmost-first
/// matches, no back-references or look-around, and time linear in the text. Thread-safe.
/// </summary>
internal sealed class Re2Regex
{
    private const int MaxCached = 256;
    private const int MaxCachedInstructions = 2_000;
    private const int MaxSlots = 1_000_000;

    private static readonly ConcurrentDictionary<string, Re2Regex> Cache = new(StringComparer.Ordinal);

    private readonly Re2Instruction[] _code;
    private readonly Re2Hints _hints;
    private readonly string[] _groupNames;
    private readonly bool _emptyPattern;
    private Re2Machine? _spareMatcher;
    private Re2Machine? _spareSearcher;

    private Re2Regex(Re2Node root, string[] groupNames, bool emptyPattern)
    {
        _code = Re2Program.Compile(root);
        _hints = Re2Hints.Of(root);
        _groupNames = groupNames;
        _emptyPattern = emptyPattern;
        if ((long)_code.Length * 2 * groupNames.Length > MaxSlots)
        {
            throw new Re2Exception("expression too large");
        }
    }

    /// <summary>Greatest length of a pattern in UTF-16 units.</summary>
    public static int MaxPatternLength => 64 * 1024;

    /// <summary>Number of groups, the whole match included.</summary>
    public int GroupCount => _groupNames.Length;

    /// <summary>Compiles a pattern, or says in the words of Go's package what is wrong with it.</summary>
    public static bool TryCompile(string pattern, out Re2Regex regex, out string error)
    {
        error = "";
        if (Cache.TryGetValue(pattern, out regex!))
        {
            return true;
        }

        try
        {
            if (pattern.Length > MaxPatternLength)
            {
                throw new Re2Exception("expression too large");
            }

            var (root, names) = Re2Parser.Parse(pattern);
            regex = new Re2Regex(root, names, pattern.Length == 0);
        }
        catch (Re2Exception e)
        {
            error = e.Message;
            return false;
        }

        if (regex._code.Length <= MaxCachedInstructions && pattern.Length <= MaxCachedInstructions)
        {
            if (Cache.Count >= MaxCached)
            {
                Cache.Clear();
            }

            Cache[pattern] = regex;
        }

        return true;
    }

    /// <summary>A matcher from a tree that another pattern language made; null where it is too large.</summary>
    public static Re2Regex? FromTree(Re2Node root)
    {
        try
        {
            return new Re2Regex(root, [""], emptyPattern: false);
        }
        catch (Re2Exception)
        {
            return null;
        }
    }

    /// <summary>True where some part of the text matches.</summary>
    public bool IsMatch(string text, ref long budget)
    {
        var machine = Interlocked.Exchange(ref _spareMatcher, null) ?? new Re2Machine(_code, 0);
        var matched = machine.Run(text, 0, _hints, ref budget);
        _spareMatcher = machine;
        return matched;
    }

    /// <summary>
    /// Successive matches that do not overlap, each as start and end of the whole and of every group; at most
    /// <paramref name="limit"/>, or all where that is negative.
    /// </summary>
    public List<int[]> FindAll(string text, int limit, ref long budget)
    {
        var result = new List<int[]>();
        var machine = Interlocked.Exchange(ref _spareSearcher, null) ?? new Re2Machine(_code, 2 * GroupCount);
        var previousEnd = -1;
        for (var position = 0; position <= text.Length && (limit < 0 || result.Count < limit);)
        {
            if (!machine.Run(text, position, _hints, ref budget))
            {
                break;
            }

            int start = machine.Matched[0], end = machine.Matched[1];
            var accept = true;
            if (end == position)
            {
                accept = start != previousEnd;
                position += WidthAt(text, position);
            }
            else
            {
                position = end;
            }

            previousEnd = end;
            if (accept)
            {
                result.Add(machine.Matched.ToArray());
                budget -= machine.Matched.Length;
            }
        }

        _spareSearcher = machine;
        return result;
    }

    /// <summary>The pieces between matches.</summary>
    public List<string> Split(string text, ref long budget)
    {
        if (!_emptyPattern && text.Length == 0)
        {
            return [""];
        }

        var result = new List<string>();
        int begin = 0, end = 0;
        foreach (var match in FindAll(text, -1, ref budget))
        {
            end = match[0];
            if (match[1] != 0)
            {
                result.Add(text[begin..end]);
            }

            begin = match[1];
        }

        if (end != text.Length)
        {
            result.Add(text[begin..]);
        }

        return result;
    }

    /// <summary>
    /// Replaces every match; <c>$1</c>, <c>$name</c> and <c>${name}</c> in <paramref name="template"/> stand for groups, <c>$$</c> for a dollar.
    /// Null where the result would be longer than <paramref name="maxLength"/> UTF-16 units.
    /// </summary>
    public string? Replace(string text, string template, int maxLength, ref long budget)
    {
        var parts = ParseTemplate(template);
        var result = new StringBuilder();
        var machine = Interlocked.Exchange(ref _spareSearcher, null) ?? new Re2Machine(_code, 2 * GroupCount);
        int lastEnd = 0, position = 0;
        while (position <= text.Length && machine.Run(text, position, _hints, ref budget))
        {
            int start = machine.Matched[0], end = machine.Matched[1];
            result.Append(text, lastEnd, start - lastEnd);
            if (end > lastEnd || start == 0)
            {
                Expand(parts, text, machine.Matched, result);
            }

            if (result.Length > maxLength)
            {
                return null;
            }

            lastEnd = end;
            position = Math.Max(position + WidthAt(text, position), end);
        }

        _spareSearcher = machine;
        result.Append(text, lastEnd, text.Length - lastEnd);
        return result.Length > maxLength ? null : result.ToString();
    }

    /// <summary>The text with a backslash before every character that has a meaning in a pattern.</summary>
    public static string QuoteMeta(ReadOnlySpan<char> text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (@"\.+*?()|[]{}^$".Contains(c, StringComparison.Ordinal))
            {
                result.Append('\\');
            }

            result.Append(c);
        }

        return result.ToString();
    }

    private static int WidthAt(string text, int position) =>
        position + 1 < text.Length && char.IsSurrogatePair(text[position], text[position + 1]) ? 2 : 1;

    private static void Expand(List<(string Literal, int Group)> parts, string text, ReadOnlySpan<int> matched, StringBuilder result)
    {
        foreach (var (literal, group) in parts)
        {
            result.Append(literal);
            if (group >= 0 && matched[2 * group] >= 0)
            {
                result.Append(text, matched[2 * group], matched[(2 * group) + 1] - matched[2 * group]);
            }
        }
    }

    // Literal text, then a group or -1. A group that does not exist stands for nothing.
    private List<(string Literal, int Group)> ParseTemplate(string template)
    {
        var parts = new List<(string Literal, int Group)>();
        var literal = new StringBuilder();
        for (var i = 0; i < template.Length;)
        {
            if (template[i] != '$')
            {
                literal.Append(template[i++]);
                continue;
            }

            if (i + 1 < template.Length && template[i + 1] == '$')
            {
                literal.Append('$');
                i += 2;
                continue;
            }

            if (!TryReadName(template, i, out var name, out var end))
            {
                literal.Append(template[i++]);
                continue;
            }

            parts.Add((literal.ToString(), GroupOf(name)));
            literal.Clear();
            i = end;
        }

        parts.Add((literal.ToString(), -1));
        return parts;
    }

    private static bool TryReadName(string template, int dollar, out string name, out int end)
    {
        var start = dollar + 1;
        var braced = start < template.Length && template[start] == '{';
        if (braced)
        {
            start++;
        }

        end = start;
        while (end < template.Length && (char.IsLetterOrDigit(template[end]) || template[end] == '_'))
        {
            end++;
        }

        name = template[start..end];
        if (name.Length == 0 || (braced && (end >= template.Length || template[end] != '}')))
        {
            return false;
        }

        if (braced)
        {
            end++;
        }

        return true;
    }

    private int GroupOf(string name)
    {
        if (name.All(char.IsAsciiDigit) && (name.Length == 1 || name[0] != '0'))
        {
            return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < GroupCount ? number : -1;
        }

        return GroupCount > 1 ? Array.IndexOf(_groupNames, name, 1) : -1;
    }
}
