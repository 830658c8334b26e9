// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Syntax;

/// <summary>A piece of the syntax tree with its place in the source.</summary>
internal abstract class Node
{
    internal int Start { get; set; }

    internal int End { get; set; }
}

/// <summary>A term: anything that has a value.</summary>
internal abstract class Term : Node
{
    /// <summary>Stands in parentheses of its own.</summary>
    internal bool InParentheses { get; set; }
}

/// <summary>A constant.</summary>
internal sealed class ScalarTerm(RegoValue value) : Term
{
    internal RegoValue Value { get; } = value;

    /// <summary>A string between backquotes.</summary>
    internal bool IsRaw { get; init; }
}

/// <summary>A name that stands alone: local variable, parameter, rule, import, <c>input</c>, <c>data</c>, or the wildcard.</summary>
internal sealed class VarTerm(string name) : Term
{
    internal string Name { get; } = name;

    internal bool IsWildcard => Name == "_";
}

/// <summary>A step of a reference.</summary>
internal readonly record struct RefPart(Term Operand, bool IsDot);

/// <summary>A reference: a head and steps into it.</summary>
internal sealed class RefTerm(Term head, List<RefPart> parts) : Term
{
    internal Term Head { get; } = head;

    internal List<RefPart> Parts { get; } = parts;
}

/// <summary>A call in prefix notation.</summary>
internal sealed class CallTerm(Term function, List<Term> arguments) : Term
{
    /// <summary>A <see cref="VarTerm"/> or a <see cref="RefTerm"/> of names.</summary>
    internal Term Function { get; } = function;

    internal List<Term> Arguments { get; } = arguments;
}

/// <summary>Two operands and an operator, also <c>=</c>, <c>:=</c>.</summary>
internal sealed class InfixTerm(TokenKind op, Term left, Term right) : Term
{
    internal TokenKind Operator { get; } = op;

    internal Term Left { get; } = left;

    internal Term Right { get; } = right;
}

/// <summary>The negative of a term that is not a number literal.</summary>
internal sealed class NegativeTerm(Term operand) : Term
{
    internal Term Operand { get; } = operand;
}

/// <summary><c>v in c</c> or <c>k, v in c</c>.</summary>
internal sealed class MemberTerm(Term? key, Term value, Term collection) : Term
{
    internal Term? Key { get; } = key;

    internal Term Value { get; } = value;

    internal Term Collection { get; } = collection;
}

/// <summary>An array literal.</summary>
internal sealed class ArrayTerm(List<Term> items) : Term
{
    internal List<Term> Items { get; } = items;
}

/// <summary>A set literal.</summary>
internal sealed class SetTerm(List<Term> items) : Term
{
    internal List<Term> Items { get; } = items;
}

/// <summary>An object literal.</summary>
internal sealed class ObjectTerm(List<(Term Key, Term Value)> members) : Term
{
    internal List<(Term Key, Term Value)> Members { get; } = members;
}

/// <summary>What a comprehension makes.</summary>
internal enum ComprehensionKind
{
    Array,
    Set,
    Object,
}

/// <summary>A comprehension.</summary>
internal sealed class ComprehensionTerm(ComprehensionKind kind, Term? key, Term value, List<Literal> body) : Term
{
    internal ComprehensionKind Kind { get; } = kind;

    internal Term? Key { get; } = key;

    internal Term Value { get; } = value;

    internal List<Literal> Body { get; } = body;
}

/// <summary>A template string: each part is a text or a term.</summary>
internal sealed class TemplateTerm(List<(string? Text, Term? Term)> parts) : Term
{
    internal List<(string? Text, Term? Term)> Parts { get; } = parts;
}

/// <summary>A <c>with</c> modifier.</summary>
internal sealed class WithModifier(Term target, Term value) : Node
{
    internal Term Target { get; } = target;

    internal Term Value { get; } = value;
}

