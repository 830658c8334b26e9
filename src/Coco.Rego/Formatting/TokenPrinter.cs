// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>Writes tokens and comments line by line.</summary>
internal sealed class TokenPrinter(string source, Token[] tokens, List<Comment> comments)
{
    private static readonly string[] Keywords =
    [
        "package", "import", "as", "default", "else", "if", "contains", "some", "every", "in", "not", "with",
    ];

    private readonly StringBuilder _result = new();
    private readonly List<Open> _open = [];
    private int _line;
    private int _comment;

    private enum Brace : byte
    {
        Other,
        Body,
    }

    internal string Print()
    {
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            Comments(i);
            if (token.Kind == TokenKind.End)
            {
                break;
            }

            if (i > 0 && token.LineBefore)
            {
                NewLine(i, EmptyLineBefore(token.Start) && token.Kind is not (TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen));
            }
            else if (i > 0 && SpaceBefore(i))
            {
                _result.Append(' ');
            }

            Close(token);
            _result.Append(source, token.Start, token.End - token.Start);
            OpenBracket(i);
        }

        while (_result.Length > 0 && _result[^1] is '\n' or ' ' or '\t')
        {
            _result.Length--;
        }

        return _result.Length == 0 ? "" : _result.Append('\n').ToString();
    }

    /// <summary>Whether a term may end with this token, so that a bracket behind it reads from it.</summary>
    internal static bool EndsTerm(Token[] tokens, int index)
    {
        if (index < 0)
        {
            return false;
        }

        var token = tokens[index];
        return token.Kind switch
        {
            TokenKind.Identifier => !Keywords.Contains(token.Text) || (index > 0 && tokens[index - 1].Kind == TokenKind.Dot),
            TokenKind.Number or TokenKind.String or TokenKind.RawString or TokenKind.Template
                or TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen => true,
            _ => false,
        };
    }

    private static bool IsBinary(TokenKind kind) => kind is TokenKind.Assign or TokenKind.Unify or TokenKind.Equal or TokenKind.NotEqual
        or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual or TokenKind.Plus or TokenKind.Minus
        or TokenKind.Star or TokenKind.Slash or TokenKind.Percent or TokenKind.And or TokenKind.Or;

    // Comments in front of a token: behind the code of their line, or on lines of their own.
    private void Comments(int i)
    {
        for (; _comment < comments.Count && comments[_comment].Start < tokens[i].Start; _comment++)
        {
            var comment = comments[_comment];
            if (!comment.OwnLine)
            {
                _result.Append(' ');
            }
            else if (_result.Length > 0)
            {
                NewLine(i, EmptyLineBefore(comment.Start), isComment: true);
            }

            _result.Append(source.AsSpan(comment.Start, comment.End - comment.Start).TrimEnd());
        }
    }

    private bool EmptyLineBefore(int offset)
    {
        var lines = 0;
        for (var i = offset - 1; i >= 0 && source[i] is ' ' or '\t' or '\r' or '\n'; i--)
        {
            lines += source[i] == '\n' ? 1 : 0;
        }

        return lines > 1;
    }

    private void NewLine(int i, bool empty, bool isComment = false)
    {
        // No empty line right behind an opening bracket.
        var afterOpen = i > 0 && tokens[i - 1].Kind is TokenKind.LeftBrace or TokenKind.LeftBracket or TokenKind.LeftParen && _result[^1] is '{' or '[' or '(';
        _result.Append('\n');
        if (empty && !afterOpen)
        {
            _result.Append('\n');
        }

        _line++;
        var depth = 0;
        var previous = -1;
        var closing = !isComment && tokens[i].Kind is TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen ? 1 : 0;
        for (var level = 0; level < _open.Count - closing; level++)
        {
            // Brackets that were opened on one line indent once.
            if (_open[level].Line != previous)
            {
                depth += 1;
                previous = _open[level].Line;
            }
        }

        if (!isComment && Continues(i))
        {
            depth++;
        }

        if (closing == 1 && _open.Count > 1 && _open[^1].Line == _open[^2].Line)
        {
            depth = Math.Max(0, depth - 1);
        }

        _result.Append('\t', depth);
    }

    // A line that begins or whose predecessor ends in the middle of an expression.
    private bool Continues(int i)
    {
        if (i == 0 || tokens[i].Kind is TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen)
        {
            return false;
        }

        return (IsBinary(tokens[i].Kind) && EndsTerm(tokens, i - 1) && !(tokens[i].Kind == TokenKind.Or && _open.Count > 0))
            || (IsBinary(tokens[i - 1].Kind) && !(tokens[i - 1].Kind == TokenKind.Or && _open.Count > 0))
            || tokens[i].Kind == TokenKind.Dot
            || tokens[i].Is("with") || tokens[i - 1].Is("in") || tokens[i - 1].Is("if");
    }

    private void Close(Token token)
    {
        if (token.Kind is TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen && _open.Count > 0)
        {
            _open.RemoveAt(_open.Count - 1);
        }
    }

    private void OpenBracket(int i)
    {
        var token = tokens[i];
        if (token.Kind is TokenKind.LeftBrace or TokenKind.LeftBracket or TokenKind.LeftParen)
        {
            var isBody = token.Kind == TokenKind.LeftBrace && i > 0
                && (tokens[i - 1].Is("if") || tokens[i - 1].Is("else") || EndsTerm(tokens, i - 1));
            _open.Add(new Open(_line, isBody ? Brace.Body : Brace.Other));
        }
    }

    private bool SpaceBefore(int i)
    {
        var (token, before) = (tokens[i], tokens[i - 1]);
        switch (token.Kind)
        {
            case TokenKind.Comma or TokenKind.Semicolon or TokenKind.Colon or TokenKind.Dot or TokenKind.RightParen or TokenKind.RightBracket:
                return false;
            case TokenKind.LeftBracket or TokenKind.LeftParen when EndsTerm(tokens, i - 1):
                return token.SpaceBefore;
            case TokenKind.RightBrace:
                return _open.Count > 0 && _open[^1].Kind == Brace.Body && before.Kind != TokenKind.LeftBrace;
        }

        return before.Kind switch
        {
            TokenKind.LeftParen or TokenKind.LeftBracket or TokenKind.Dot => false,
            TokenKind.LeftBrace => _open[^1].Kind == Brace.Body,

            // A minus that follows no term is the sign of what follows it.
            TokenKind.Minus when !EndsTerm(tokens, i - 2) => token.SpaceBefore,
            _ => true,
        };
    }

    private readonly record struct Open(int Line, Brace Kind);
}
