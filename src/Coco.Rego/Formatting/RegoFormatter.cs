// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Text;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>
/// Writes modules in one form: tabs, one condition per line, imports sorted, one blank line between rules. Comments stay, collections
/// that stand on several lines stay so, and the meaning is the same. Formatting twice gives the same text.
/// </summary>
public sealed class RegoFormatter
{
    private readonly Module _module;
    private readonly SourceText _source;
    private readonly StringBuilder _text = new();
    private int _comment;
    private int _indent;

    private RegoFormatter(Module module)
    {
        _module = module;
        _source = module.Source;
    }

    /// <summary>Formats a module.</summary>
    /// <param name="source">The text.</param>
    /// <param name="name">Names it in errors.</param>
    /// <param name="version">Which syntax it is read as, and stays.</param>
    /// <returns>A refusal that names all syntax errors.</returns>
    public static Result<string> Format(string source, string name, RegoVersion version = RegoVersion.V1OrV0)
    {
        ArgumentNullException.ThrowIfNull(source);
        ParseOutcome outcome = Parser.ParseModule(name, source, version, RegoCompileOptions.Default.MaxSourceLength);
        if (outcome.Module is null)
        {
            return new Refusal(RefusalCode.Malformed, string.Join("; ", outcome.Errors));
        }

        try
        {
            return new RegoFormatter(outcome.Module).Run();
        }
        catch (InsufficientExecutionStackException)
        {
            return new Refusal(RefusalCode.TooLarge, name + ": source nests too deeply");
        }
    }

    private string Run()
    {
        Comments(_module.PackageStart, keepBlank: true);
        _text.Append("package ").Append(Name(_module.Package));
        EndLine(_module.PackageEnd);
        Imports();
        int previousEnd = -1;
        for (int i = 0; i < _module.Rules.Count; i++)
        {
            Rule rule = _module.Rules[i];
            if (rule.IsChained)
            {
                continue;
            }

            _text.Append('\n');
            Comments(rule.Start, keepBlank: true);
            Write(rule);
            previousEnd = rule.End;
            while (i + 1 < _module.Rules.Count && _module.Rules[i + 1].IsChained)
            {
                Rule chained = _module.Rules[++i];
                _text.Append(' ');
                Braces(chained.Branches[0].Body!, chained.Start, chained.End);
                previousEnd = chained.End;
            }

            EndLine(previousEnd);
        }

        if (_comment < _module.Comments.Count)
        {
            _text.Append('\n');
            Comments(int.MaxValue, keepBlank: true);
        }

        return _text.ToString();
    }

    private static string Name(List<string> path)
    {
        var text = new StringBuilder(path[0]);
        foreach (string part in path.Skip(1))
        {
            Dotted(text, part);
        }

        return text.ToString();
    }

    private static void Dotted(StringBuilder text, string part)
    {
        if (part.Length > 0 && !char.IsAsciiDigit(part[0]) && part.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            text.Append('.').Append(part);
        }
        else
        {
            text.Append('[');
            RegoText.Quote(text, part);
            text.Append(']');
        }
    }

    private void Imports()
    {
        if (_module.Imports.Count == 0)
        {
            return;
        }

        _text.Append('\n');
        Comments(_module.Imports[0].Start, keepBlank: true);
        var lines = new List<(Import Import, string Line, string? Comment)>();
        bool plain = true;
        foreach (Import import in _module.Imports)
        {
            // Sorted only where no comment would lose its import.
            plain &= _comment == _module.Comments.Count || _module.Comments[_comment].Start > import.Start;
            string? comment = null;
            if (plain && _comment < _module.Comments.Count && !_module.Comments[_comment].OwnLine && _source.RowOf(_module.Comments[_comment].Start) == _source.RowOf(import.End))
            {
                comment = _module.Comments[_comment++].Text.TrimEnd();
            }

            lines.Add((import, Line(import), comment));
        }

        if (plain)
        {
            lines = [.. lines.OrderBy(static l => l.Import.Head is "rego" or "future" ? 0 : 1).ThenBy(static l => l.Line, StringComparer.Ordinal)];
        }

        string? last = null;
        foreach ((Import import, string line, string? comment) in lines)
        {
            if (!plain && comment is null)
            {
                Comments(import.Start, keepBlank: false);
            }

            if (line == last && comment is null)
            {
                continue;
            }

            _text.Append(line);
            if (comment is not null)
            {
                _text.Append(" #").Append(comment).Append('\n');
            }
            else
            {
                EndLine(plain ? -1 : import.End);
            }

            last = line;
        }
    }

