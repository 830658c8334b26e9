// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>Finds the paths of the input that modules read.</summary>
internal sealed class InputReferenceFinder
{
    private readonly Dictionary<string, RegoInputReference> _found = new(StringComparer.Ordinal);
    private Dictionary<string, ImmutableArray<RegoValue?>> _aliases = new(StringComparer.Ordinal);
    private SourceText _source = null!;

    /// <summary>In the order of their places.</summary>
    public IEnumerable<RegoInputReference> References => _found.Values
        .OrderBy(static r => r.Location.File, StringComparer.Ordinal).ThenBy(static r => r.Location.Row).ThenBy(static r => r.Location.Column);

    public void Visit(Module module)
    {
        _source = module.Source;
        _aliases = new Dictionary<string, ImmutableArray<RegoValue?>>(StringComparer.Ordinal);
        foreach (var import in module.Imports)
        {
            if (import.Head == "input" && import.Path.Count > 0)
            {
                _aliases[import.Name] = [.. import.Path.Select(static name => (RegoValue?)RegoString.Of(name))];
            }
        }

        // A rule that only names a part of the input is an alias in all of its package.
        foreach (var named in module.Rules.GroupBy(static rule => rule.Name.Name, StringComparer.Ordinal))
        {
            if (named.Count() == 1 && named.First() is { Path.Count: 0, Parameters: null, Member: null, IsDefault: false, Branches: [{ Body: null, Value: { } value }] }
                && StepsOf(value) is { } steps)
            {
                _aliases[named.Key] = steps;
            }
        }

        foreach (var rule in module.Rules)
        {
            Scoped(() =>
            {
                rule.Path.ForEach(part => Term(part.Operand));
                foreach (var parameter in rule.Parameters ?? [])
                {
                    if (parameter is VarTerm name)
                    {
                        _aliases.Remove(name.Name);
                    }
                }

                foreach (var branch in rule.Branches)
                {
                    Body(branch.Body ?? []);
                    Term(branch.Value);
                }

                Term(rule.Member);
            });
        }
    }

    private void Scoped(Action visit)
    {
        var saved = _aliases;
        _aliases = new Dictionary<string, ImmutableArray<RegoValue?>>(saved, StringComparer.Ordinal);
        visit();
        _aliases = saved;
    }

    private void Body(List<Literal> body)
    {
        foreach (var literal in body)
        {
            foreach (var with in literal.With)
            {
                Term(with.Value);
            }

            switch (literal)
            {
                case ExpressionLiteral expression:
                    Term(expression.Term);
                    if (expression.Term is InfixTerm { Operator: TokenKind.Assign, Left: VarTerm name } assignment && StepsOf(assignment.Right) is { } steps)
                    {
                        _aliases[name.Name] = steps;
                    }

                    break;
                case SomeLiteral some:
                    some.Names.ForEach(name => _aliases.Remove(name.Name));
                    break;
                case SomeInLiteral some:
                    Term(some.Collection);
                    Bind(some.Key, some.Value, some.Collection);
                    break;
                case EveryLiteral every:
                    Term(every.Domain);
                    Scoped(() =>
                    {
                        Bind(every.Key, every.Value, every.Domain);
                        Body(every.Body);
                    });
                    break;
            }
        }
    }

    private void Bind(Term? key, Term value, Term collection)
    {
        if (key is VarTerm keyName)
        {
            _aliases.Remove(keyName.Name);
        }

        if (value is not VarTerm name)
        {
            Term(value);
            return;
        }

        _aliases.Remove(name.Name);
        if (StepsOf(collection) is { } steps)
        {
            _aliases[name.Name] = steps.Add(null);
        }
    }

    // The path of the input that a term names; null where it names none.
    private ImmutableArray<RegoValue?>? StepsOf(Term term)
    {
        switch (term)
        {
            case VarTerm { Name: "input" }:
                return [];
            case VarTerm name:
                return _aliases.TryGetValue(name.Name, out var alias) ? alias : null;
            case RefTerm reference when StepsOf(reference.Head) is { } head:
                return [.. head, .. reference.Parts.Select(static part => part.Operand is ScalarTerm scalar ? scalar.Value : null)];
            default:
                return null;
        }
    }

    private void Term(Term? term)
    {
        if (term is null)
        {
            return;
        }

        if (StepsOf(term) is { IsEmpty: false } steps)
        {
            var path = RegoInputReference.Show(steps);
            _found.TryAdd(path, new RegoInputReference(path, steps, _source.Locate(term.Start)));
        }

        switch (term)
        {
            case RefTerm reference:
                if (reference.Head is not VarTerm)
                {
                    Term(reference.Head);
                }

                reference.Parts.ForEach(part => Term(part.Operand));
                break;
            case CallTerm call:
                call.Arguments.ForEach(Term);
                break;
            case InfixTerm infix:
                Term(infix.Left);
                Term(infix.Right);
                break;
            case NegativeTerm negative:
                Term(negative.Operand);
                break;
            case MemberTerm member:
                Term(member.Key);
                Term(member.Value);
                Term(member.Collection);
                break;
            case ArrayTerm array:
                array.Items.ForEach(Term);
                break;
            case SetTerm set:
                set.Items.ForEach(Term);
                break;
            case ObjectTerm members:
                foreach (var (key, value) in members.Members)
                {
                    Term(key);
                    Term(value);
                }

                break;
            case TemplateTerm template:
                template.Parts.ForEach(part => Term(part.Term));
                break;
            case ComprehensionTerm comprehension:
                Scoped(() =>
                {
                    Body(comprehension.Body);
                    Term(comprehension.Key);
                    Term(comprehension.Value);
                });
                break;
        }
    }
}
