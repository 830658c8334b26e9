// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Coco.Rego.Builtins.Text;

namespace Coco.Rego.Builtins.GraphQl;

/// <summary>Kinds of tokens of GraphQL.</summary>
internal enum GraphQlTokenKind : byte
{
    End,
    Punctuator,
    Name,
    Int,
    Float,
    String,
    BlockString,
}

/// <summary>One token; the text of a string is what it stands for.</summary>
internal readonly record struct GraphQlToken(GraphQlTokenKind Kind, string Text, int Line, int Column)
{
    public override string ToString() => Kind switch
    {
        GraphQlTokenKind.End => "<EOF>",
        GraphQlTokenKind.Punctuator => Text,
        _ => Text.Length == 0 ? Kind.ToString() : $"{Kind} {GoQuote.Quote(Text, ascii: false)}",
    };
}

/// <summary>Cuts GraphQL text (October 2021 edition, section 2.1) into tokens.</summary>
internal sealed class GraphQlLexer
{
    private readonly string _text;
    private int _at;
    private int _line = 1;
    private int _lineStart;

    public GraphQlLexer(string text) => _text = text;

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    /// <exception cref="GraphQlException">A character or string that is no token.</exception>
    public GraphQlToken Next()
    {
        SkipIgnored();
        var start = _at;
        if (_at >= _text.Length)
        {
            return Token(GraphQlTokenKind.End, "", start);
        }

        var c = Current;
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (char.IsAsciiLetterOrDigit(Current) || Current == '_')
            {
                _at++;
            }

            return Token(GraphQlTokenKind.Name, _text[start.._at], start);
        }

        if (char.IsAsciiDigit(c) || c == '-')
        {
            return Number(start);
        }

        if (c == '"')
        {
            return _text.AsSpan(_at).StartsWith("\"\"\"") ? BlockString() : String();
        }

        if (_text.AsSpan(_at).StartsWith("..."))
        {
            _at += 3;
            return Token(GraphQlTokenKind.Punctuator, "...", start);
        }

        if ("!$&():=@[]{|}".Contains(c, StringComparison.Ordinal))
        {
            _at++;
            return Token(GraphQlTokenKind.Punctuator, c.ToString(), start);
        }

        throw Invalid(start);
    }

    private GraphQlToken Token(GraphQlTokenKind kind, string text, int start) => new(kind, text, _line, start - _lineStart + 1);

    private GraphQlException Invalid(int at) => new("Unexpected <Invalid>", _line, at - _lineStart + 1);

    private void SkipIgnored()
    {
        while (_at < _text.Length)
        {
            switch (_text[_at])
            {
                case '\n':
                    _at++;
                    NewLine();
                    break;
                case '\r':
                    _at += _at + 1 < _text.Length && _text[_at + 1] == '\n' ? 2 : 1;
                    NewLine();
                    break;
                case ' ' or '\t' or ',' or '\ufeff':
                    _at++;
                    break;
                case '#':
                    while (_at < _text.Length && _text[_at] is not ('\n' or '\r'))
                    {
                        _at++;
                    }

                    break;
                default:
                    return;
            }
        }
    }

    private void NewLine()
    {
        _line++;
        _lineStart = _at;
    }

    private GraphQlToken Number(int start)
    {
        var kind = GraphQlTokenKind.Int;
        if (Current == '-')
        {
            _at++;
        }

        if (Current == '0')
        {
            _at++;
            if (char.IsAsciiDigit(Current))
            {
                throw Invalid(_at);
            }
        }
        else
        {
            Digits();
        }

        if (Current == '.')
        {
            kind = GraphQlTokenKind.Float;
            _at++;
            Digits();
        }

        if (Current is 'e' or 'E')
        {
            kind = GraphQlTokenKind.Float;
            _at++;
            if (Current is '+' or '-')
            {
                _at++;
            }

            Digits();
        }

        if (char.IsAsciiLetter(Current) || Current is '_' or '.')
        {
            throw Invalid(_at);
        }

        return Token(kind, _text[start.._at], start);
    }

    private void Digits()
    {
        if (!char.IsAsciiDigit(Current))
        {
            throw Invalid(_at);
        }

        while (char.IsAsciiDigit(Current))
        {
            _at++;
        }
    }

    private GraphQlToken String()
    {
        var start = _at++;
        var result = new StringBuilder();
        while (true)
        {
            var c = Current;
            if (_at >= _text.Length || c is '\n' or '\r' || (c < ' ' && c != '\t'))
            {
                throw Invalid(_at);
            }

            _at++;
            if (c == '"')
            {
                return Token(GraphQlTokenKind.String, result.ToString(), start + 1);
            }

            result.Append(c == '\\' ? Escape() : c);
        }
    }

    private char Escape()
    {
        var c = Current;
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 <= _text.Length
                && ushort.TryParse(_text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit):
                _at += 4;
                return (char)unit;
            default:
                throw Invalid(_at - 1);
        }
    }

    private GraphQlToken BlockString()
    {
        var start = _at;
        var token = Token(GraphQlTokenKind.BlockString, "", start + 3);
        _at += 3;
        var raw = new StringBuilder();
        while (!_text.AsSpan(_at).StartsWith("\"\"\""))
        {
            if (_at >= _text.Length)
            {
                throw Invalid(_at);
            }

            if (_text.AsSpan(_at).StartsWith("\\\"\"\""))
            {
                raw.Append("\"\"\"");
                _at += 4;
                continue;
            }

            var c = _text[_at++];
            if (c == '\r')
            {
                _at += Current == '\n' ? 1 : 0;
                c = '\n';
            }

            if (c == '\n')
            {
                NewLine();
            }

            raw.Append(c);
        }

        _at += 3;
        return token with { Text = Dedent(raw.ToString()) };
    }

    // Common indentation and empty lines at both ends are not part of the value.
    private static string Dedent(string raw)
    {
        var lines = raw.Split('\n').ToList();
        var common = int.MaxValue;
        foreach (var line in lines.Skip(1))
        {
            var indent = line.Length - line.TrimStart(' ', '\t').Length;
            if (indent < line.Length)
            {
                common = Math.Min(common, indent);
            }
        }

        for (var i = 1; i < lines.Count && common != int.MaxValue; i++)
        {
            lines[i] = lines[i].Length <= common ? "" : lines[i][common..];
        }

        while (lines.Count > 0 && string.IsNullOrWhiteSpace(lines[0]))
        {
            lines.RemoveAt(0);
        }

        while (lines.Count > 0 && string.IsNullOrWhiteSpace(lines[^1]))
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return string.Join('\n', lines);
    }
}
