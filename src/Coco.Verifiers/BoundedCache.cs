// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Coco.Verifiers;

/// <summary>A map of at most so many entries; the least recently used one gives way. Thread-safe; every operation takes constant time.</summary>
internal sealed class BoundedCache<TKey, TValue>
    where TKey : notnull
{
    private readonly int _capacity;
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _byKey;
    private readonly LinkedList<(TKey Key, TValue Value)> _recent = new();

    internal BoundedCache(int capacity, IEqualityComparer<TKey>? comparer = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
        _byKey = new(comparer);
    }

    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _byKey.Count;
            }
        }
    }

    /// <summary>The values, in no order that means anything.</summary>
    internal TValue[] Values
    {
        get
        {
            lock (_lock)
            {
                return [.. _recent.Select(static entry => entry.Value)];
            }
        }
    }

    internal bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? node))
            {
                if (!ReferenceEquals(_recent.First, node))
                {
                    _recent.Remove(node);
                    _recent.AddFirst(node);
                }

                value = node.Value.Value;
                return true;
            }
        }

        value = default;
        return false;
    }

    internal void Put(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (_byKey.Remove(key, out LinkedListNode<(TKey Key, TValue Value)>? old))
            {
                _recent.Remove(old);
            }
            else if (_byKey.Count >= _capacity)
            {
                _byKey.Remove(_recent.Last!.Value.Key);
                _recent.RemoveLast();
            }

            _byKey.Add(key, _recent.AddFirst((key, value)));
        }
    }

    internal void Remove(TKey key)
    {
        lock (_lock)
        {
            if (_byKey.Remove(key, out LinkedListNode<(TKey Key, TValue Value)>? old))
            {
                _recent.Remove(old);
            }
        }
    }
}
