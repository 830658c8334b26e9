// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Evaluation;

/// <summary>The side of a unification that takes values: binds variables, compares what is known.</summary>
internal abstract class Pattern
{
    internal abstract bool Match(Machine machine, Frame frame, RegoValue value);
}

internal sealed class AnyPattern : Pattern
{
    internal static readonly AnyPattern Instance = new();

    internal override bool Match(Machine machine, Frame frame, RegoValue value) => true;
}

internal sealed class BindPattern(int slot) : Pattern
{
    internal override bool Match(Machine machine, Frame frame, RegoValue value)
    {
        frame.Slots[slot] = value;
        return true;
    }
}

internal sealed class EqualPattern(Expression expression) : Pattern
{
    internal override bool Match(Machine machine, Frame frame, RegoValue value)
    {
        if (expression.Evaluate(machine, frame) is not { } other)
        {
            return false;
        }

        machine.ChargeComparison(value, other);
        return value.Equals(other);
    }
}

internal sealed class ArrayPattern(Pattern[] items) : Pattern
{
    internal override bool Match(Machine machine, Frame frame, RegoValue value)
    {
        if (value is not RegoArray array || array.Count != items.Length)
        {
            return false;
        }

        machine.Observer?.Enumerate(array);
        for (int i = 0; i < items.Length; i++)
        {
            if (!items[i].Match(machine, frame, array[i]))
            {
                return false;
            }
        }

        return true;
    }
}

internal sealed class ObjectPattern(Expression[] keys, Pattern[] values) : Pattern
{
    internal override bool Match(Machine machine, Frame frame, RegoValue value)
    {
        if (value is not RegoObject members || members.Count != keys.Length)
        {
            return false;
        }

        machine.Observer?.Enumerate(members);
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i].Evaluate(machine, frame) is not { } key || members.Lookup(key) is not { } member || !values[i].Match(machine, frame, member))
            {
                return false;
            }
        }

        return true;
    }
}
