// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>
/// Glob patterns with delimiters: <c>*</c> a run without delimiter, <c>**</c> any run, <c>?</c> one character that is
/// no delimiter, <c>[abc] [!abc] [a-z] [!a-z]</c>, <c>{a,b}</c>, and a backslash before a character taken as it is.
/// </summary>
internal sealed class GlobPattern
{
    private const int MaxDepth = 64;
    private const int MaxCached = 256;

    private static readonly ConcurrentDictionary<(string Pattern, string Delimiters), Re2Regex> Cache = new();

    private readonly string _text;
    private readonly RuneSet _single;
    private int _position;
    private int _depth;

    private GlobPattern(string text, string delimiters)
    {
        _text = text;
        var builder = new RuneSet.Builder();
        foreach (var rune in delimiters.EnumerateRunes())
        {
            builder.Add(rune.Value, rune.Value);
        }

        _single = builder.Build(negate: true);
    }

    /// <summary>Compiles a pattern; <paramref name="delimiters"/> are its code points, one after the other.</summary>
    public static bool TryCompile(string pattern, string delimiters, out Re2Regex matcher, out string error)
    {
        error = "";
        if (Cache.TryGetValue((pattern, delimiters), out matcher!))
        {
            return true;
        }

        try
        {
            if (pattern.Length > Re2Regex.MaxPatternLength)
            {
                throw new Re2Exception("pattern too large");
            }

            var glob = new GlobPattern(pattern, delimiters);
            var body = glob.Sequence(inTerms: false);
            var root = new Re2Node(Re2Op.Concat) { Subs = [new Re2Node(Re2Op.BeginText), body, new Re2Node(Re2Op.EndText)] };
            matcher = Re2Regex.FromTree(root) ?? throw new Re2Exception("pattern too large");
        }
        catch (Re2Exception e)
        {
            error = e.Message.Replace("error parsing regexp: ", "", StringComparison.Ordinal);
            return false;
        }

        if (pattern.Length <= 1024)
        {
            if (Cache.Count >= MaxCached)
            {
                Cache.Clear();
            }

            Cache[(pattern, delimiters)] = matcher;
        }

        return true;
    }

    /// <summary>The text with a backslash before every character that has a meaning in a glob.</summary>
    public static string QuoteMeta(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c is '*' or '?' or '\\' or '[' or ']' or '{' or '}')
            {
                result.Append('\\');
            }

            result.Append(c);
        }

        return result.ToString();
    }

    private static Re2Node SetNode(RuneSet set) => new(Re2Op.Class) { Set = set };

    private static Re2Node Run(RuneSet set) => new(Re2Op.Repeat) { Subs = [SetNode(set)], Min = 0, Max = -1 };

    private Re2Node Sequence(bool inTerms)
    {
        var items = new List<Re2Node>();
        while (_position < _text.Length && !(inTerms && _text[_position] is ',' or '}'))
        {
            items.Add(Item());
        }

        return new Re2Node(Re2Op.Concat) { Subs = items };
    }

    private Re2Node Item()
    {
        switch (_text[_position])
        {
            case '*':
                _position++;
                if (_position < _text.Length && _text[_position] == '*')
                {
                    _position++;
                    return Run(RuneSet.Any);
                }

                return Run(_single);
            case '?':
                _position++;
                return SetNode(_single);
            case '[':
                return Bracket();
            case '{':
                return Terms();
            default:
                return SetNode(RuneSet.Of(NextRune()));
        }
    }

    private Re2Node Terms()
    {
        if (++_depth > MaxDepth)
        {
            throw new Re2Exception("pattern nests too deeply");
        }

        var branches = new List<Re2Node>();
        do
        {
            _position++;
            branches.Add(Sequence(inTerms: true));
        }
        while (_position < _text.Length && _text[_position] == ',');
        _position = Math.Min(_position + 1, _text.Length);
        _depth--;
        return new Re2Node(Re2Op.Alternate) { Subs = branches };
    }

    private Re2Node Bracket()
    {
        _position++;
        var negate = _position < _text.Length && _text[_position] == '!';
        if (negate)
        {
            _position++;
        }

        var builder = new RuneSet.Builder();
        var first = NextRune(unescape: false);
        if (_position < _text.Length && _text[_position] == '-')
        {
            _position++;
            var last = NextRune(unescape: false);
            if (last < first)
            {
                throw new Re2Exception("hi character in range should be greater than lo character");
            }

            builder.Add(first, last);
        }
        else
        {
            _position -= first > 0xFFFF ? 2 : 1;
            while (_position < _text.Length && _text[_position] != ']')
            {
                var rune = NextRune();
                builder.Add(rune, rune);
            }
        }

        if (_position >= _text.Length || _text[_position] != ']')
        {
            throw new Re2Exception(_position >= _text.Length ? "unexpected end of input" : "expected close range character");
        }

        _position++;
        return SetNode(builder.Build(negate));
    }

    private int NextRune(bool unescape = true)
    {
        if (unescape && _position + 1 < _text.Length && _text[_position] == '\\')
        {
            _position++;
        }

        if (_position >= _text.Length)
        {
            throw new Re2Exception("unexpected end of input");
        }

        if (Rune.TryGetRuneAt(_text, _position, out var rune))
        {
            _position += rune.Utf16SequenceLength;
            return rune.Value;
        }

        _position++;
        return Rune.ReplacementChar.Value;
    }
}
