// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>Reads the RE2 syntax (the Perl flavour that Go accepts) into a tree.</summary>
internal sealed class Re2Parser
{
    private const int MaxDepth = 1000;
    private const int MaxRepeat = 1000;

    private static readonly RuneSet Digits = new RuneSet.Builder().Add('0', '9').Build();
    private static readonly RuneSet Words = new RuneSet.Builder().Add('0', '9').Add('A', 'Z').Add('_', '_').Add('a', 'z').Build();
    private static readonly RuneSet Spaces = new RuneSet.Builder().Add('\t', '\n').Add('\f', '\r').Add(' ', ' ').Build();

    private static readonly Dictionary<string, (int Low, int High)[]> Posix = new(StringComparer.Ordinal)
    {
        ["alnum"] = [('0', '9'), ('A', 'Z'), ('a', 'z')],
        ["alpha"] = [('A', 'Z'), ('a', 'z')],
        ["ascii"] = [(0, 0x7F)],
        ["blank"] = [('\t', '\t'), (' ', ' ')],
        ["cntrl"] = [(0, 0x1F), (0x7F, 0x7F)],
        ["digit"] = [('0', '9')],
        ["graph"] = [('!', '~')],
        ["lower"] = [('a', 'z')],
        ["print"] = [(' ', '~')],
        ["punct"] = [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ["space"] = [('\t', '\r'), (' ', ' ')],
        ["upper"] = [('A', 'Z')],
        ["word"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ["xdigit"] = [('0', '9'), ('A', 'F'), ('a', 'f')],
    };

    private readonly string _text;
    private readonly List<string> _groupNames = [""];
    private int _position;
    private int _depth;
    private bool _fold;
    private bool _dotNewline;
    private bool _multiLine;
    private bool _swapGreed;

    private Re2Parser(string text) => _text = text;

    /// <summary>Parses a whole pattern.</summary>
    /// <exception cref="Re2Exception">The pattern is not RE2 syntax.</exception>
    public static (Re2Node Root, string[] GroupNames) Parse(string pattern)
    {
        var parser = new Re2Parser(pattern);
        var root = parser.Alternation();
        if (parser._position < pattern.Length)
        {
            throw new Re2Exception($"unexpected ): `{pattern}`");
        }

        return (root, [.. parser._groupNames]);
    }

    private bool AtEnd => _position >= _text.Length;

    private char Current => _text[_position];

    private Re2Node Alternation()
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new Re2Exception($"expression nests too deeply: `{_text}`");
        }

        var branches = new List<Re2Node> { Concatenation() };
        while (!AtEnd && Current == '|')
        {
            _position++;
            branches.Add(Concatenation());
        }

        _depth--;
        return branches.Count == 1 ? branches[0] : new Re2Node(Re2Op.Alternate) { Subs = branches };
    }

    private Re2Node Concatenation()
    {
        var items = new List<Re2Node>();
        var repeatStart = -1;
        var repeatEnd = -1;
        while (!AtEnd && Current is not ('|' or ')'))
        {
            var start = _position;
            if (TryRepetition(out var min, out var max))
            {
                var greedy = !_swapGreed;
                if (!AtEnd && Current == '?')
                {
                    _position++;
                    greedy = !greedy;
                }

                if (items.Count == 0)
                {
                    throw new Re2Exception($"missing argument to repetition operator: `{_text[start.._position]}`");
                }

                if (repeatEnd == start)
                {
                    throw new Re2Exception($"invalid nested repetition operator: `{_text[repeatStart.._position]}`");
                }

                repeatStart = start;
                repeatEnd = _position;
                var repeat = new Re2Node(Re2Op.Repeat) { Subs = [items[^1]], Min = min, Max = max, Greedy = greedy };
                if (!RepeatIsValid(repeat, MaxRepeat))
                {
                    throw new Re2Exception($"invalid repeat count: `{_text[start.._position]}`");
                }

                items[^1] = repeat;
                continue;
            }

            Item(items);
        }

        return items.Count switch
        {
            0 => new Re2Node(Re2Op.Empty),
            1 => items[0],
            _ => new Re2Node(Re2Op.Concat) { Subs = items },
        };
    }

