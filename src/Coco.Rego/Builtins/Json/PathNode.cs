// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Json;

/// <summary>Paths into a document, as a tree. A node without children stands for everything below it.</summary>
internal sealed class PathNode
{
    private Dictionary<RegoValue, PathNode>? _children;

    /// <summary>True where a path ends here.</summary>
    public bool IsEnd { get; private set; }

    public void Add(ReadOnlySpan<RegoValue> steps)
    {
        var node = this;
        foreach (var step in steps)
        {
            node._children ??= [];
            if (!node._children.TryGetValue(step, out var child))
            {
                node._children[step] = child = new PathNode();
            }

            node = child;
        }

        if (steps.Length > 0)
        {
            node.IsEnd = true;
        }
    }

    /// <summary>The node below a key.</summary>
    public PathNode? Find(RegoValue key) => _children?.GetValueOrDefault(key);

    /// <summary>The node below an array index, which may be written as text.</summary>
    public PathNode? FindIndex(int index) => _children is null
        ? null
        : Find(RegoString.Of(index.ToString(System.Globalization.CultureInfo.InvariantCulture))) ?? Find(RegoNumber.Of(index));
}
