// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Graphs, given as an object from node to neighbours; and walks over documents.</summary>
internal static class GraphBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("graph.reachable", [Obj, Arr | Set], static (c, a) => Reachable(c, (RegoObject)a[0], a[1])),
        new("graph.reachable_paths", [Obj, Arr | Set], static (c, a) => ReachablePaths(c, (RegoObject)a[0], a[1])),
        new("walk", [Any], static (c, a) => Walk(c, a[0])) { IsRelation = true },
    ];

    private static RegoSet Reachable(BuiltinContext context, RegoObject graph, RegoValue initial)
    {
        var queue = new Queue<RegoValue>(initial.ItemsOf().ToArray());
        var reached = new HashSet<RegoValue>();
        while (queue.TryDequeue(out var node))
        {
            context.Charge(1);
            if (graph.Lookup(node) is not { } edges || !reached.Add(node))
            {
                continue;
            }

            context.ChargeValues(1);
            foreach (var neighbour in edges.ItemsOf())
            {
                context.Charge(1);
                if (!reached.Contains(neighbour))
                {
                    queue.Enqueue(neighbour);
                }
            }
        }

        return RegoSet.Of([.. reached]);
    }

    private static RegoSet ReachablePaths(BuiltinContext context, RegoObject graph, RegoValue initial)
    {
        var result = new List<RegoValue>();
        foreach (var root in initial.ItemsOf())
        {
            if (graph.Lookup(root) is not { } edges)
            {
                continue;
            }

            if (edges.ItemsOf().Length == 0)
            {
                AddPath(context, result, [root]);
            }

            foreach (var neighbour in edges.ItemsOf())
            {
                if (neighbour.Equals(root))
                {
                    AddPath(context, result, [root]);
                }
                else
                {
                    Paths(context, graph, root, neighbour, result);
                }
            }
        }

        return RegoSet.OfList(result);
    }

    private static void AddPath(BuiltinContext context, List<RegoValue> result, List<RegoValue> path)
    {
        context.Charge(path.Count);
        context.ChargeValues(path.Count);
        result.Add(RegoArray.OfList(path));
    }

    // A path ends at a node without edges, before one that is no node, and before one that was passed below this neighbour.
    private static void Paths(BuiltinContext context, RegoObject graph, RegoValue root, RegoValue first, List<RegoValue> result)
    {
        var path = new List<RegoValue> { root };
        var reached = new HashSet<RegoValue> { root };
        var frames = new Stack<(RegoValue Node, RegoValue Edges, int Next)>();
        Enter(first);
        while (frames.TryPop(out var frame))
        {
            context.Charge(1);
            var edges = frame.Edges.ItemsOf();
            if (frame.Next == edges.Length)
            {
                path.RemoveAt(path.Count - 1);
                continue;
            }

            frames.Push(frame with { Next = frame.Next + 1 });
            var neighbour = edges[frame.Next];
            if (reached.Contains(neighbour))
            {
                AddPath(context, result, path);
            }
            else
            {
                reached.Add(frame.Node);
                Enter(neighbour);
            }
        }

        void Enter(RegoValue node)
        {
            if (graph.Lookup(node) is not { } edges)
            {
                AddPath(context, result, path);
                return;
            }

            path.Add(node);
            if (edges.ItemsOf().Length > 0)
            {
                frames.Push((node, edges, 0));
                return;
            }

            AddPath(context, result, path);
            path.RemoveAt(path.Count - 1);
        }
    }

    private static RegoArray Walk(BuiltinContext context, RegoValue document)
    {
        var result = new List<RegoValue>();
        var path = new List<RegoValue>();
        Visit(document);
        return RegoArray.OfList(result);

        void Visit(RegoValue value)
        {
            context.Charge(1 + (path.Count / 8));
            context.ChargeValues(2 + path.Count);
            result.Add(RegoArray.Of(RegoArray.OfList(path), value));
            var items = value is RegoObject members ? members.Values : value.ItemsOf();
            for (var i = 0; i < items.Length; i++)
            {
                path.Add(value switch
                {
                    RegoArray => RegoNumber.Of(i),
                    RegoSet => items[i],
                    _ => ((RegoObject)value).Keys[i],
                });
                Visit(items[i]);
                path.RemoveAt(path.Count - 1);
            }
        }
    }
}
