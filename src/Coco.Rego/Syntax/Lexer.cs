// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Coco.Rego.Syntax;

/// <summary>Source text to tokens. Linear in the length of the source.</summary>
internal sealed class Lexer
{
    private const int MaxTemplateDepth = 64;

    private readonly string _text;
    private readonly List<Comment> _comments = [];
    private int _at;

    private Lexer(string text) => _text = text;

    /// <exception cref="RegoSyntaxException">The text has a character or string that is no token.</exception>
    internal static (Token[] Tokens, List<Comment> Comments) Run(string text)
    {
        var lexer = new Lexer(text);
        if (text.Length > 0 && text[0] == '\uFEFF')
        {
            lexer._at = 1;
        }

        return (lexer.Tokens(null, 0), lexer._comments);
    }

    // Inside a template ends before the brace that closes the expression.
    private Token[] Tokens(int? templateStart, int depth)
    {
        if (depth > MaxTemplateDepth)
        {
            throw new RegoSyntaxException("template strings nest too deeply", _at);
        }

        RuntimeHelpers.EnsureSufficientExecutionStack();
        var tokens = new List<Token>();
        int braces = 0;
        while (true)
        {
            (bool space, bool line) = SkipBlank(tokens.Count == 0 && templateStart is null);
            if (_at >= _text.Length)
            {
                if (templateStart is { } from)
                {
                    throw new RegoSyntaxException("template expression is not closed", from);
                }

                tokens.Add(new Token(TokenKind.End, _text.Length, _text.Length, null, space, true));
                return [.. tokens];
            }

            char c = _text[_at];
            if (templateStart is not null)
            {
                if (c == '}' && braces == 0)
                {
                    tokens.Add(new Token(TokenKind.End, _at, _at, null, space, true));
                    return [.. tokens];
                }

                braces += c == '{' ? 1 : c == '}' ? -1 : 0;
            }

            tokens.Add(One(c, space, line, depth));
        }
    }

