// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Compilation;

/// <summary>A local variable of one branch of a rule. Renaming is done: two variables of one name are two objects.</summary>
internal sealed class Variable(string name, int slot)
{
    internal string Name { get; } = name;

    internal int Slot { get; } = slot;

    /// <summary>Written as <c>_</c>.</summary>
    internal bool IsWildcard { get; init; }

    /// <summary>Made by the compiler.</summary>
    internal bool IsGenerated { get; init; }
}

/// <summary>A resolved term: every name is a variable, a constant, or a document.</summary>
internal abstract class CoreTerm
{
    internal int Start { get; init; }

    internal int End { get; init; }

    /// <summary>No variable occurs in it, not even inside a comprehension.</summary>
    internal virtual bool IsGround => false;
}

internal sealed class CoreConstant(RegoValue value) : CoreTerm
{
    internal RegoValue Value { get; } = value;

    internal override bool IsGround => true;
}

internal sealed class CoreVariable(Variable variable) : CoreTerm
{
    internal Variable Variable { get; } = variable;
}

internal sealed class CoreInput : CoreTerm
{
    internal override bool IsGround => true;
}

internal sealed class CoreData : CoreTerm
{
    internal override bool IsGround => true;
}

internal sealed class CoreRef(CoreTerm head, CoreTerm[] parts) : CoreTerm
{
    internal CoreTerm Head { get; } = head;

    internal CoreTerm[] Parts { get; } = parts;

    internal override bool IsGround { get; } = head.IsGround && Array.TrueForAll(parts, static p => p.IsGround);
}

internal sealed class CoreCall(CallTarget target, CoreTerm[] arguments) : CoreTerm
{
    internal CallTarget Target { get; } = target;

    internal CoreTerm[] Arguments { get; } = arguments;

    /// <summary>Has one more argument than the function, with which the result is unified.</summary>
    internal bool HasOutput => Target.Arity >= 0 && Arguments.Length == Target.Arity + 1;

    internal override bool IsGround { get; } = Array.TrueForAll(arguments, static a => a.IsGround);
}

/// <summary>What is called: one of the three.</summary>
internal sealed record CallTarget(string Name, Builtin? Builtin, RuleGroup? Function, int HostArity)
{
    /// <summary>-1: any number.</summary>
    internal int Arity => Builtin is { } b ? b.IsVariadic ? -1 : b.Arity : Function?.Arity ?? HostArity;
}

internal sealed class CoreArray(CoreTerm[] items) : CoreTerm
{
    internal CoreTerm[] Items { get; } = items;

    internal override bool IsGround { get; } = Array.TrueForAll(items, static a => a.IsGround);
}

internal sealed class CoreSet(CoreTerm[] items) : CoreTerm
{
    internal CoreTerm[] Items { get; } = items;

    internal override bool IsGround { get; } = Array.TrueForAll(items, static a => a.IsGround);
}

internal sealed class CoreObject(CoreTerm[] keys, CoreTerm[] values) : CoreTerm
{
    internal CoreTerm[] Keys { get; } = keys;

    internal CoreTerm[] Values { get; } = values;

    internal override bool IsGround { get; } = Array.TrueForAll(keys, static a => a.IsGround) && Array.TrueForAll(values, static a => a.IsGround);
}

internal sealed class CoreComprehension(Syntax.ComprehensionKind kind, CoreTerm? key, CoreTerm value, CoreBody body) : CoreTerm
{
    internal Syntax.ComprehensionKind Kind { get; } = kind;

    internal CoreTerm? Key { get; } = key;

    internal CoreTerm Value { get; } = value;

    internal CoreBody Body { get; } = body;
}

internal sealed class CoreTemplate((string? Text, CoreTerm? Term)[] parts) : CoreTerm
{
    internal (string? Text, CoreTerm? Term)[] Parts { get; } = parts;
}

/// <summary>A scope with its conditions. Free are the variables of outer scopes that occur in it.</summary>
internal sealed class CoreBody
{
    internal List<CoreLiteral> Literals { get; } = [];

    internal HashSet<Variable> Free { get; } = [];
}

internal abstract class CoreLiteral
{
    internal int Start { get; init; }

    internal int End { get; init; }

    internal CoreWith[] With { get; init; } = [];
}

/// <summary>A term that must hold.</summary>
internal sealed class CoreCondition(CoreTerm term) : CoreLiteral
{
    internal CoreTerm Term { get; } = term;
}

/// <summary><c>left = right</c>, or <c>left := right</c>.</summary>
internal sealed class CoreUnify(CoreTerm left, CoreTerm right, bool declares) : CoreLiteral
{
    internal CoreTerm Left { get; } = left;

    internal CoreTerm Right { get; } = right;

    /// <summary>Only the left side is bound.</summary>
    internal bool Declares { get; } = declares;
}

internal sealed class CoreNot(CoreLiteral inner, HashSet<Variable> variables) : CoreLiteral
{
    internal CoreLiteral Inner { get; } = inner;

    internal HashSet<Variable> Variables { get; } = variables;
}

internal sealed class CoreSomeIn(CoreTerm? key, CoreTerm value, CoreTerm collection) : CoreLiteral
{
    internal CoreTerm? Key { get; } = key;

    internal CoreTerm Value { get; } = value;

    internal CoreTerm Collection { get; } = collection;
}

internal sealed class CoreEvery(Variable? key, Variable value, CoreTerm domain, CoreBody body) : CoreLiteral
{
    internal Variable? Key { get; } = key;

    internal Variable Value { get; } = value;

    internal CoreTerm Domain { get; } = domain;

    internal CoreBody Body { get; } = body;
}

/// <summary>What a <c>with</c> replaces.</summary>
internal enum WithKind
{
    Input,
    Data,
    Function,
}

/// <summary>A <c>with</c> modifier.</summary>
/// <param name="Kind">What is replaced.</param>
/// <param name="Path">The path below input or data; empty for functions.</param>
/// <param name="Function">Name of the replaced function.</param>
/// <param name="Value">The new value; null when a function takes the place.</param>
/// <param name="Replacement">The function that takes the place of the replaced one.</param>
internal sealed record CoreWith(WithKind Kind, RegoValue[] Path, string Function, CoreTerm? Value, CallTarget? Replacement);
