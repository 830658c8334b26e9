// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Coco.Rego;

/// <summary>A map whose keys may be any value. Members are kept in the order of their keys.</summary>
public sealed class RegoObject : RegoValue
{
    private readonly RegoValue[] _keys;
    private readonly RegoValue[] _values;
    private int[]? _index;

    private RegoObject(RegoValue[] keys, RegoValue[] values)
        : base(RegoKind.Object, Math.Max(DepthOf(keys), DepthOf(values)))
    {
        _keys = keys;
        _values = values;
        Size = SizeOf(keys) + SizeOf(values) - 1;
    }

    /// <summary>The object without members.</summary>
    public static RegoObject Empty { get; } = new([], []);

    /// <summary>Number of members.</summary>
    public int Count => _keys.Length;

    internal override int Size { get; }

    /// <summary>The keys in order.</summary>
    public ReadOnlySpan<RegoValue> Keys => _keys;

    /// <summary>The values, in the order of their keys.</summary>
    public ReadOnlySpan<RegoValue> Values => _values;

    /// <summary>An object of these members; of equal keys the last one wins.</summary>
    public static RegoObject Of(params ReadOnlySpan<(RegoValue Key, RegoValue Value)> members)
    {
        var keys = new RegoValue[members.Length];
        var values = new RegoValue[members.Length];
        for (int i = 0; i < members.Length; i++)
        {
            (keys[i], values[i]) = members[i];
        }

        return Adopt(keys, values);
    }

    /// <summary>Takes both arrays over and sorts them; of equal keys the last one wins. The caller must not keep them.</summary>
    internal static RegoObject Adopt(RegoValue[] keys, RegoValue[] values)
    {
        if (keys.Length == 0)
        {
            return Empty;
        }

        for (int i = 1; i < keys.Length; i++)
        {
            if (keys[i - 1].CompareTo(keys[i]) >= 0)
            {
                return Sorted(keys, values);
            }
        }

        return new RegoObject(keys, values);
    }

    /// <summary>Takes arrays over that are already sorted and without duplicates.</summary>
    internal static RegoObject AdoptSorted(RegoValue[] keys, RegoValue[] values) => keys.Length == 0 ? Empty : new RegoObject(keys, values);

    /// <summary>The value of a key.</summary>
    public bool TryGetValue(RegoValue key, [NotNullWhen(true)] out RegoValue? value)
    {
        int at = IndexOf(key);
        value = at < 0 ? null : _values[at];
        return at >= 0;
    }

    /// <summary>The value of a key that is a string; null when there is none.</summary>
    public RegoValue? Get(string key) => TryGetValue(RegoString.Of(key), out RegoValue? value) ? value : null;

    /// <summary>Position of a key in <see cref="Keys"/>; -1 when there is none.</summary>
    internal int IndexOf(RegoValue key) => HashIndex.Find(_keys, ref _index, key);

    /// <summary>The same object with one member added or replaced.</summary>
    public RegoObject With(RegoValue key, RegoValue value)
    {
        int at = IndexOf(key);
        if (at >= 0)
        {
            var replaced = (RegoValue[])_values.Clone();
            replaced[at] = value;
            return new RegoObject(_keys, replaced);
        }

        int place = ~Array.BinarySearch(_keys, key);
        var keys = new RegoValue[_keys.Length + 1];
        var values = new RegoValue[keys.Length];
        Array.Copy(_keys, keys, place);
        Array.Copy(_values, values, place);
        keys[place] = key;
        values[place] = value;
        Array.Copy(_keys, place, keys, place + 1, _keys.Length - place);
        Array.Copy(_values, place, values, place + 1, _keys.Length - place);
        return new RegoObject(keys, values);
    }

    internal override RegoValue? Lookup(RegoValue key)
    {
        int at = HashIndex.Find(_keys, ref _index, key);
        return at < 0 ? null : _values[at];
    }

    private static RegoObject Sorted(RegoValue[] keys, RegoValue[] values)
    {
        var order = new int[keys.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort(order, (a, b) =>
        {
            int c = keys[a].CompareTo(keys[b]);
            return c != 0 ? c : a.CompareTo(b);
        });
        var sortedKeys = new RegoValue[keys.Length];
        var sortedValues = new RegoValue[keys.Length];
        int count = 0;
        foreach (int from in order)
        {
            if (count > 0 && sortedKeys[count - 1].Equals(keys[from]))
            {
                count--;
            }

            sortedKeys[count] = keys[from];
            sortedValues[count++] = values[from];
        }

        if (count < keys.Length)
        {
            Array.Resize(ref sortedKeys, count);
            Array.Resize(ref sortedValues, count);
        }

        return new RegoObject(sortedKeys, sortedValues);
    }

    private protected override bool EqualsSameKind(RegoValue other)
    {
        var o = (RegoObject)other;
        return _keys.AsSpan().SequenceEqual(o._keys) && _values.AsSpan().SequenceEqual(o._values);
    }

    private protected override int CompareSameKind(RegoValue other)
    {
        var o = (RegoObject)other;
        int length = Math.Min(_keys.Length, o._keys.Length);
        for (int i = 0; i < length; i++)
        {
            int order = _keys[i].CompareTo(o._keys[i]);
            if (order == 0)
            {
                order = _values[i].CompareTo(o._values[i]);
            }

            if (order != 0)
            {
                return order;
            }
        }

        return _keys.Length.CompareTo(o._keys.Length);
    }

    private protected override int ComputeHash()
    {
        var hash = default(HashCode);
        for (int i = 0; i < _keys.Length; i++)
        {
            hash.Add(_keys[i].GetHashCode());
            hash.Add(_values[i].GetHashCode());
        }

        return hash.ToHashCode() ^ 0x6f62;
    }
}