/// <summary>One condition of a body.</summary>
internal abstract class Literal : Node
{
    internal List<WithModifier> With { get; set; } = [];
}

/// <summary>An expression, negated or not.</summary>
internal sealed class ExpressionLiteral(Term term, bool negated) : Literal
{
    internal Term Term { get; } = term;

    internal bool IsNegated { get; } = negated;
}

/// <summary><c>some x, y</c>.</summary>
internal sealed class SomeLiteral(List<VarTerm> names) : Literal
{
    internal List<VarTerm> Names { get; } = names;
}

/// <summary><c>some k, v in c</c>.</summary>
internal sealed class SomeInLiteral(Term? key, Term value, Term collection) : Literal
{
    internal Term? Key { get; } = key;

    internal Term Value { get; } = value;

    internal Term Collection { get; } = collection;
}

/// <summary><c>every k, v in c { … }</c>.</summary>
internal sealed class EveryLiteral(Term? key, Term value, Term domain, List<Literal> body) : Literal
{
    internal Term? Key { get; } = key;

    internal Term Value { get; } = value;

    internal Term Domain { get; } = domain;

    internal List<Literal> Body { get; } = body;

    /// <summary>Offset of the brace that opens the body.</summary>
    internal int BodyStart { get; init; }
}

/// <summary>A value and the body under which it holds: the rule's own, or one of its <c>else</c> branches.</summary>
internal sealed class Branch(Term? value, List<Literal>? body) : Node
{
    /// <summary>Null: true.</summary>
    internal Term? Value { get; } = value;

    /// <summary>Null: no body, always holds.</summary>
    internal List<Literal>? Body { get; } = body;

    /// <summary>Written with <c>if</c>.</summary>
    internal bool HasIf { get; init; }

    /// <summary>Written with braces around the body.</summary>
    internal bool HasBraces { get; init; }

    /// <summary>Written with <c>=</c> in place of <c>:=</c>.</summary>
    internal bool UsesUnify { get; init; }
}

/// <summary>One rule as it stands in the source, with its <c>else</c> branches.</summary>
internal sealed class Rule : Node
{
    internal bool IsDefault { get; init; }

    /// <summary>First name and steps of the head, without parameters.</summary>
    internal required VarTerm Name { get; init; }

    internal required List<RefPart> Path { get; init; }

    /// <summary>Null: not a function.</summary>
    internal List<Term>? Parameters { get; init; }

    /// <summary>What a partial set contains; null for other rules.</summary>
    internal Term? Member { get; init; }

    /// <summary>The member was written in brackets, the old way.</summary>
    internal bool IsBracketMember { get; init; }

    /// <summary>First the rule's own.</summary>
    internal required List<Branch> Branches { get; init; }

    /// <summary>Shares the head of the rule before it: a body that follows another body.</summary>
    internal bool IsChained { get; init; }

    internal int HeadEnd { get; init; }

    internal List<Annotation> Annotations { get; } = [];
}

/// <summary>An import.</summary>
internal sealed class Import(string head, List<string> path, string? alias) : Node
{
    internal string Head { get; } = head;

    internal List<string> Path { get; } = path;

    internal string? Alias { get; } = alias;

    internal string Name => Alias ?? (Path.Count > 0 ? Path[^1] : Head);
}

/// <summary>A metadata block.</summary>
internal sealed record Annotation(string Scope, RegoObject Members, int Row);

/// <summary>A parsed module.</summary>
internal sealed class Module
{
    internal required SourceText Source { get; init; }

    internal required bool IsV0 { get; init; }

    /// <summary>Names below <c>data</c>.</summary>
    internal required List<string> Package { get; init; }

    internal int PackageStart { get; init; }

    internal int PackageEnd { get; init; }

    internal List<Import> Imports { get; } = [];

    internal List<Rule> Rules { get; } = [];

    internal List<Comment> Comments { get; init; } = [];

    internal List<Annotation> PackageAnnotations { get; } = [];
}
