// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>Collects names of syntax trees.</summary>
internal static class Names
{
    /// <summary>The names that a body declares itself.</summary>
    internal static HashSet<string> Declared(IEnumerable<Literal> body)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (Literal literal in body)
        {
            switch (literal)
            {
                case SomeLiteral some:
                    names.UnionWith(some.Names.Where(static n => !n.IsWildcard).Select(static n => n.Name));
                    break;
                case SomeInLiteral some:
                    Pattern(some.Key, names);
                    Pattern(some.Value, names);
                    break;
                case ExpressionLiteral { Term: InfixTerm { Operator: TokenKind.Assign } assign }:
                    Pattern(assign.Left, names);
                    break;
            }
        }

        return names;
    }

    /// <summary>The names in a pattern that it binds.</summary>
    internal static void Pattern(Term? term, HashSet<string> names)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case VarTerm { IsWildcard: false } v:
                names.Add(v.Name);
                break;
            case ArrayTerm array:
                array.Items.ForEach(i => Pattern(i, names));
                break;
            case ObjectTerm o:
                o.Members.ForEach(m => Pattern(m.Value, names));
                break;
        }
    }

    /// <summary>The names that occur in a body, but not inside its comprehensions and the bodies of <c>every</c>.</summary>
    /// <param name="body">The conditions.</param>
    /// <param name="names">Gets the names.</param>
    /// <param name="namesFunction">Says of a modifier that its value is the name of a function.</param>
    internal static void Direct(IEnumerable<Literal> body, HashSet<string> names, Func<WithModifier, bool> namesFunction)
    {
        foreach (Literal literal in body)
        {
            switch (literal)
            {
                case ExpressionLiteral e:
                    Direct(e.Term, names);
                    break;
                case SomeInLiteral s:
                    Direct(s.Key, names);
                    Direct(s.Value, names);
                    Direct(s.Collection, names);
                    break;
                case EveryLiteral e:
                    Direct(e.Domain, names);
                    break;
            }

            literal.With.ForEach(w =>
            {
                if (!namesFunction(w))
                {
                    Direct(w.Value, names);
                }
            });
        }
    }

    /// <summary>The names that occur in a term, but not inside its comprehensions.</summary>
    internal static void Direct(Term? term, HashSet<string> names)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case VarTerm { IsWildcard: false } v:
                names.Add(v.Name);
                break;
            case RefTerm r:
                Direct(r.Head, names);
                r.Parts.ForEach(p => Direct(p.Operand, names));
                break;
            case CallTerm c:
                c.Arguments.ForEach(a => Direct(a, names));
                break;
            case InfixTerm i:
                Direct(i.Left, names);
                Direct(i.Right, names);
                break;
            case NegativeTerm n:
                Direct(n.Operand, names);
                break;
            case MemberTerm m:
                Direct(m.Key, names);
                Direct(m.Value, names);
                Direct(m.Collection, names);
                break;
            case ArrayTerm a:
                a.Items.ForEach(i => Direct(i, names));
                break;
            case SetTerm s:
                s.Items.ForEach(i => Direct(i, names));
                break;
            case ObjectTerm o:
                o.Members.ForEach(m =>
                {
                    Direct(m.Key, names);
                    Direct(m.Value, names);
                });
                break;
            case TemplateTerm t:
                t.Parts.ForEach(p => Direct(p.Term, names));
                break;
        }
    }
}
