// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>
/// Lays a module out in the common style: tabs for indentation, one space around operators, at most one empty line.
/// Line breaks and comments stay where they are; tokens are never changed.
/// </summary>
public static class RegoFormatter
{
    /// <summary>Formats a module.</summary>
    /// <param name="source">The text.</param>
    /// <param name="name">Names it in errors.</param>
    /// <param name="version">Which syntax it is read in.</param>
    /// <returns>The text; a refusal where the source is no module.</returns>
    public static Result<string> Format(string source, string name, RegoVersion version = RegoVersion.V1OrV0)
    {
        ArgumentNullException.ThrowIfNull(source);
        ParseOutcome outcome = Parser.ParseModule(name, source, version, RegoCompileOptions.Default.MaxSourceLength);
        if (outcome.Module is null)
        {
            return new Refusal(RefusalCode.Malformed, string.Join("; ", outcome.Errors));
        }

        var (tokens, comments) = Lexer.Run(source);
        var formatted = new TokenPrinter(source, tokens, comments).Print();
        return SameTokens(source, tokens, formatted) ? formatted : new Refusal(RefusalCode.Unsupported, $"{name}: the formatter would change its meaning");
    }

    // Line breaks and adjacency are part of the meaning.
    private static bool SameTokens(string source, Token[] before, string formatted)
    {
        Token[] after;
        try
        {
            (after, _) = Lexer.Run(formatted);
        }
        catch (RegoSyntaxException)
        {
            return false;
        }

        if (before.Length != after.Length)
        {
            return false;
        }

        for (var i = 0; i < before.Length; i++)
        {
            var (a, b) = (before[i], after[i]);
            var adjacent = a.Kind is TokenKind.Dot or TokenKind.LeftBracket or TokenKind.LeftParen && TokenPrinter.EndsTerm(before, i - 1);
            if (a.Kind != b.Kind || !source.AsSpan(a.Start..a.End).SequenceEqual(formatted.AsSpan(b.Start..b.End))
                || (i > 0 && i < before.Length - 1 && a.LineBefore != b.LineBefore)
                || (adjacent && a.SpaceBefore != b.SpaceBefore))
            {
                return false;
            }
        }

        return true;
    }
}
