// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Syntax;

/// <summary>The kinds of tokens.</summary>
internal enum TokenKind : byte
{
    End,
    Identifier,
    Number,
    String,
    RawString,
    Template,
    Dot,
    Comma,
    Colon,
    Semicolon,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Assign,
    Unify,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    And,
    Or,
}

/// <summary>One token.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Offset of its first character.</param>
/// <param name="End">Offset behind its last character.</param>
/// <param name="Value">Text of an identifier or string, parts of a template, number.</param>
/// <param name="SpaceBefore">White space or a comment stands before it.</param>
/// <param name="LineBefore">A line end stands before it.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, object? Value, bool SpaceBefore, bool LineBefore)
{
    internal string Text => (string)Value!;

    internal bool Is(string word) => Kind == TokenKind.Identifier && string.Equals((string)Value!, word, StringComparison.Ordinal);
}

/// <summary>A part of a template string: literal text, or the tokens of an expression.</summary>
internal sealed record TemplatePart(string? Text, Token[]? Tokens);

/// <summary>A comment without its <c>#</c>.</summary>
internal readonly record struct Comment(int Start, int End, string Text, bool OwnLine);