    private static string Line(Import import)
    {
        string path = Name([import.Head, .. import.Path]);
        return "import " + path + (import.Alias is null || import.Alias == (import.Path.Count > 0 ? import.Path[^1] : import.Head) ? string.Empty : " as " + import.Alias);
    }

    // ---- Comments and lines.

    // Writes the comments that stand before an offset, each on a line of its own.
    private void Comments(int before, bool keepBlank)
    {
        int last = -1;
        while (_comment < _module.Comments.Count && _module.Comments[_comment].Start < before)
        {
            Comment comment = _module.Comments[_comment++];
            int row = _source.RowOf(comment.Start);
            if (keepBlank && last >= 0 && row > last + 1)
            {
                _text.Append('\n');
            }

            // Alone on its line, this one would begin a block of metadata, which it did not where it stood.
            string mark = !comment.OwnLine && comment.Text.Trim() == "METADATA" ? "##" : "#";
            Indent();
            _text.Append(mark).Append(comment.Text.TrimEnd()).Append('\n');
            last = row;
        }

        if (keepBlank && last >= 0 && before != int.MaxValue && _source.RowOf(before) > last + 1)
        {
            _text.Append('\n');
        }

        Indent();
    }

    private void Indent()
    {
        if (_text.Length == 0 || _text[^1] == '\n')
        {
            _text.Append('\t', _indent);
        }
    }

    private void EndLine(int end)
    {
        if (end >= 0 && _comment < _module.Comments.Count)
        {
            Comment next = _module.Comments[_comment];
            if (!next.OwnLine && next.Start >= end && _source.RowOf(next.Start) == _source.RowOf(end))
            {
                _comment++;
                _text.Append(" #").Append(next.Text.TrimEnd());
            }
        }

        _text.Append('\n');
    }

    // ---- Rules.
    private void Write(Rule rule)
    {
        if (rule.IsDefault)
        {
            _text.Append("default ");
        }

        _text.Append(rule.Name.Name);
        foreach (RefPart part in rule.Path)
        {
            Part(part);
        }

        if (rule.Parameters is not null)
        {
            _text.Append('(');
            Items(rule.Parameters);
            _text.Append(')');
        }

        if (rule.Member is not null)
        {
            if (rule.IsBracketMember)
            {
                _text.Append('[');
                Write(rule.Member);
                _text.Append(']');
            }
            else
            {
                _text.Append(" contains ");
                Write(rule.Member);
            }
        }

        bool braces = false;
        for (int i = 0; i < rule.Branches.Count; i++)
        {
            Branch branch = rule.Branches[i];
            if (i > 0)
            {
                if (!braces)
                {
                    _text.Append('\n');
                    Comments(branch.Start, keepBlank: false);
                    _text.Append("else");
                }
                else
                {
                    // Comments between the brace and else go into the branch.
                    _text.Append(" else");
                }
            }

            if (branch.Value is not null)
            {
                _text.Append(branch.UsesUnify && _module.IsV0 ? " = " : " := ");
                Write(branch.Value);
            }

            if (branch.Body is null)
            {
                continue;
            }

            _text.Append(branch.HasIf ? " if " : " ");
            bool single = branch.HasIf && branch.Body is [{ With.Count: 0 } literal] && literal is not EveryLiteral
                && (!branch.HasBraces || _source.RowOf(branch.End - 1) == _source.RowOf(branch.Start))
                && _source.RowOf(literal.Start) == _source.RowOf(literal.End - 1)
                && !HasComment(branch.Start, branch.End)
                && !StartsWithBrace(literal);
            braces = !single && (branch.HasBraces || branch.Body is not [var only] || HasComment(branch.Start, branch.End) || StartsWithBrace(only));
            if (!braces)
            {
                Write(branch.Body[0]);
            }
            else
            {
                Braces(branch.Body, branch.Start, branch.End);
            }
        }
    }

    // A literal that begins with a brace would be read as a body.
    private static bool StartsWithBrace(Literal literal)
    {
        Term? term = (literal as ExpressionLiteral)?.Term;
        while (term is { InParentheses: false })
        {
            switch (term)
            {
                case InfixTerm i:
                    term = i.Left;
                    break;
                case MemberTerm m:
                    term = m.Key ?? m.Value;
                    break;
                case RefTerm r:
                    term = r.Head;
                    break;
                case SetTerm or ObjectTerm or ComprehensionTerm:
                    return true;
                default:
                    return false;
            }
        }

        return false;
    }

