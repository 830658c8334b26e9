// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Evaluation;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>What the rules of one path make.</summary>
internal enum RuleKind
{
    /// <summary>One value.</summary>
    Complete,

    /// <summary>A set.</summary>
    Set,

    /// <summary>An object whose keys are computed.</summary>
    Object,

    /// <summary>A function.</summary>
    Function,
}

/// <summary>A rule of the source at its place in the tree.</summary>
/// <param name="Module">Where it was written.</param>
/// <param name="Rule">The rule.</param>
/// <param name="Suffix">The steps of its head below the path of its group: only for <see cref="RuleKind.Object"/>.</param>
internal sealed record RuleSource(Module Module, Rule Rule, IReadOnlyList<Term> Suffix);

/// <summary>All rules of one path, which make one document or function together.</summary>
internal sealed class RuleGroup(RegoValue[] path, RuleKind kind, int index)
{
    private Dictionary<RegoValue, RuleGroup>? _restricted;

    internal RegoValue[] Path { get; } = path;

    internal RuleKind Kind { get; } = kind;

    /// <summary>Place in the memo of an evaluation.</summary>
    internal int Index { get; set; } = index;

    internal List<RuleSource> Sources { get; } = [];

    internal List<RuleSource> Defaults { get; } = [];

    /// <summary>Number of parameters of a function.</summary>
    internal int Arity { get; set; }

    /// <summary>The dotted name, beginning with data.</summary>
    internal string Name { get; } = NameOf(path);

    /// <summary>The compiled rules.</summary>
    internal Clause[] Clauses { get; set; } = [];

    /// <summary>The compiled default; null when there is none.</summary>
    internal Clause? Default { get; set; }

    /// <summary>The compiled defaults below a computed object.</summary>
    internal Clause[] ObjectDefaults { get; set; } = [];

    /// <summary>Finds the clauses that can hold; null when all must be tried.</summary>
    internal ClauseIndex? ClauseIndex { get; set; }

    /// <summary>Groups that an evaluation may ask for.</summary>
    internal HashSet<RuleGroup> Dependencies { get; } = [];

    /// <summary>Made from another one by <see cref="Restrict"/>.</summary>
    internal RuleGroup? Whole { get; private init; }

    /// <summary>The key that restricts it.</summary>
    internal RegoValue? OnlyKey { get; private init; }

    internal RuleGroup? FindRestriction(RegoValue key) => _restricted?.GetValueOrDefault(key);

    internal static string NameOf(ReadOnlySpan<RegoValue> path)
    {
        var text = new System.Text.StringBuilder("data");
        foreach (RegoValue part in path)
        {
            if (part is RegoString { Value: var name } && IsName(name))
            {
                text.Append('.').Append(name);
            }
            else
            {
                text.Append('[').Append(part).Append(']');
            }
        }

        return text.ToString();
    }

    /// <summary>The part of a computed object that can have a key: leaves out rules whose first step is another constant.</summary>
    internal RuleGroup Restrict(RegoValue key, Func<int> nextIndex, Func<Term, RegoValue?> constant)
    {
        if (Kind != RuleKind.Object || !Sources.Concat(Defaults).Any(s => constant(s.Suffix[0]) is { } c && !c.Equals(key)))
        {
            return this;
        }

        _restricted ??= [];
        if (!_restricted.TryGetValue(key, out RuleGroup? part))
        {
            part = new RuleGroup(Path, Kind, nextIndex()) { Whole = this, OnlyKey = key };
            part.Sources.AddRange(Sources.Where(s => constant(s.Suffix[0]) is not { } c || c.Equals(key)));
            part.Defaults.AddRange(Defaults.Where(s => constant(s.Suffix[0]) is not { } c || c.Equals(key)));
            _restricted.Add(key, part);
        }

        return part;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && (char.IsAsciiLetter(name[0]) || name[0] == '_') && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');
}

/// <summary>A node of the tree of virtual documents.</summary>
internal sealed class TreeNode(TreeNode? parent, RegoValue? key)
{
    private RegoValue[]? _path;
    private KeyValuePair<RegoValue, TreeNode>[]? _sorted;

    internal TreeNode? Parent { get; } = parent;

    internal RegoValue? Key { get; } = key;

    internal Dictionary<RegoValue, TreeNode> Children { get; } = [];

    internal RuleGroup? Group { get; set; }

    /// <summary>Some module declares this package.</summary>
    internal bool IsPackage { get; set; }

    /// <summary>The children in the order of their keys; valid once the tree is complete.</summary>
    internal KeyValuePair<RegoValue, TreeNode>[] SortedChildren => _sorted ??= [.. Children.OrderBy(static c => c.Key)];

    internal RegoValue[] Path
    {
        get
        {
            if (_path is null)
            {
                var path = new List<RegoValue>();
                for (TreeNode at = this; at.Parent is not null; at = at.Parent)
                {
                    path.Add(at.Key!);
                }

                path.Reverse();
                _path = [.. path];
            }

            return _path;
        }
    }

    internal TreeNode Child(RegoValue key)
    {
        if (!Children.TryGetValue(key, out TreeNode? child))
        {
            child = new TreeNode(this, key);
            Children.Add(key, child);
        }

        return child;
    }

    internal TreeNode? Find(RegoValue key) => Children.GetValueOrDefault(key);

    /// <summary>All groups here and below.</summary>
    internal IEnumerable<RuleGroup> Groups()
    {
        var open = new Stack<TreeNode>();
        open.Push(this);
        while (open.TryPop(out TreeNode? node))
        {
            if (node.Group is not null)
            {
                yield return node.Group;
            }

            foreach (TreeNode child in node.Children.Values)
            {
                open.Push(child);
            }
        }
    }
}
