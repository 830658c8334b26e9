// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Arrays, sets and objects.</summary>
internal static class CollectionBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("array.concat", [Arr, Arr], static (c, a) => c.OutputArray([.. ((RegoArray)a[0]).Items, .. ((RegoArray)a[1]).Items])),
        new("array.reverse", [Arr], static (c, a) => Reverse(c, (RegoArray)a[0])),
        new("array.slice", [Arr, Num, Num], static (c, a) => Slice(c, (RegoArray)a[0], a[1], a[2])),
        new("array.flatten", [Arr], static (c, a) => Flatten(c, (RegoArray)a[0])),
        new("intersection", [Set], static (c, a) => Intersection(c, (RegoSet)a[0])),
        new("union", [Set], static (c, a) => Union(c, (RegoSet)a[0])),
        new("set_diff", [Set, Set], static (c, a) => Difference(c, (RegoSet)a[0], (RegoSet)a[1])) { IsV0Only = true },
        new("object.get", [Obj, Any, Any], static (c, a) => Get(c, (RegoObject)a[0], a[1], a[2])),
        new("object.keys", [Obj], static (c, a) => Keys(c, (RegoObject)a[0])),
        new("object.remove", [Obj, Any], static (c, a) => Pick(c, (RegoObject)a[0], a[1], keep: false)),
        new("object.filter", [Obj, Any], static (c, a) => Pick(c, (RegoObject)a[0], a[1], keep: true)),
        new("object.union", [Obj, Obj], static (c, a) => Merge(c, (RegoObject)a[0], (RegoObject)a[1])),
        new("object.union_n", [Arr], static (c, a) => MergeAll(c, (RegoArray)a[0])),
        new("object.subset", [Arr | Obj | Set, Arr | Obj | Set], static (c, a) => Subset(c, a[0], a[1])),
    ];

    private static RegoArray Reverse(BuiltinContext context, RegoArray array)
    {
        context.Charge(array.Count);
        context.ChargeValues(array.Count);
        var items = array.Items.ToArray();
        Array.Reverse(items);
        return RegoArray.Adopt(items);
    }

    private static RegoValue? Slice(BuiltinContext context, RegoArray array, RegoValue from, RegoValue to)
    {
        if (!TryClamped(context, 2, from, out var start) || !TryClamped(context, 3, to, out var stop))
        {
            return null;
        }

        start = Math.Max(start, 0);
        stop = Math.Min(stop, array.Count);
        if (stop <= start)
        {
            return RegoArray.Empty;
        }

        context.ChargeValues(stop - start);
        context.Charge(stop - start);
        return RegoArray.Of(array.Items[start..stop]);
    }

    private static RegoArray Flatten(BuiltinContext context, RegoArray array)
    {
        var result = new List<RegoValue>();
        foreach (var item in array.Items)
        {
            if (item is RegoArray inner)
            {
                context.Charge(inner.Count);
                context.ChargeValues(inner.Count);
                result.AddRange(inner.Items);
            }
            else
            {
                result.Add(item);
            }
        }

        return context.OutputArray(result);
    }

    private static RegoValue? Intersection(BuiltinContext context, RegoSet sets)
    {
        RegoSet? result = null;
        foreach (var item in sets.Items)
        {
            if (item is not RegoSet set)
            {
                return context.FailElement(1, sets, "sets", item);
            }

            context.Charge(result?.Count ?? 1);
            result = result?.Intersect(set) ?? set;
        }

        return result ?? RegoSet.Empty;
    }

    private static RegoValue? Union(BuiltinContext context, RegoSet sets)
    {
        var members = new List<RegoValue>();
        foreach (var item in sets.Items)
        {
            if (item is not RegoSet set)
            {
                return context.FailElement(1, sets, "sets", item);
            }

            context.Charge(set.Count);
            context.ChargeValues(set.Count);
            members.AddRange(set.Items);
        }

        return RegoSet.OfList(members);
    }

    private static RegoSet Difference(BuiltinContext context, RegoSet minuend, RegoSet subtrahend)
    {
        context.Charge(minuend.Count);
        return minuend.Except(subtrahend);
    }

    private static RegoValue? Get(BuiltinContext context, RegoObject members, RegoValue key, RegoValue fallback)
    {
        if (key is not RegoArray path)
        {
            return members.Lookup(key) ?? fallback;
        }

        context.Charge(path.Count);
        RegoValue? value = members;
        foreach (var step in path.Items)
        {
            value = value.Lookup(step);
            if (value is null)
            {
                return fallback;
            }
        }

        return value;
    }

    private static RegoSet Keys(BuiltinContext context, RegoObject members)
    {
        context.Charge(members.Count);
        context.ChargeValues(members.Count);
        return RegoSet.Of(members.Keys);
    }

    private static RegoValue? Pick(BuiltinContext context, RegoObject members, RegoValue keys, bool keep)
    {
        if (keys is not (RegoObject or RegoSet or RegoArray))
        {
            return context.FailOperand(2, "one of {object, set, array}", keys);
        }

        context.Charge(members.Count + keys.KeysOf().Length);
        context.ChargeValues(members.Count);
        var chosen = keys as RegoSet ?? RegoSet.Of(keys.KeysOf());
        var keptKeys = new List<RegoValue>();
        var keptValues = new List<RegoValue>();
        for (var i = 0; i < members.Count; i++)
        {
            if (chosen.Contains(members.Keys[i]) == keep)
            {
                keptKeys.Add(members.Keys[i]);
                keptValues.Add(members.Values[i]);
            }
        }

        return RegoObject.AdoptSorted([.. keptKeys], [.. keptValues]);
    }

    /// <summary>Members of both, objects merged deeply; elsewhere the right one wins.</summary>
    internal static RegoObject Merge(BuiltinContext context, RegoObject left, RegoObject right)
    {
        context.Charge(left.Count + right.Count);
        context.ChargeValues(left.Count + right.Count);
        var keys = new List<RegoValue>(left.Count + right.Count);
        var values = new List<RegoValue>(left.Count + right.Count);
        int i = 0, j = 0;
        while (i < left.Count || j < right.Count)
        {
            var order = i == left.Count ? 1 : j == right.Count ? -1 : left.Keys[i].CompareTo(right.Keys[j]);
            keys.Add(order <= 0 ? left.Keys[i] : right.Keys[j]);
            values.Add(order switch
            {
                < 0 => left.Values[i],
                > 0 => right.Values[j],
                _ when left.Values[i] is RegoObject x && right.Values[j] is RegoObject y => Merge(context, x, y),
                _ => right.Values[j],
            });
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }

        return RegoObject.AdoptSorted([.. keys], [.. values]);
    }

    private static RegoValue? MergeAll(BuiltinContext context, RegoArray objects)
    {
        var result = RegoObject.Empty;
        foreach (var item in objects.Items)
        {
            if (item is not RegoObject members)
            {
                return context.FailElement(1, objects, "objects", item);
            }

            result = Merge(context, result, members);
        }

        return result;
    }

    private static RegoValue? Subset(BuiltinContext context, RegoValue super, RegoValue sub)
    {
        if (super is RegoArray array && sub is RegoSet set)
        {
            context.Charge(array.Count + set.Count);
            var items = RegoSet.Of(array.Items);
            foreach (var item in set.Items)
            {
                if (!items.Contains(item))
                {
                    return false;
                }
            }

            return true;
        }

        return super.Kind == sub.Kind
            ? IsSubset(context, super, sub)
            : context.FailType("both arguments object.subset must be of the same type or array and set");
    }

    private static bool IsSubset(BuiltinContext context, RegoValue super, RegoValue sub)
    {
        context.Charge(1 + (sub.KeysOf().Length / 4));
        switch (super, sub)
        {
            case (RegoObject outer, RegoObject inner):
                for (var i = 0; i < inner.Count; i++)
                {
                    if (outer.Lookup(inner.Keys[i]) is not { } value || !IsSubset(context, value, inner.Values[i]))
                    {
                        return false;
                    }
                }

                return true;
            case (RegoSet outer, RegoSet inner):
                foreach (var item in inner.Items)
                {
                    if (!outer.Contains(item))
                    {
                        return false;
                    }
                }

                return true;
            case (RegoArray outer, RegoArray inner):
                context.Charge((long)outer.Count * Math.Min(inner.Count, 16) / 16);
                for (var i = 0; i + inner.Count <= outer.Count; i++)
                {
                    var common = outer.Items[i..].CommonPrefixLength(inner.Items);
                    context.Charge(common / 16);
                    if (common == inner.Count)
                    {
                        return true;
                    }
                }

                return false;
            default:
                return super.Equals(sub);
        }
    }
}