    // The product of nested counts is what would be copied: (?:a{1000}){1000} is refused like a{1001}.
    private static bool RepeatIsValid(Re2Node node, int budget)
    {
        if (node.Op == Re2Op.Repeat && (node.Min > 1 || node.Max > 1))
        {
            var count = Math.Max(node.Min, node.Max);
            if (count > budget)
            {
                return false;
            }

            budget /= count;
        }

        foreach (var sub in node.Subs)
        {
            if (!RepeatIsValid(sub, budget))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryRepetition(out int min, out int max)
    {
        (min, max) = (0, -1);
        switch (Current)
        {
            case '*':
                _position++;
                return true;
            case '+':
                min = 1;
                _position++;
                return true;
            case '?':
                max = 1;
                _position++;
                return true;
            case '{':
                return TryCount(out min, out max);
            default:
                return false;
        }
    }

    // A brace that does not open a count stands for itself.
    private bool TryCount(out int min, out int max)
    {
        max = -1;
        var at = _position + 1;
        if (!TryInteger(ref at, out min) || at >= _text.Length)
        {
            return false;
        }

        if (_text[at] == ',')
        {
            at++;
            if (at >= _text.Length)
            {
                return false;
            }

            if (_text[at] != '}' && !TryInteger(ref at, out max))
            {
                return false;
            }
        }
        else
        {
            max = min;
        }

        if (at >= _text.Length || _text[at] != '}')
        {
            return false;
        }

        at++;
        if (min > MaxRepeat || max > MaxRepeat || (max >= 0 && min > max))
        {
            throw new Re2Exception($"invalid repeat count: `{_text[_position..at]}`");
        }

        _position = at;
        return true;
    }

    private bool TryInteger(ref int at, out int value)
    {
        value = 0;
        var start = at;
        while (at < _text.Length && char.IsAsciiDigit(_text[at]))
        {
            value = Math.Min((value * 10) + _text[at] - '0', MaxRepeat + 1);
            at++;
        }

        return at > start && (at == start + 1 || _text[start] != '0');
    }

    private void Item(List<Re2Node> items)
    {
        switch (Current)
        {
            case '(':
                Group(items);
                break;
            case '[':
                items.Add(SetNode(BracketClass()));
                break;
            case '.':
                _position++;
                items.Add(SetNode(_dotNewline ? RuneSet.Any : RuneSet.AnyButNewline));
                break;
            case '^':
                _position++;
                items.Add(new Re2Node(_multiLine ? Re2Op.BeginLine : Re2Op.BeginText));
                break;
            case '$':
                _position++;
                items.Add(new Re2Node(_multiLine ? Re2Op.EndLine : Re2Op.EndText));
                break;
            case '\\':
                Escape(items);
                break;
            default:
                items.Add(Literal(NextRune()));
                break;
        }
    }

    private static Re2Node SetNode(RuneSet set) => new(Re2Op.Class) { Set = set };

    private Re2Node Literal(int rune)
    {
        if (!_fold)
        {
            return SetNode(RuneSet.Of(rune));
        }

        return SetNode(new RuneSet.Builder().Add(rune, rune).Fold().Build());
    }

    private int NextRune()
    {
        if (Rune.TryGetRuneAt(_text, _position, out var rune))
        {
            _position += rune.Utf16SequenceLength;
            return rune.Value;
        }

        throw new Re2Exception("invalid UTF-8");
    }

    private void Escape(List<Re2Node> items)
    {
        if (_position + 1 >= _text.Length)
        {
            throw new Re2Exception("trailing backslash at end of expression: ``");
        }

        switch (_text[_position + 1])
        {
            case 'A':
                Assertion(Re2Op.BeginText);
                return;
            case 'z':
                Assertion(Re2Op.EndText);
                return;
            case 'b':
                Assertion(Re2Op.WordBoundary);
                return;
            case 'B':
                Assertion(Re2Op.NoWordBoundary);
                return;
            case 'Q':
                Quoted(items);
                return;
        }

        if (TryPerlClass(out var set) || TryUnicodeClass(out set))
        {
            items.Add(SetNode(set));
            return;
        }

        items.Add(Literal(EscapedRune()));

        void Assertion(Re2Op op)
        {
            _position += 2;
            items.Add(new Re2Node(op));
        }
    }

    private void Quoted(List<Re2Node> items)
    {
        _position += 2;
        var end = _text.IndexOf("\\E", _position, StringComparison.Ordinal);
        var stop = end < 0 ? _text.Length : end;
        while (_position < stop)
        {
            items.Add(Literal(NextRune()));
        }

        _position = end < 0 ? stop : end + 2;
    }

    private bool TryPerlClass(out RuneSet set)
    {
        set = RuneSet.Any;
        if (_position + 1 >= _text.Length)
        {
            return false;
        }

        var letter = _text[_position + 1];
        RuneSet? basis = char.ToLowerInvariant(letter) switch
        {
            'd' => Digits,
            'w' => Words,
            's' => Spaces,
            _ => null,
        };
        if (basis is null || !char.IsAsciiLetter(letter))
        {
            return false;
        }

        _position += 2;
        set = FoldIfAsked(new RuneSet.Builder().Add(basis)).Build(negate: char.IsAsciiLetterUpper(letter));
        return true;
    }

    private RuneSet.Builder FoldIfAsked(RuneSet.Builder builder) => _fold ? builder.Fold() : builder;

    private bool TryUnicodeClass(out RuneSet set)
    {
        set = RuneSet.Any;
        if (_position + 1 >= _text.Length || _text[_position + 1] is not ('p' or 'P'))
        {
            return false;
        }

        var start = _position;
        var negate = _text[_position + 1] == 'P';
        _position += 2;
        if (AtEnd)
        {
            throw new Re2Exception($"invalid character class range: `{_text[start..]}`");
        }

        string name;
        if (Current == '{')
        {
            var end = _text.IndexOf('}', _position);
            if (end < 0)
            {
                throw new Re2Exception($"invalid character class range: `{_text[start..]}`");
            }

            name = _text[(_position + 1)..end];
            _position = end + 1;
        }
        else
        {
            var rune = NextRune();
            name = char.ConvertFromUtf32(rune);
        }

        if (name.StartsWith('^'))
        {
            negate = !negate;
            name = name[1..];
        }

        set = UnicodeClasses.Find(name, _fold, negate)
            ?? throw new Re2Exception($"invalid character class range: `{_text[start.._position]}`");
        return true;
    }

    private int EscapedRune()
    {
        var start = _position;
        _position++;
        if (AtEnd)
        {
            throw new Re2Exception("trailing backslash at end of expression: ``");
        }

        var letter = NextRune();
        switch (letter)
        {
            case >= '1' and <= '7' when AtEnd || Current is < '0' or > '7':
                break;
            case >= '0' and <= '7':
                var octal = letter - '0';
                for (var i = 1; i < 3 && !AtEnd && Current is >= '0' and <= '7'; i++)
                {
                    octal = (octal * 8) + Current - '0';
                    _position++;
                }

                return octal;
            case 'x':
                if (TryHex(out var value))
                {
                    return value;
                }

                break;
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            default:
                if (letter < 0x80 && !char.IsAsciiLetterOrDigit((char)letter))
                {
                    return letter;
                }

                break;
        }

        throw new Re2Exception($"invalid escape sequence: `{_text[start..Math.Min(_position, _text.Length)]}`");
    }

    private bool TryHex(out int value)
    {
        value = 0;
        if (AtEnd)
        {
            return false;
        }

        if (Current != '{')
        {
            if (_position + 2 > _text.Length
                || !int.TryParse(_text.AsSpan(_position, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value))
            {
                _position = Math.Min(_position + 1, _text.Length);
                return false;
            }

            _position += 2;
            return true;
        }

        _position++;
        var digits = 0;
        while (!AtEnd && char.IsAsciiHexDigit(Current))
        {
            value = (value * 16) + Convert.ToInt32(Current.ToString(), 16);
            digits++;
            _position++;
            if (value > 0x10FFFF)
            {
                return false;
            }
        }

        if (digits == 0 || AtEnd || Current != '}')
        {
            return false;
        }

        _position++;
        return true;
    }

    private RuneSet BracketClass()
    {
        var start = _position;
        _position++;
        var builder = new RuneSet.Builder();
        var negate = false;
        if (!AtEnd && Current == '^')
        {
            negate = true;
            _position++;
        }

        var first = true;
        while (AtEnd || Current != ']' || first)
        {
            if (AtEnd)
            {
                throw new Re2Exception($"missing closing ]: `{_text[start..]}`");
            }

            first = false;
            if (TryPosixClass(builder))
            {
                continue;
            }

            if (Current == '\\' && (TryUnicodeClass(out var set) || TryPerlClass(out set)))
            {
                builder.Add(set);
                continue;
            }

            Range(builder, start);
        }

        _position++;
        return builder.Build(negate);
    }

    private void Range(RuneSet.Builder builder, int classStart)
    {
        var start = _position;
        var low = ClassRune(classStart);
        var high = low;
        if (_position + 1 < _text.Length && Current == '-' && _text[_position + 1] != ']')
        {
            _position++;
            high = ClassRune(classStart);
            if (high < low)
            {
                throw new Re2Exception($"invalid character class range: `{_text[start.._position]}`");
            }
        }

        builder.Add(low, high);
        if (_fold)
        {
            CaseFolding.AddOrbits(low, high, builder);
        }
    }

    private int ClassRune(int classStart)
    {
        if (AtEnd)
        {
            throw new Re2Exception($"missing closing ]: `{_text[classStart..]}`");
        }

        return Current == '\\' ? EscapedRune() : NextRune();
    }

    private bool TryPosixClass(RuneSet.Builder builder)
    {
        if (Current != '[' || _position + 1 >= _text.Length || _text[_position + 1] != ':')
        {
            return false;
        }

        var end = _text.IndexOf(":]", _position + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        var name = _text.AsSpan((_position + 2)..end);
        var negate = name.StartsWith("^");
        if (!Posix.TryGetValue((negate ? name[1..] : name).ToString(), out var ranges))
        {
            throw new Re2Exception($"invalid character class range: `{_text[_position..(end + 2)]}`");
        }

        var posix = new RuneSet.Builder();
        foreach (var (low, high) in ranges)
        {
            posix.Add(low, high);
        }

        builder.Add(FoldIfAsked(posix).Build(negate));
        _position = end + 2;
        return true;
    }

    private void Group(List<Re2Node> items)
    {
        var start = _position;
        var saved = (_fold, _dotNewline, _multiLine, _swapGreed);
        _position++;
        var index = 0;
        if (!AtEnd && Current == '?')
        {
            if (!GroupPrefix(start, ref index))
            {
                return;
            }
        }
        else
        {
            index = _groupNames.Count;
            _groupNames.Add("");
        }

        var inner = Alternation();
        if (AtEnd)
        {
            throw new Re2Exception($"missing closing ): `{_text}`");
        }

        _position++;
        (_fold, _dotNewline, _multiLine, _swapGreed) = saved;
        items.Add(index > 0 ? new Re2Node(Re2Op.Capture) { Subs = [inner], Index = index } : inner);
    }

    // True where a group follows, false after flags alone, as in (?i).
    private bool GroupPrefix(int start, ref int index)
    {
        _position++;
        var rest = _text.AsSpan(_position);
        if (rest.StartsWith("P<") || rest.StartsWith("<"))
        {
            _position += rest[0] == 'P' ? 2 : 1;
            var end = _text.IndexOf('>', _position);
            if (end < 0)
            {
                throw new Re2Exception($"invalid named capture: `{_text[start..]}`");
            }

            var name = _text[_position..end];
            if (name.Length == 0 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            {
                throw new Re2Exception($"invalid named capture: `{_text[start..(end + 1)]}`");
            }

            if (_groupNames.Contains(name))
            {
                throw new Re2Exception($"duplicate capture group name: `{name}`");
            }

            _position = end + 1;
            index = _groupNames.Count;
            _groupNames.Add(name);
            return true;
        }

        return Flags(start);
    }

    private bool Flags(int start)
    {
        var value = true;
        var any = false;
        while (!AtEnd)
        {
            var flag = Current;
            _position++;
            switch (flag)
            {
                case 'i':
                    _fold = value;
                    any = true;
                    break;
                case 'm':
                    _multiLine = value;
                    any = true;
                    break;
                case 's':
                    _dotNewline = value;
                    any = true;
                    break;
                case 'U':
                    _swapGreed = value;
                    any = true;
                    break;
                case '-' when value:
                    value = false;
                    any = false;
                    break;
                case ':' or ')' when value || any:
                    return flag == ':';
                default:
                    throw new Re2Exception($"invalid or unsupported Perl syntax: `{_text[start.._position]}`");
            }
        }

        throw new Re2Exception($"missing closing ): `{_text}`");
    }
}
