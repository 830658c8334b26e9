// SPDX-License-Identifier: Apache-2.0
using System.Numerics;

namespace Coco.Rego;

/// <summary>Open-addressed index from values to their position in an array that does not change any more.</summary>
internal static class HashIndex
{
    /// <summary>Up to this many members a linear search is used instead.</summary>
    internal const int LinearLimit = 6;

    /// <summary>Positions plus one; zero is a free place.</summary>
    internal static int[] Build(RegoValue[] keys)
    {
        var index = new int[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, keys.Length * 2))];
        int mask = index.Length - 1;
        for (int i = 0; i < keys.Length; i++)
        {
            int at = Spread(keys[i].GetHashCode()) & mask;
            while (index[at] != 0)
            {
                at = (at + 1) & mask;
            }

            index[at] = i + 1;
        }

        return index;
    }

    internal static int Find(RegoValue[] keys, ref int[]? index, RegoValue key)
    {
        if (keys.Length <= LinearLimit)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                if (keys[i].Equals(key))
                {
                    return i;
                }
            }

            return -1;
        }

        // Losing a race builds it twice, both the same.
        int[] table = index ??= Build(keys);
        int mask = table.Length - 1;
        int hash = key.GetHashCode();
        for (int at = Spread(hash) & mask; table[at] != 0; at = (at + 1) & mask)
        {
            RegoValue candidate = keys[table[at] - 1];
            if (candidate.GetHashCode() == hash && candidate.Equals(key))
            {
                return table[at] - 1;
            }
        }

        return -1;
    }

    private static int Spread(int hash) => hash ^ (hash >>> 15);
}