    private bool HasComment(int start, int end) => _comment < _module.Comments.Count && _module.Comments[_comment].Start >= start && _module.Comments[_comment].Start < end;

    private void Braces(List<Literal> body, int start, int end)
    {
        _text.Append('{');
        BodyLines(body, start, end);
        _text.Append('}');
    }

    private void BodyLines(List<Literal> body, int open, int end)
    {
        _indent++;
        if (_comment < _module.Comments.Count && !_module.Comments[_comment].OwnLine && _module.Comments[_comment].Start < body[0].Start
            && _module.Comments[_comment].Start >= open)
        {
            _text.Append(" #").Append(_module.Comments[_comment++].Text.TrimEnd());
        }

        _text.Append('\n');
        int previous = -1;
        for (int i = 0; i < body.Count; i++)
        {
            Literal literal = body[i];
            int first = _comment < _module.Comments.Count ? Math.Min(literal.Start, _module.Comments[_comment].Start) : literal.Start;
            if (previous >= 0 && _source.RowOf(first) > previous + 1)
            {
                _text.Append('\n');
            }

            Comments(literal.Start, keepBlank: true);
            Write(literal);
            if (i + 1 < body.Count && _source.Text[body[i + 1].Start] == '-')
            {
                // A line that begins with a minus would go on with this one.
                _text.Append(';');
            }

            EndLine(literal.End);
            previous = _source.RowOf(literal.End);
        }

        // What stands before the closing brace.
        if (_comment < _module.Comments.Count && _module.Comments[_comment].Start < end)
        {
            Comments(end, keepBlank: false);
            TrimIndent();
        }

        _indent--;
        Indent();
    }

    private void TrimIndent()
    {
        while (_text.Length > 0 && _text[^1] == '\t')
        {
            _text.Length--;
        }
    }

    private void Write(Literal literal)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (literal)
        {
            case SomeLiteral some:
                _text.Append("some ").AppendJoin(", ", some.Names.Select(static n => n.Name));
                break;
            case SomeInLiteral some:
                _text.Append("some ");
                Pair(some.Key, some.Value);
                _text.Append(" in ");
                Write(some.Collection);
                break;
            case EveryLiteral every:
                _text.Append("every ");
                Pair(every.Key, every.Value);
                _text.Append(" in ");
                Write(every.Domain);
                _text.Append(' ');
                Braces(every.Body, every.BodyStart, every.With.Count > 0 ? every.With[0].Start : every.End);
                break;
            case ExpressionLiteral e:
                _text.Append(e.IsNegated ? "not " : string.Empty);
                Write(e.Term);
                break;
        }

        bool lines = literal.With.Count > 0 && _source.RowOf(literal.With[^1].Start) > _source.RowOf(literal.Start) && literal is not EveryLiteral;
        _indent += lines ? 1 : 0;
        for (int i = 0; i < literal.With.Count; i++)
        {
            WithModifier with = literal.With[i];
            if (lines)
            {
                EndLine(i == 0 ? (literal is ExpressionLiteral x ? x.Term.End : with.Start) : literal.With[i - 1].End);
                Comments(with.Start, keepBlank: false);
            }
            else
            {
                _text.Append(' ');
            }

            _text.Append("with ");
            Write(with.Target);
            _text.Append(" as ");
            Write(with.Value);
        }

