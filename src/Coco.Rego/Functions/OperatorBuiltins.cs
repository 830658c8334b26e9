// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Functions;

/// <summary>The operators under the names by which they can be called.</summary>
internal static class OperatorBuiltins
{
    private const RegoTypes NumberOrSet = RegoTypes.Number | RegoTypes.Set;
    private static readonly RegoTypes[] AnyAny = [RegoTypes.Any, RegoTypes.Any];
    private static readonly RegoTypes[] NumberNumber = [RegoTypes.Number, RegoTypes.Number];
    private static readonly RegoTypes[] SetSet = [RegoTypes.Set, RegoTypes.Set];

    internal static IEnumerable<Builtin> All() =>
    [
        new("eq", AnyAny, static (_, a) => a[0].Equals(a[1])),
        new("equal", AnyAny, static (_, a) => a[0].Equals(a[1])),
        new("neq", AnyAny, static (_, a) => !a[0].Equals(a[1])),
        new("lt", AnyAny, static (_, a) => a[0] < a[1]),
        new("lte", AnyAny, static (_, a) => a[0] <= a[1]),
        new("gt", AnyAny, static (_, a) => a[0] > a[1]),
        new("gte", AnyAny, static (_, a) => a[0] >= a[1]),
        new("plus", NumberNumber, static (_, a) => RegoNumber.Add((RegoNumber)a[0], (RegoNumber)a[1])),
        new("minus", [NumberOrSet, NumberOrSet], static (c, a) => Minus(c, a[0], a[1])),
        new("mul", NumberNumber, static (c, a) => Multiply(c, (RegoNumber)a[0], (RegoNumber)a[1])),
        new("div", NumberNumber, static (c, a) => Divide(c, (RegoNumber)a[0], (RegoNumber)a[1])),
        new("rem", NumberNumber, static (c, a) => Remainder(c, (RegoNumber)a[0], (RegoNumber)a[1])),
        new("and", SetSet, static (c, a) => Combine(c, (RegoSet)a[0], (RegoSet)a[1], union: false)),
        new("or", SetSet, static (c, a) => Combine(c, (RegoSet)a[0], (RegoSet)a[1], union: true)),
        new("internal.member_2", AnyAny, static (c, a) => IsMember(c, a[0], a[1])),
        new("internal.member_3", [RegoTypes.Any, RegoTypes.Any, RegoTypes.Any], static (_, a) => a[2].Lookup(a[0]) is { } v && v.Equals(a[1])),
    ];

    private static RegoValue? Minus(BuiltinContext context, RegoValue a, RegoValue b)
    {
        if (a is RegoNumber x)
        {
            return b is RegoNumber y ? RegoNumber.Subtract(x, y) : context.FailOperand(2, "number", b);
        }

        if (b is not RegoSet subtrahend)
        {
            return context.FailOperand(2, "set", b);
        }

        var minuend = (RegoSet)a;
        context.Charge(minuend.Count);
        return minuend.Except(subtrahend);
    }

    private static RegoNumber Multiply(BuiltinContext context, RegoNumber a, RegoNumber b)
    {
        if (!a.TryGetInt64(out _) || !b.TryGetInt64(out _))
        {
            context.Charge(16);
        }

        return RegoNumber.Multiply(a, b);
    }

    private static RegoValue? Divide(BuiltinContext context, RegoNumber a, RegoNumber b)
    {
        if (!a.TryGetInt64(out _) || !b.TryGetInt64(out _))
        {
            context.Charge(16);
        }

        return b.Sign == 0 ? context.Fail("divide by zero") : RegoNumber.Divide(a, b);
    }

    private static RegoValue? Remainder(BuiltinContext context, RegoNumber a, RegoNumber b) =>
        !a.IsInteger || !b.IsInteger
            ? context.Fail("modulo on floating-point number")
            : b.Sign == 0 ? context.Fail("modulo by zero") : RegoNumber.Remainder(a, b);

    private static RegoSet Combine(BuiltinContext context, RegoSet a, RegoSet b, bool union)
    {
        context.Charge(a.Count + (union ? b.Count : 0));
        context.ChargeValues(union ? a.Count + b.Count : Math.Min(a.Count, b.Count));
        return union ? a.Union(b) : a.Count <= b.Count ? a.Intersect(b) : b.Intersect(a);
    }

    private static RegoBoolean IsMember(BuiltinContext context, RegoValue value, RegoValue collection)
    {
        switch (collection)
        {
            case RegoSet set:
                return RegoBoolean.Of(set.Contains(value));
            case RegoArray array:
                context.Charge(array.Count / 8);
                return RegoBoolean.Of(array.Items.Contains(value));
            case RegoObject members:
                context.Charge(members.Count / 8);
                return RegoBoolean.Of(members.Values.Contains(value));
            default:
                return RegoValue.False;
        }
    }
}
