// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Functions that make one value out of a collection.</summary>
internal static class AggregateBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("count", [Arr | Obj | Set | Str], static (c, a) => Count(c, a[0])),
        new("sum", [Arr | Set], static (c, a) => Fold(c, a[0], RegoNumber.Zero, RegoNumber.Add)),
        new("product", [Arr | Set], static (c, a) => Fold(c, a[0], RegoNumber.Of(1), RegoNumber.Multiply)),
        new("max", [Arr | Set], static (c, a) => Extreme(c, a[0], 1)),
        new("min", [Arr | Set], static (c, a) => Extreme(c, a[0], -1)),
        new("sort", [Arr | Set], static (c, a) => Sort(c, a[0])),
        new("all", [Arr | Set], static (c, a) => AllTrue(c, a[0])) { IsV0Only = true },
        new("any", [Arr | Set], static (c, a) => AnyTrue(c, a[0])) { IsV0Only = true },
    ];

    private static RegoValue Count(BuiltinContext context, RegoValue value)
    {
        if (value is not RegoString text)
        {
            return value.KeysOf().Length;
        }

        context.Charge(text.Value.Length / 64);
        return CodePoints.Count(text.Value);
    }

    private static RegoValue? Fold(BuiltinContext context, RegoValue collection, RegoNumber start, Func<RegoNumber, RegoNumber, RegoNumber> combine)
    {
        context.Charge(collection.ItemsOf().Length);
        var result = start;
        foreach (var item in collection.ItemsOf())
        {
            if (item is not RegoNumber number)
            {
                return context.FailElement(1, collection, "numbers", item);
            }

            if (!result.TryGetInt64(out _))
            {
                context.Charge(8);
            }

            result = combine(result, number);
        }

        return result;
    }

    private static RegoValue? Extreme(BuiltinContext context, RegoValue collection, int sign)
    {
        var items = collection.ItemsOf();
        context.Charge(items.Length);
        RegoValue? best = null;
        foreach (var item in items)
        {
            if (best is null || Math.Sign(item.CompareTo(best)) == sign)
            {
                best = item;
            }
        }

        return best;
    }

    private static RegoArray Sort(BuiltinContext context, RegoValue collection)
    {
        var items = collection.ItemsOf().ToArray();
        context.Charge(items.Length * (long)(System.Numerics.BitOperations.Log2((uint)items.Length + 1) + 1) / 4);
        context.ChargeValues(items.Length);
        if (collection is RegoArray)
        {
            Array.Sort(items);
        }

        return RegoArray.Adopt(items);
    }

    private static RegoBoolean AllTrue(BuiltinContext context, RegoValue collection)
    {
        context.Charge(collection.ItemsOf().Length);
        foreach (var item in collection.ItemsOf())
        {
            if (!item.Equals(RegoValue.True))
            {
                return RegoValue.False;
            }
        }

        return RegoValue.True;
    }

    private static RegoBoolean AnyTrue(BuiltinContext context, RegoValue collection)
    {
        context.Charge(collection.ItemsOf().Length);
        return RegoBoolean.Of(collection.ItemsOf().Contains(RegoValue.True));
    }
}
