// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Compilation;
using Coco.Rego.Functions;
using Coco.Rego.Syntax;

namespace Coco.Rego.Evaluation;

/// <summary>A compiled term all of whose variables have values when it is evaluated. Gives null for undefined.</summary>
internal abstract class Expression
{
    internal abstract RegoValue? Evaluate(Machine machine, Frame frame);

    /// <summary>The values of all; null as soon as one has none.</summary>
    private protected static RegoValue[]? EvaluateAll(Expression[] items, Machine machine, Frame frame)
    {
        machine.Context.ChargeValues(items.Length);
        var values = new RegoValue[items.Length];
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i].Evaluate(machine, frame) is not { } value)
            {
                return null;
            }

            values[i] = value;
        }

        return values;
    }
}

internal sealed class ConstantExpression(RegoValue value) : Expression
{
    internal RegoValue Value { get; } = value;

    internal override RegoValue? Evaluate(Machine machine, Frame frame) => Value;
}

internal sealed class SlotExpression(int slot) : Expression
{
    internal int Slot { get; } = slot;

    internal override RegoValue? Evaluate(Machine machine, Frame frame) => frame.Slots[Slot];
}

internal sealed class InputExpression : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        RegoValue? input = machine.Environment.Input;
        machine.Observer?.ReadInput(input);
        return input;
    }
}

/// <summary>A path into the input whose steps are constants: the most frequent expression of all.</summary>
internal sealed class InputPathExpression(RegoValue[] path) : Expression
{
    internal RegoValue[] Path { get; } = path;

    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        RegoValue? value = machine.Environment.Input;
        if (machine.Observer is { } observer)
        {
            observer.ReadInput(value);
            foreach (RegoValue key in Path)
            {
                value = observer.Step(value, key);
            }

            return value;
        }

        foreach (RegoValue key in Path)
        {
            value = value?.Lookup(key);
        }

        return value;
    }
}

/// <summary>Steps into a value.</summary>
internal sealed class PathExpression(Expression head, Expression[] steps) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        RegoValue? value = head.Evaluate(machine, frame);
        foreach (Expression step in steps)
        {
            if (value is null || step.Evaluate(machine, frame) is not { } key)
            {
                return null;
            }

            if (key.Kind >= RegoKind.Array)
            {
                machine.ChargeSize(key);
            }

            value = machine.Observer is { } observer ? observer.Step(value, key) : value.Lookup(key);
        }

        return value;
    }
}

/// <summary>A rule's document.</summary>
internal sealed class RuleExpression(RuleGroup group) : Expression
{
    internal RuleGroup Group { get; } = group;

    internal override RegoValue? Evaluate(Machine machine, Frame frame) => machine.Environment.Patches is null
        ? machine.Document(Group)
        : machine.DataAt(Group.Path, Group);
}

/// <summary>Base data below a constant path where no rule is.</summary>
internal sealed class BaseDataExpression(RegoValue[] path) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        if (machine.Environment.Patches is not null)
        {
            return machine.DataAt(path, null);
        }

        RegoValue? value = machine.Data;
        foreach (RegoValue key in path)
        {
            // Base documents are addressed by text: an index also finds the member of that name.
            value = value?.Lookup(key) ?? (key is RegoNumber && value is RegoObject members ? members.Get(key.ToString()) : null);
        }

        return value;
    }
}

/// <summary>A whole branch of the tree of documents.</summary>
internal sealed class ExtentExpression(TreeNode node) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame) => machine.DataAt(node.Path, null);
}

internal sealed class ArrayExpression(Expression[] items) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame) => EvaluateAll(items, machine, frame) is { } values ? RegoArray.Adopt(values) : null;
}

internal sealed class SetExpression(Expression[] items) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame) => EvaluateAll(items, machine, frame) is { } values ? RegoSet.Adopt(values) : null;
}

internal sealed class ObjectExpression(Expression[] keys, Expression[] values, RegoLocation location) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        machine.Context.ChargeValues(keys.Length);
        var k = new RegoValue[keys.Length];
        var v = new RegoValue[keys.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i].Evaluate(machine, frame) is not { } key || values[i].Evaluate(machine, frame) is not { } value)
            {
                return null;
            }

            k[i] = key;
            v[i] = value;
        }

        RegoObject made = RegoObject.Adopt(k, v);
        return made.Count == keys.Length ? made : CheckDuplicates(k, v, made);
    }

    private RegoObject CheckDuplicates(RegoValue[] k, RegoValue[] v, RegoObject made)
    {
        for (int i = 0; i < k.Length; i++)
        {
            if (made.Lookup(k[i]) is { } kept && !kept.Equals(v[i]))
            {
                throw new RegoFaultException(RegoErrorCodes.Conflict, "object keys must be unique", location);
            }
        }

        return made;
    }
}

