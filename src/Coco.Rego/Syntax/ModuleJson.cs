// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego.Syntax;

/// <summary>A syntax tree as a value, in the form in which the reference engine gives it.</summary>
internal sealed class ModuleJson(SourceText source)
{
    internal RegoObject Of(Module module)
    {
        var members = new List<(RegoValue, RegoValue)>
        {
            ("package", RegoObject.Of(("path", RegoArray.Of([Typed("var", "data"), .. module.Package.Select(static n => (RegoValue)Typed("string", n))])))),
        };
        if (module.Imports.Count > 0)
        {
            members.Add(("imports", RegoArray.Of([.. module.Imports.Select(ImportOf)])));
        }

        if (module.Rules.Count > 0)
        {
            members.Add(("rules", RegoArray.Of([.. module.Rules.Select(r => (RegoValue)RuleOf(r, 0))])));
        }

        if (module.Comments.Count > 0)
        {
            members.Add(("comments", RegoArray.Of([.. module.Comments.Select(CommentOf)])));
        }

        return RegoObject.Of([.. members]);
    }

    private static RegoObject Typed(string type, RegoValue value) => RegoObject.Of(("type", type), ("value", value));

    private static RegoValue ImportOf(Import import)
    {
        RegoObject path = Typed("ref", RegoArray.Of([Typed("var", import.Head), .. import.Path.Select(static n => (RegoValue)Typed("string", n))]));
        return import.Alias is null ? RegoObject.Of(("path", path)) : RegoObject.Of(("path", path), ("alias", import.Alias));
    }

    private RegoValue CommentOf(Comment comment)
    {
        RegoLocation at = source.Locate(comment.Start);
        return RegoObject.Of(
            ("Text", Convert.ToBase64String(Encoding.UTF8.GetBytes(comment.Text))),
            ("Location", RegoObject.Of(("file", at.File), ("row", at.Row), ("col", at.Column))));
    }

    private RegoObject RuleOf(Rule rule, int index)
    {
        Branch branch = rule.Branches[index];
        var head = new List<(RegoValue, RegoValue)>
        {
            ("name", rule.Name.Name),
            ("ref", RegoArray.Of([Typed("var", rule.Name.Name), .. rule.Path.Select(p => (RegoValue)TermOf(p.Operand))])),
        };
        if (rule.Parameters is not null)
        {
            head.Add(("args", RegoArray.Of([.. rule.Parameters.Select(p => (RegoValue)TermOf(p))])));
        }

        if (rule.Member is not null)
        {
            head.Add(("key", TermOf(rule.Member)));
        }
        else
        {
            head.Add(("value", branch.Value is null ? Typed("boolean", true) : TermOf(branch.Value)));
            if (branch.Value is not null && !branch.UsesUnify)
            {
                head.Add(("assign", true));
            }
        }

        var members = new List<(RegoValue, RegoValue)>
        {
            ("head", RegoObject.Of([.. head])),
            ("body", branch.Body is null ? RegoArray.Of(RegoObject.Of(("index", 0), ("terms", Typed("boolean", true)))) : BodyOf(branch.Body)),
        };
        if (rule.IsDefault)
        {
            members.Add(("default", true));
        }

        if (index + 1 < rule.Branches.Count)
        {
            members.Add(("else", RuleOf(rule, index + 1)));
        }

        if (index == 0 && rule.Annotations.Count > 0)
        {
            members.Add(("annotations", RegoArray.Of([.. rule.Annotations.Select(static a => (RegoValue)a.Members)])));
        }

        return RegoObject.Of([.. members]);
    }

    private RegoArray BodyOf(List<Literal> body) => RegoArray.Of([.. body.Select((l, i) => (RegoValue)LiteralOf(l, i))]);

    private RegoObject LiteralOf(Literal literal, int index)
    {
        var members = new List<(RegoValue, RegoValue)> { ("index", index), ("terms", TermsOf(literal)) };
        if (literal is ExpressionLiteral { IsNegated: true })
        {
            members.Add(("negated", true));
        }

        if (literal.With.Count > 0)
        {
            members.Add(("with", RegoArray.Of([.. literal.With.Select(w => (RegoValue)RegoObject.Of(("target", Reference(w.Target)), ("value", TermOf(w.Value))))])));
        }

        return RegoObject.Of([.. members]);
    }

