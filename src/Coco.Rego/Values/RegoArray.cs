// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Coco.Rego;

/// <summary>An ordered list of values.</summary>
public sealed class RegoArray : RegoValue
{
    private readonly RegoValue[] _items;

    private RegoArray(RegoValue[] items)
        : base(RegoKind.Array, DepthOf(items))
    {
        _items = items;
        Size = SizeOf(items);
    }

    /// <summary>The array without items.</summary>
    public static RegoArray Empty { get; } = new([]);

    /// <summary>Number of items.</summary>
    public int Count => _items.Length;

    internal override int Size { get; }

    /// <summary>The items.</summary>
    public ReadOnlySpan<RegoValue> Items => _items;

    /// <summary>One item.</summary>
    public RegoValue this[int index] => _items[index];

    /// <summary>An array of these items.</summary>
    public static RegoArray Of(params ReadOnlySpan<RegoValue> items) => items.IsEmpty ? Empty : new RegoArray(items.ToArray());

    /// <summary>An array of the items of a list.</summary>
    internal static RegoArray OfList(List<RegoValue> items) => Of(CollectionsMarshal.AsSpan(items));

    /// <summary>Takes the array over: the caller must not keep it.</summary>
    internal static RegoArray Adopt(RegoValue[] items) => items.Length == 0 ? Empty : new RegoArray(items);

    internal override RegoValue? Lookup(RegoValue key) =>
        key is RegoNumber n && n.TryGetInt32(out int i) && (uint)i < (uint)_items.Length ? _items[i] : null;

    private protected override bool EqualsSameKind(RegoValue other) => _items.AsSpan().SequenceEqual(((RegoArray)other)._items);

    private protected override int CompareSameKind(RegoValue other) => CompareItems(_items, ((RegoArray)other)._items);

    private protected override int ComputeHash()
    {
        var hash = default(HashCode);
        foreach (RegoValue item in _items)
        {
            hash.Add(item.GetHashCode());
        }

        return hash.ToHashCode();
    }

    internal static int CompareItems(ReadOnlySpan<RegoValue> a, ReadOnlySpan<RegoValue> b)
    {
        int length = Math.Min(a.Length, b.Length);
        for (int i = 0; i < length; i++)
        {
            int order = a[i].CompareTo(b[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return a.Length.CompareTo(b.Length);
    }
}