        _indent -= lines ? 1 : 0;
    }

    private void Pair(Term? key, Term value)
    {
        if (key is not null)
        {
            Write(key);
            _text.Append(", ");
        }

        Write(value);
    }

    // ---- Terms.
    private void Write(Term term)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (term.InParentheses)
        {
            _text.Append('(');
        }

        switch (term)
        {
            case ScalarTerm or TemplateTerm:
                _text.Append(_source.Text, term.Start, term.End - term.Start);
                break;
            case VarTerm v:
                _text.Append(v.Name);
                break;
            case RefTerm r:
                Write(r.Head);
                r.Parts.ForEach(Part);
                break;
            case CallTerm c:
                Write(c.Function);
                _text.Append('(');
                Lines(c.Arguments.Count == 0 ? [] : c.Arguments, c.Function.End, c.End, Write);
                _text.Append(')');
                break;
            case InfixTerm i:
                Write(i.Left);
                _text.Append(' ').Append(Sign(i.Operator)).Append(' ');
                Write(i.Right);
                break;
            case NegativeTerm n:
                _text.Append('-');
                Write(n.Operand);
                break;
            case MemberTerm m:
                Pair(m.Key, m.Value);
                _text.Append(" in ");
                Write(m.Collection);
                break;
            case ArrayTerm a:
                _text.Append('[');
                Lines(a.Items, a.Start, a.End, Write);
                _text.Append(']');
                break;
            case SetTerm { Items.Count: 0 }:
                _text.Append("set()");
                break;
            case SetTerm s:
                _text.Append('{');
                Lines(s.Items, s.Start, s.End, Write);
                _text.Append('}');
                break;
            case ObjectTerm o:
                _text.Append('{');
                Lines(o.Members, o.Start, o.End, Member, static m => m.Key.Start, static m => m.Value.End);
                _text.Append('}');
                break;
            case ComprehensionTerm c:
                Comprehension(c);
                break;
        }

        if (term.InParentheses)
        {
            _text.Append(')');
        }
    }

    private void Member((Term Key, Term Value) member)
    {
        Write(member.Key);
        _text.Append(": ");
        Write(member.Value);
    }

    private void Comprehension(ComprehensionTerm c)
    {
        _text.Append(c.Kind == ComprehensionKind.Array ? '[' : '{');
        if (c.Key is not null)
        {
            Write(c.Key);
            _text.Append(": ");
        }

        Write(c.Value);
        _text.Append(" |");
        if (_source.RowOf(c.Start) == _source.RowOf(c.End - 1))
        {
            for (int i = 0; i < c.Body.Count; i++)
            {
                _text.Append(i == 0 ? " " : "; ");
                Write(c.Body[i]);
            }
        }
        else
        {
            BodyLines(c.Body, c.Value.End, c.End);
        }

        _text.Append(c.Kind == ComprehensionKind.Array ? ']' : '}');
    }

    private void Part(RefPart part)
    {
        if (part.IsDot)
        {
            _text.Append('.').Append(((RegoString)((ScalarTerm)part.Operand).Value).Value);
            return;
        }

        _text.Append('[');
        Write(part.Operand);
        _text.Append(']');
    }

    private void Items(List<Term> items)
    {
        for (int i = 0; i < items.Count; i++)
        {
            _text.Append(i > 0 ? ", " : string.Empty);
            Write(items[i]);
        }
    }

    private void Lines(List<Term> items, int start, int end, Action<Term> write) =>
        Lines(items, start, end, write, static i => i.Start, static i => i.End);

    // On one line, or one item a line where the source has the first item on another line than the bracket.
    private void Lines<T>(List<T> items, int start, int end, Action<T> write, Func<T, int> startOf, Func<T, int> endOf)
    {
        bool lines = items.Count > 0 && _source.RowOf(startOf(items[0])) > _source.RowOf(start) && _source.RowOf(end - 1) > _source.RowOf(endOf(items[^1]) - 1);
        if (!lines)
        {
            for (int i = 0; i < items.Count; i++)
            {
                _text.Append(i > 0 ? ", " : string.Empty);
                write(items[i]);
            }

            return;
        }

        _indent++;
        _text.Append('\n');
        foreach (T item in items)
        {
            Comments(startOf(item), keepBlank: false);
            write(item);
            _text.Append(',');
            EndLine(endOf(item));
        }

        if (_comment < _module.Comments.Count && _module.Comments[_comment].Start < end)
        {
            Comments(end, keepBlank: false);
            TrimIndent();
        }

        _indent--;
        Indent();
    }

    private static string Sign(TokenKind kind) => kind switch
    {
        TokenKind.Assign => ":=",
        TokenKind.Unify => "=",
        TokenKind.Equal => "==",
        TokenKind.NotEqual => "!=",
        TokenKind.Less => "<",
        TokenKind.LessOrEqual => "<=",
        TokenKind.Greater => ">",
        TokenKind.GreaterOrEqual => ">=",
        TokenKind.Plus => "+",
        TokenKind.Minus => "-",
        TokenKind.Star => "*",
        TokenKind.Slash => "/",
        TokenKind.Percent => "%",
        TokenKind.And => "&",
        _ => "|",
    };
}
