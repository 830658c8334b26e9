// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>Code points that differ in case only (Unicode simple case folding), as sets that are closed under folding.</summary>
internal static class CaseFolding
{
    // The platform leaves this one out, as a letter outside ASCII that maps into it.
    private const int LongS = 0x17F;

    private static readonly Lazy<SortedList<int, int[]>> Orbits = new(BuildOrbits);

    /// <summary>Adds to <paramref name="builder"/> every code point that folds to the same as one in the range.</summary>
    public static void AddOrbits(int low, int high, RuneSet.Builder builder)
    {
        var orbits = Orbits.Value;
        var keys = orbits.Keys;
        for (var i = FirstAtLeast(keys, low); i < keys.Count && keys[i] <= high; i++)
        {
            foreach (var rune in orbits.Values[i])
            {
                builder.Add(rune, rune);
            }
        }
    }

    private static int FirstAtLeast(IList<int> keys, int value)
    {
        int low = 0, high = keys.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (keys[middle] < value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static SortedList<int, int[]> BuildOrbits()
    {
        var byUpper = new Dictionary<int, SortedSet<int>>();
        foreach (var rune in AllRunes())
        {
            var upper = rune.Value == LongS ? new Rune('S') : Rune.ToUpperInvariant(rune);
            var lower = rune.Value == LongS ? new Rune('s') : Rune.ToLowerInvariant(rune);
            if (upper == rune && lower == rune)
            {
                continue;
            }

            var root = Rune.ToUpperInvariant(lower).Value;
            if (!byUpper.TryGetValue(root, out var members))
            {
                byUpper[root] = members = [root];
            }

            members.Add(rune.Value);
            members.Add(lower.Value);
            members.Add(upper.Value);
        }

        var orbits = new SortedList<int, int[]>();
        foreach (var members in byUpper.Values)
        {
            foreach (var rune in members)
            {
                orbits[rune] = [.. members];
            }
        }

        return orbits;
    }

    // Casing exists only in these planes.
    private static IEnumerable<Rune> AllRunes()
    {
        for (var value = 0; value < 0x1F000; value++)
        {
            if (Rune.IsValid(value))
            {
                yield return new Rune(value);
            }
        }
    }
}