internal sealed class ComprehensionExpression(ComprehensionKind kind, Step start, int accumulator) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        Accumulator collected = machine.RentAccumulator();
        frame.Accumulators[accumulator] = collected;
        machine.Observer?.EnterInner();
        Step.Run(start, machine, frame);
        machine.Observer?.LeaveInner();
        frame.Accumulators[accumulator] = null;
        RegoValue made = kind switch
        {
            ComprehensionKind.Array => RegoArray.OfList(collected.Values),
            ComprehensionKind.Set => RegoSet.OfList(collected.Values),
            _ => RegoObject.Adopt([.. collected.Keys], [.. collected.Values]),
        };
        machine.Return(collected);
        return made;
    }
}

internal sealed class TemplateExpression((string? Text, Expression? Value, bool IsInner)[] parts) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        var text = new System.Text.StringBuilder();
        foreach ((string? literal, Expression? value, bool isInner) in parts)
        {
            if (literal is not null)
            {
                text.Append(literal);
            }
            else
            {
                text.Append(Text(machine, value!.Evaluate(machine, frame), isInner));
            }

            machine.Context.ChargeOutput(text.Length);
        }

        return RegoString.Of(text.ToString());
    }

    private static string Text(Machine machine, RegoValue? value, bool isInner)
    {
        if (isInner)
        {
            var set = (RegoSet)value!;
            value = set.Count switch
            {
                0 => null,
                1 => set.Items[0],
                _ => throw new RegoFaultException(RegoErrorCodes.Conflict, "template expression must not produce multiple values", null),
            };
        }

        return value is null ? "<undefined>" : machine.Display(value);
    }
}

/// <summary>What a comparison asks.</summary>
internal enum Comparison
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>A comparison; the same as the built-in of that name, without its overhead.</summary>
internal sealed class ComparisonExpression(Comparison comparison, string name, Expression left, Expression right) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        if (left.Evaluate(machine, frame) is not { } a || right.Evaluate(machine, frame) is not { } b)
        {
            return null;
        }

        machine.ChargeComparison(a, b);
        if (machine.Environment.Mocks is { } mocks && Mock.Find(mocks, name) is { } mock)
        {
            return machine.CallMock(mock, [a, b]);
        }

        return comparison switch
        {
            Comparison.Equal => a.Equals(b),
            Comparison.NotEqual => !a.Equals(b),
            Comparison.Less => a.CompareTo(b) < 0,
            Comparison.LessOrEqual => a.CompareTo(b) <= 0,
            Comparison.Greater => a.CompareTo(b) > 0,
            _ => a.CompareTo(b) >= 0,
        };
    }
}

/// <summary>A call of a built-in, of a function of the policy, or of the host.</summary>
internal sealed class CallExpression(CallTarget target, Expression[] arguments, SourceText source, int start) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        ArgumentBuffer buffer = default;
        Span<RegoValue> values = arguments.Length <= ArgumentBuffer.Length ? ((Span<RegoValue>)buffer)[..arguments.Length] : new RegoValue[arguments.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i].Evaluate(machine, frame) is not { } value)
            {
                return null;
            }

            values[i] = value;
        }

        return machine.Call(target, values, source, start);
    }

    [InlineArray(Length)]
    private struct ArgumentBuffer
    {
        internal const int Length = 6;
        private RegoValue _first;
    }
}

/// <summary><c>print</c>: undefined arguments are shown, every argument is a set of what it can be.</summary>
internal sealed class PrintExpression((Expression Value, bool IsInner)[] arguments) : Expression
{
    internal override RegoValue? Evaluate(Machine machine, Frame frame)
    {
        var texts = new List<string[]>();
        foreach ((Expression value, bool isInner) in arguments)
        {
            RegoValue? got = value.Evaluate(machine, frame);
            texts.Add(isInner && got is RegoSet { Count: > 0 } set
                ? [.. set.Items.ToArray().Select(machine.Display)]
                : [got is null || isInner ? "<undefined>" : machine.Display(got)]);
        }

        Print(machine, texts, 0, string.Empty);
        return RegoValue.True;
    }

    private static void Print(Machine machine, List<string[]> texts, int at, string line)
    {
        if (at == texts.Count)
        {
            machine.Context.Step();
            machine.Context.Print(line);
            return;
        }

        foreach (string text in texts[at])
        {
            machine.Context.ChargeOutput(line.Length + text.Length);
            Print(machine, texts, at + 1, at == 0 ? text : line + " " + text);
        }
    }
}
