// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Json;

/// <summary>Patches as RFC 6902 has them, extended to sets, whose members are named by themselves.</summary>
internal static class JsonPatch
{
    /// <summary>The patched document; null where an operation is malformed or cannot be done.</summary>
    public static RegoValue? Apply(BuiltinContext context, RegoValue document, RegoArray operations)
    {
        RegoValue? current = document;
        foreach (var item in operations.Items)
        {
            context.Charge(1);
            if (item is not RegoObject operation || operation.Get("op") is not RegoString name || PathOf(operation, "path") is not { } path)
            {
                return null;
            }

            current = Step(context, current, operation, name.Value, path);
            if (current is null)
            {
                return null;
            }
        }

        return current;
    }

    private static RegoValue? Step(BuiltinContext context, RegoValue document, RegoObject operation, string name, RegoValue[] path)
    {
        var value = operation.Get("value");
        switch (name)
        {
            case "add":
                return value is null ? null : Add(context, document, path, value);
            case "remove":
                return Edit(context, document, path, Removed);
            case "replace":
                return value is null ? null : Replace(context, document, path, value);
            case "test":
                return value is not null && Find(document, path) is { } found && found.Equals(value) ? document : null;
            case "copy" or "move":
                if (PathOf(operation, "from") is not { } from || Find(document, from) is not { } source)
                {
                    return null;
                }

                var basis = name == "copy" ? document : from.Length == 0 ? RegoValue.Null : Edit(context, document, from, Removed);
                return basis is null ? null : Add(context, basis, path, source);
            default:
                return null;
        }
    }

    private static RegoValue[]? PathOf(RegoObject operation, string name) =>
        operation.Get(name) is { } path ? DocumentPaths.Parse(path) : null;

    private static RegoValue? Find(RegoValue document, RegoValue[] path)
    {
        RegoValue? value = document;
        foreach (var step in path)
        {
            value = value is RegoArray array ? IndexOf(array, step) is var i && i >= 0 && i < array.Count ? array[i] : null : value.Lookup(step);
            if (value is null)
            {
                return null;
            }
        }

        return value;
    }

    private static int IndexOf(RegoArray array, RegoValue step)
    {
        if (step is RegoNumber number)
        {
            return number.TryGetInt32(out var index) ? index : -1;
        }

        if (step is not RegoString { Value: var text })
        {
            return -1;
        }

        if (text == "-")
        {
            return array.Count;
        }

        return (text.Length == 1 || (text.Length > 1 && text[0] != '0'))
            && text.All(char.IsAsciiDigit)
            && int.TryParse(text, CultureInfo.InvariantCulture, out var parsed)
            ? parsed
            : -1;
    }

    private static RegoValue? Add(BuiltinContext context, RegoValue document, RegoValue[] path, RegoValue value) =>
        path.Length == 0 ? value : Edit(context, document, path, (parent, key) => Added(parent, key, value));

    private static RegoValue? Replace(BuiltinContext context, RegoValue document, RegoValue[] path, RegoValue value) =>
        path.Length == 0 ? value : Edit(context, document, path, (parent, key) => Replaced(parent, key, value));

    // Changes the collection that holds the last step, and puts it back into the collections around it.
    private static RegoValue? Edit(BuiltinContext context, RegoValue document, ReadOnlySpan<RegoValue> path, Func<RegoValue, RegoValue, RegoValue?> change)
    {
        if (path.IsEmpty)
        {
            return null;
        }

        context.Charge(document.KeysOf().Length / 4);
        context.ChargeValues(document.KeysOf().Length + 1);
        if (path.Length == 1)
        {
            return change(document, path[0]);
        }

        var child = Find(document, [path[0]]);
        if (child is null || Edit(context, child, path[1..], change) is not { } edited)
        {
            return null;
        }

        return Replaced(document, path[0], edited);
    }

    private static RegoValue? Added(RegoValue parent, RegoValue key, RegoValue value)
    {
        switch (parent)
        {
            case RegoObject members:
                return members.With(key, value);
            case RegoArray array:
                var index = IndexOf(array, key);
                return index < 0 || index > array.Count
                    ? null
                    : RegoArray.Of([.. array.Items[..index], value, .. array.Items[index..]]);
            case RegoSet set:
                return key.Equals(value) ? set.Union(RegoSet.Of(value)) : null;
            default:
                return null;
        }
    }

    private static RegoValue? Removed(RegoValue parent, RegoValue key)
    {
        switch (parent)
        {
            case RegoObject members:
                var at = members.IndexOf(key);
                return at < 0
                    ? null
                    : RegoObject.AdoptSorted(
                        [.. members.Keys[..at], .. members.Keys[(at + 1)..]],
                        [.. members.Values[..at], .. members.Values[(at + 1)..]]);
            case RegoArray array:
                var index = IndexOf(array, key);
                return index < 0 || index >= array.Count ? null : RegoArray.Of([.. array.Items[..index], .. array.Items[(index + 1)..]]);
            case RegoSet set:
                return set.Contains(key) ? set.Except(RegoSet.Of(key)) : null;
            default:
                return null;
        }
    }

    private static RegoValue? Replaced(RegoValue parent, RegoValue key, RegoValue value)
    {
        switch (parent)
        {
            case RegoObject members:
                return members.IndexOf(key) < 0 ? null : members.With(key, value);
            case RegoArray array:
                var index = IndexOf(array, key);
                return index < 0 || index >= array.Count ? null : RegoArray.Of([.. array.Items[..index], value, .. array.Items[(index + 1)..]]);
            case RegoSet set:
                return set.Contains(key) ? set.Except(RegoSet.Of(key)).Union(RegoSet.Of(value)) : null;
            default:
                return null;
        }
    }
}
