// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Compilation;

namespace Coco.Rego.Evaluation;

/// <summary>What rules see: input, replaced data and functions, and the documents that are known for these. Every <c>with</c> makes one.</summary>
internal sealed class Environment(RegoValue? input, Patch? patches, Mock? mocks, Environment? outer)
{
    internal RegoValue? Input { get; } = input;

    internal Patch? Patches { get; } = patches;

    internal Mock? Mocks { get; } = mocks;

    /// <summary>The one in which the <c>with</c> stands.</summary>
    internal Environment? Outer { get; } = outer;

    /// <summary>Documents by group; null is not known yet.</summary>
    internal RegoValue?[]? Memo { get; set; }

    internal FunctionMemo?[]? Functions { get; set; }
}

/// <summary>The last results of a function.</summary>
internal sealed class FunctionMemo
{
    private const int Size = 8;
    private readonly (RegoValue[] Arguments, RegoValue? Result)[] _kept = new (RegoValue[], RegoValue?)[Size];
    private int _next;

    internal bool TryGet(ReadOnlySpan<RegoValue> arguments, out RegoValue? result)
    {
        foreach ((RegoValue[] kept, RegoValue? value) in _kept)
        {
            if (kept is not null && Same(kept, arguments))
            {
                result = value;
                return true;
            }
        }

        result = null;
        return false;
    }

    internal void Add(RegoValue[] arguments, RegoValue? result)
    {
        _kept[_next] = (arguments, result);
        _next = (_next + 1) % Size;
    }

    private static bool Same(RegoValue[] a, ReadOnlySpan<RegoValue> b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            // Collections are compared by reference only: comparing them by value could cost more than the call.
            if (!ReferenceEquals(a[i], b[i]) && (a[i].Kind >= RegoKind.Array || !a[i].Equals(b[i])))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A function in place of another; a list, the newest first.</summary>
internal sealed record Mock(string Name, RegoValue? Value, CallTarget? Replacement, Mock? Next)
{
    internal static Mock? Find(Mock? list, string name)
    {
        for (Mock? at = list; at is not null; at = at.Next)
        {
            if (at.Name == name)
            {
                return at;
            }
        }

        return null;
    }

    internal static Mock? Without(Mock? list, string name) =>
        list is null ? null : list.Name == name ? Without(list.Next, name) : list with { Next = Without(list.Next, name) };
}

/// <summary>Replaced data: a value here, or replacements further down.</summary>
internal sealed class Patch
{
    private Patch(RegoValue? value, Dictionary<RegoValue, Patch>? below)
    {
        Value = value;
        Below = below;
    }

    internal RegoValue? Value { get; }

    internal Dictionary<RegoValue, Patch>? Below { get; }

    /// <summary>The patches with one more, which overrides those that it overlaps.</summary>
    internal static Patch With(Patch? patch, ReadOnlySpan<RegoValue> path, RegoValue value)
    {
        if (path.IsEmpty)
        {
            return new Patch(value, null);
        }

        if (patch?.Value is { } whole)
        {
            return new Patch(Machine.Replace(whole, path, value), null);
        }

        Dictionary<RegoValue, Patch> below = patch?.Below is null ? [] : new Dictionary<RegoValue, Patch>(patch.Below);
        below[path[0]] = With(below.GetValueOrDefault(path[0]), path[1..], value);
        return new Patch(null, below);
    }

    internal Patch? Find(RegoValue key) => Below?.GetValueOrDefault(key);
}