    private RegoValue TermsOf(Literal literal)
    {
        switch (literal)
        {
            case SomeLiteral some:
                return RegoObject.Of(("symbols", RegoArray.Of([.. some.Names.Select(n => (RegoValue)TermOf(n))])));
            case SomeInLiteral some:
                return RegoObject.Of(("symbols", RegoArray.Of(CallOf(
                    some.Key is null ? "internal.member_2" : "internal.member_3",
                    some.Key is null ? [some.Value, some.Collection] : [some.Key, some.Value, some.Collection]))));
            case EveryLiteral every:
                return RegoObject.Of(
                    ("key", every.Key is null ? RegoValue.Null : TermOf(every.Key)),
                    ("value", TermOf(every.Value)),
                    ("domain", TermOf(every.Domain)),
                    ("body", BodyOf(every.Body)));
            default:
                RegoObject term = TermOf(((ExpressionLiteral)literal).Term);
                return term.Get("type") is RegoString { Value: "call" } ? term.Get("value")! : term;
        }
    }

    private RegoObject CallOf(string name, IEnumerable<Term> arguments) => Typed("call", RegoArray.Of([Name(name), .. arguments.Select(a => (RegoValue)TermOf(a))]));

    private static RegoObject Name(string dotted)
    {
        string[] parts = dotted.Split('.');
        return Typed("ref", RegoArray.Of([Typed("var", parts[0]), .. parts.Skip(1).Select(static p => (RegoValue)Typed("string", p))]));
    }

    private RegoObject Reference(Term term) => term is VarTerm v ? Typed("ref", RegoArray.Of(Typed("var", v.Name))) : TermOf(term);

    private RegoObject TermOf(Term term)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case ScalarTerm s:
                return Typed(s.Value.TypeName, s.Value);
            case VarTerm v:
                return Typed("var", v.Name);
            case RefTerm r:
                return Typed("ref", RegoArray.Of([TermOf(r.Head), .. r.Parts.Select(p => (RegoValue)TermOf(p.Operand))]));
            case CallTerm c:
                return Typed("call", RegoArray.Of([Reference(c.Function), .. c.Arguments.Select(a => (RegoValue)TermOf(a))]));
            case InfixTerm i:
                return CallOf(OperatorName(i.Operator), [i.Left, i.Right]);
            case NegativeTerm n:
                return CallOf("minus", [new ScalarTerm(RegoNumber.Zero), n.Operand]);
            case MemberTerm m:
                return m.Key is null ? CallOf("internal.member_2", [m.Value, m.Collection]) : CallOf("internal.member_3", [m.Key, m.Value, m.Collection]);
            case ArrayTerm a:
                return Typed("array", RegoArray.Of([.. a.Items.Select(i => (RegoValue)TermOf(i))]));
            case SetTerm s:
                return Typed("set", RegoArray.Of([.. s.Items.Select(i => (RegoValue)TermOf(i))]));
            case ObjectTerm o:
                return Typed("object", RegoArray.Of([.. o.Members.Select(m => (RegoValue)RegoArray.Of(TermOf(m.Key), TermOf(m.Value)))]));
            case ComprehensionTerm { Kind: ComprehensionKind.Object } c:
                return Typed("objectcomprehension", RegoObject.Of(("key", TermOf(c.Key!)), ("value", TermOf(c.Value)), ("body", BodyOf(c.Body))));
            case ComprehensionTerm c:
                return Typed(c.Kind == ComprehensionKind.Array ? "arraycomprehension" : "setcomprehension", RegoObject.Of(("term", TermOf(c.Value)), ("body", BodyOf(c.Body))));
            default:
                return Typed("templatestring", RegoObject.Of(("parts", RegoArray.Of([.. ((TemplateTerm)term).Parts.Select(
                    p => (RegoValue)(p.Term is null ? Typed("string", p.Text!) : TermOf(p.Term)))]))));
        }
    }

    /// <summary>The built-in function that an infix operator stands for.</summary>
    internal static string OperatorName(TokenKind kind) => kind switch
    {
        TokenKind.Assign => "assign",
        TokenKind.Unify => "eq",
        TokenKind.Equal => "equal",
        TokenKind.NotEqual => "neq",
        TokenKind.Less => "lt",
        TokenKind.LessOrEqual => "lte",
        TokenKind.Greater => "gt",
        TokenKind.GreaterOrEqual => "gte",
        TokenKind.Plus => "plus",
        TokenKind.Minus => "minus",
        TokenKind.Star => "mul",
        TokenKind.Slash => "div",
        TokenKind.Percent => "rem",
        TokenKind.And => "and",
        _ => "or",
    };
}