    private (bool Space, bool Line) SkipBlank(bool line)
    {
        bool space = false;
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c == '\n')
            {
                line = space = true;
                _at++;
            }
            else if (c is ' ' or '\t' or '\r')
            {
                space = true;
                _at++;
            }
            else if (c == '#')
            {
                int start = _at;
                int end = _text.IndexOf('\n', _at);
                end = end < 0 ? _text.Length : end;
                bool own = true;
                for (int i = start - 1; i >= 0 && _text[i] != '\n' && own; i--)
                {
                    own = _text[i] is ' ' or '\t' or '\r' or '\uFEFF';
                }

                _comments.Add(new Comment(start, end, _text[(start + 1)..end].TrimEnd('\r'), own));
                _at = end;
                space = true;
            }
            else
            {
                break;
            }
        }

        return (space, line);
    }

    private Token One(char c, bool space, bool line, int depth)
    {
        int start = _at;
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '_'))
            {
                _at++;
            }

            return new Token(TokenKind.Identifier, start, _at, _text[start.._at], space, line);
        }

        if (char.IsAsciiDigit(c))
        {
            return Number(start, space, line);
        }

        switch (c)
        {
            case '"':
                _at++;
                string text = Quoted(start, out _, template: false);
                return new Token(TokenKind.String, start, _at, text, space, line);
            case '`':
                int end = _text.IndexOf('`', _at + 1);
                if (end < 0)
                {
                    throw new RegoSyntaxException("raw string is not closed", start);
                }

                _at = end + 1;
                return new Token(TokenKind.RawString, start, _at, _text[(start + 1)..end], space, line);
            case '$' when _at + 1 < _text.Length && _text[_at + 1] is '"' or '`':
                return new Token(TokenKind.Template, start, 0, Template(start, depth), space, line) with { End = _at };
        }

        (TokenKind kind, int length) = Punctuation(c);
        _at += length;
        return new Token(kind, start, _at, null, space, line);
    }

    private (TokenKind Kind, int Length) Punctuation(char c)
    {
        bool equals = _at + 1 < _text.Length && _text[_at + 1] == '=';
        return c switch
        {
            '.' => (TokenKind.Dot, 1),
            ',' => (TokenKind.Comma, 1),
            ':' => equals ? (TokenKind.Assign, 2) : (TokenKind.Colon, 1),
            ';' => (TokenKind.Semicolon, 1),
            '(' => (TokenKind.LeftParen, 1),
            ')' => (TokenKind.RightParen, 1),
            '[' => (TokenKind.LeftBracket, 1),
            ']' => (TokenKind.RightBracket, 1),
            '{' => (TokenKind.LeftBrace, 1),
            '}' => (TokenKind.RightBrace, 1),
            '=' => equals ? (TokenKind.Equal, 2) : (TokenKind.Unify, 1),
            '!' when equals => (TokenKind.NotEqual, 2),
            '<' => equals ? (TokenKind.LessOrEqual, 2) : (TokenKind.Less, 1),
            '>' => equals ? (TokenKind.GreaterOrEqual, 2) : (TokenKind.Greater, 1),
            '+' => (TokenKind.Plus, 1),
            '-' => (TokenKind.Minus, 1),
            '*' => (TokenKind.Star, 1),
            '/' => (TokenKind.Slash, 1),
            '%' => (TokenKind.Percent, 1),
            '&' => (TokenKind.And, 1),
            '|' => (TokenKind.Or, 1),
            _ => throw new RegoSyntaxException("illegal character " + Describe(c), _at),
        };
    }

    private static string Describe(char c) =>
        char.IsControl(c) || char.IsSurrogate(c) ? "U+" + ((int)c).ToString("X4", CultureInfo.InvariantCulture) : "'" + c + "'";

    private Token Number(int start, bool space, bool line)
    {
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
        {
            _at++;
        }

        if (_text[start] == '0' && _at - start > 1)
        {
            throw new RegoSyntaxException("number must not start with 0", start);
        }

        if (_at + 1 < _text.Length && _text[_at] == '.' && char.IsAsciiDigit(_text[_at + 1]))
        {
            _at++;
            while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            {
                _at++;
            }
        }

        if (_at < _text.Length && _text[_at] is 'e' or 'E')
        {
            int mark = _at++;
            _at += _at < _text.Length && _text[_at] is '+' or '-' ? 1 : 0;
            int digits = _at;
            while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            {
                _at++;
            }

            if (_at == digits)
            {
                throw new RegoSyntaxException("exponent has no digits", mark);
            }
        }

        if (_at < _text.Length && (char.IsAsciiLetter(_text[_at]) || _text[_at] == '_'))
        {
            throw new RegoSyntaxException("illegal number", start);
        }

        return RegoNumber.TryParse(_text.AsSpan(start, _at - start), out RegoNumber? number)
            ? new Token(TokenKind.Number, start, _at, number, space, line)
            : throw new RegoSyntaxException("number is too large", start);
    }

    // From behind the opening quote to behind the closing one, or, in a template, to behind the brace that opens an expression.
    private string Quoted(int start, out bool expression, bool template)
    {
        expression = false;
        int run = _text.AsSpan(_at).IndexOfAny(template ? "\"\\\n{" : "\"\\\n");
        if (run >= 0 && _text[_at + run] == '"')
        {
            string plain = _text.Substring(_at, run);
            _at += run + 1;
            return plain;
        }

        var text = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at++];
            switch (c)
            {
                case '"':
                    return text.ToString();
                case '\n':
                    throw new RegoSyntaxException("string is not closed", start);
                case '{' when template:
                    expression = true;
                    return text.ToString();
                case '\\':
                    Escape(text, template);
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }

        throw new RegoSyntaxException("string is not closed", start);
    }

    private void Escape(StringBuilder text, bool template)
    {
        char c = _at < _text.Length ? _text[_at] : '\0';
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/':
                text.Append(c);
                break;
            case '{' or '}' when template:
                text.Append(c);
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'n':
                text.Append('\n');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'u' when _at + 4 <= _text.Length && ushort.TryParse(_text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit):
                text.Append((char)unit);
                _at += 4;
                break;
            default:
                throw new RegoSyntaxException("illegal escape in string", _at - 2);
        }
    }

    private List<TemplatePart> Template(int start, int depth)
    {
        bool raw = _text[_at + 1] == '`';
        _at += 2;
        var parts = new List<TemplatePart>();
        while (true)
        {
            string text = raw ? RawTemplateText(start, out bool expression) : Quoted(start, out expression, template: true);
            if (text.Length > 0)
            {
                parts.Add(new TemplatePart(text, null));
            }

            if (!expression)
            {
                return parts;
            }

            int open = _at - 1;
            Token[] tokens = Tokens(open, depth + 1);
            if (tokens.Length == 1)
            {
                throw new RegoSyntaxException("template expression is empty", open);
            }

            parts.Add(new TemplatePart(null, tokens));
            _at++;
        }
    }

    private string RawTemplateText(int start, out bool expression)
    {
        var text = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at++];
            if (c == '`')
            {
                expression = false;
                return text.ToString();
            }

            if (c == '{')
            {
                expression = true;
                return text.ToString();
            }

            if (c == '\\' && _at < _text.Length && _text[_at] == '{')
            {
                c = _text[_at++];
            }

            text.Append(c);
        }

        throw new RegoSyntaxException("template string is not closed", start);
    }
}
