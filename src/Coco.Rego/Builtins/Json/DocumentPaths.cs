// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Json;

/// <summary>Keeps or removes parts of a document.</summary>
internal static class DocumentPaths
{
    /// <summary>The steps of <c>a/b/0</c> (with <c>~0</c> and <c>~1</c>) or of an array; null for anything else.</summary>
    public static RegoValue[]? Parse(RegoValue path) => path switch
    {
        RegoString text => Split(text.Value),
        RegoArray steps => steps.Items.ToArray(),
        _ => null,
    };

    private static RegoValue[] Split(string text)
    {
        if (text.Length == 0)
        {
            return [];
        }

        var parts = text.TrimStart('/').Split('/');
        return Array.ConvertAll(parts, static part => (RegoValue)RegoString.Of(
            part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)));
    }

    /// <summary>What the paths name; array items close up.</summary>
    public static RegoValue Filter(BuiltinContext context, RegoValue value, PathNode paths) => Select(context, value, paths, keep: true);

    /// <summary>What the paths do not name; array items close up.</summary>
    public static RegoValue Remove(BuiltinContext context, RegoValue value, PathNode paths) => Select(context, value, paths, keep: false);

    private static RegoValue Select(BuiltinContext context, RegoValue value, PathNode paths, bool keep)
    {
        context.Charge(value.KeysOf().Length + 1);
        context.ChargeValues(value.KeysOf().Length);
        switch (value)
        {
            case RegoObject members:
                {
                    var keys = new List<RegoValue>();
                    var values = new List<RegoValue>();
                    for (var i = 0; i < members.Count; i++)
                    {
                        if (SelectMember(context, members.Values[i], paths.Find(members.Keys[i]), keep) is { } kept)
                        {
                            keys.Add(members.Keys[i]);
                            values.Add(kept);
                        }
                    }

                    return RegoObject.AdoptSorted([.. keys], [.. values]);
                }

            case RegoArray or RegoSet:
                {
                    var kept = new List<RegoValue>();
                    var items = value.ItemsOf();
                    for (var i = 0; i < items.Length; i++)
                    {
                        var node = value is RegoArray ? paths.FindIndex(i) : paths.Find(items[i]);
                        if (SelectMember(context, items[i], node, keep) is { } item)
                        {
                            kept.Add(item);
                        }
                    }

                    return value is RegoArray ? RegoArray.OfList(kept) : RegoSet.OfList(kept);
                }

            default:
                return value;
        }
    }

    private static RegoValue? SelectMember(BuiltinContext context, RegoValue value, PathNode? node, bool keep)
    {
        if (node is null)
        {
            return keep ? null : value;
        }

        if (node.IsEnd)
        {
            return keep ? value : null;
        }

        return Select(context, value, node, keep);
    }
}
