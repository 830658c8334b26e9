// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Coco.Rego;

/// <summary>A collection without duplicates. Members are kept in order.</summary>
public sealed class RegoSet : RegoValue
{
    private readonly RegoValue[] _items;
    private int[]? _index;

    private RegoSet(RegoValue[] items)
        : base(RegoKind.Set, DepthOf(items))
    {
        _items = items;
        Size = SizeOf(items);
    }

    /// <summary>The set without members.</summary>
    public static RegoSet Empty { get; } = new([]);

    /// <summary>Number of members.</summary>
    public int Count => _items.Length;

    internal override int Size { get; }

    /// <summary>The members in order.</summary>
    public ReadOnlySpan<RegoValue> Items => _items;

    /// <summary>A set of these members.</summary>
    public static RegoSet Of(params ReadOnlySpan<RegoValue> items) => items.IsEmpty ? Empty : Adopt(items.ToArray());

    /// <summary>A set of the members of a list.</summary>
    internal static RegoSet OfList(List<RegoValue> items) => Of(CollectionsMarshal.AsSpan(items));

    /// <summary>Takes the array over, sorts it and drops duplicates. The caller must not keep it.</summary>
    internal static RegoSet Adopt(RegoValue[] items)
    {
        if (items.Length == 0)
        {
            return Empty;
        }

        bool sorted = true;
        for (int i = 1; i < items.Length && sorted; i++)
        {
            sorted = items[i - 1].CompareTo(items[i]) < 0;
        }

        if (sorted)
        {
            return new RegoSet(items);
        }

        Array.Sort(items);
        int count = 1;
        for (int i = 1; i < items.Length; i++)
        {
            if (!items[i].Equals(items[count - 1]))
            {
                items[count++] = items[i];
            }
        }

        Array.Resize(ref items, count);
        return new RegoSet(items);
    }

    /// <summary>Takes an array over that is already sorted and without duplicates.</summary>
    internal static RegoSet AdoptSorted(RegoValue[] items) => items.Length == 0 ? Empty : new RegoSet(items);

    /// <summary>Whether the value is a member.</summary>
    public bool Contains(RegoValue value) => HashIndex.Find(_items, ref _index, value) >= 0;

    /// <summary>Members of either.</summary>
    public RegoSet Union(RegoSet other)
    {
        if (Count == 0 || other.Count == 0)
        {
            return Count == 0 ? other : this;
        }

        var merged = new List<RegoValue>(_items.Length + other._items.Length);
        int a = 0, b = 0;
        while (a < _items.Length || b < other._items.Length)
        {
            int order = a == _items.Length ? 1 : b == other._items.Length ? -1 : _items[a].CompareTo(other._items[b]);
            merged.Add(order <= 0 ? _items[a] : other._items[b]);
            a += order <= 0 ? 1 : 0;
            b += order >= 0 ? 1 : 0;
        }

        return AdoptSorted([.. merged]);
    }

    /// <summary>Members of both.</summary>
    public RegoSet Intersect(RegoSet other) => Where(other, true);

    /// <summary>Members that the other set does not have.</summary>
    public RegoSet Except(RegoSet other) => Where(other, false);

    internal override RegoValue? Lookup(RegoValue key)
    {
        int at = HashIndex.Find(_items, ref _index, key);
        return at < 0 ? null : _items[at];
    }

    private RegoSet Where(RegoSet other, bool member)
    {
        var kept = new List<RegoValue>();
        foreach (RegoValue item in _items)
        {
            if (other.Contains(item) == member)
            {
                kept.Add(item);
            }
        }

        return kept.Count == _items.Length ? this : AdoptSorted([.. kept]);
    }

    private protected override bool EqualsSameKind(RegoValue other) => _items.AsSpan().SequenceEqual(((RegoSet)other)._items);

    private protected override int CompareSameKind(RegoValue other) => RegoArray.CompareItems(_items, ((RegoSet)other)._items);

    private protected override int ComputeHash()
    {
        var hash = default(HashCode);
        foreach (RegoValue item in _items)
        {
            hash.Add(item.GetHashCode());
        }

        return hash.ToHashCode() ^ 0x7365;
    }
}
