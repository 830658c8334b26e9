// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>An immutable set of Unicode code points: sorted, disjoint, non-adjacent inclusive ranges.</summary>
internal sealed class RuneSet
{
    private readonly int[] _bounds;
    private readonly UInt128 _ascii;

    private RuneSet(int[] bounds)
    {
        _bounds = bounds;
        for (var i = 0; i < bounds.Length; i += 2)
        {
            for (var c = bounds[i]; c <= bounds[i + 1] && c < 128; c++)
            {
                _ascii |= UInt128.One << c;
            }
        }
    }

    public static RuneSet Any { get; } = new([0, 0x10FFFF]);

    public static RuneSet AnyButNewline { get; } = new([0, '\n' - 1, '\n' + 1, 0x10FFFF]);

    public bool IsEmpty => _bounds.Length == 0;

    /// <summary>The only member, or -1.</summary>
    public int Single => _bounds.Length == 2 && _bounds[0] == _bounds[1] ? _bounds[0] : -1;

    public ReadOnlySpan<int> Bounds => _bounds;

    public static RuneSet Of(int rune) => new([rune, rune]);

    public bool Contains(int rune)
    {
        if ((uint)rune < 128)
        {
            return ((_ascii >> rune) & UInt128.One) != UInt128.Zero;
        }

        int low = 0, high = (_bounds.Length / 2) - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (rune < _bounds[2 * middle])
            {
                high = middle - 1;
            }
            else if (rune > _bounds[(2 * middle) + 1])
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Collects ranges in any order.</summary>
    public sealed class Builder
    {
        // More than any sensible class has: \pL has some 600 ranges.
        private const int MaxRanges = 100_000;

        private readonly List<(int Low, int High)> _ranges = [];

        public Builder Add(int low, int high)
        {
            if (_ranges.Count >= MaxRanges)
            {
                throw new Re2Exception("expression too large");
            }

            _ranges.Add((low, high));
            return this;
        }

        public Builder Add(RuneSet set)
        {
            for (var i = 0; i < set._bounds.Length; i += 2)
            {
                Add(set._bounds[i], set._bounds[i + 1]);
            }

            return this;
        }

        /// <summary>Adds what differs from the members in case only.</summary>
        public Builder Fold()
        {
            foreach (var (low, high) in _ranges.ToArray())
            {
                CaseFolding.AddOrbits(low, high, this);
            }

            return this;
        }

        public RuneSet Build(bool negate = false)
        {
            _ranges.Sort();
            var bounds = new List<int>(_ranges.Count * 2);
            foreach (var (low, high) in _ranges)
            {
                if (bounds.Count > 0 && low <= bounds[^1] + 1)
                {
                    bounds[^1] = Math.Max(bounds[^1], high);
                }
                else
                {
                    bounds.Add(low);
                    bounds.Add(high);
                }
            }

            return new RuneSet(negate ? Complement(bounds) : [.. bounds]);
        }

        private static int[] Complement(List<int> bounds)
        {
            var result = new List<int>(bounds.Count + 2);
            var next = 0;
            for (var i = 0; i < bounds.Count; i += 2)
            {
                if (bounds[i] > next)
                {
                    result.Add(next);
                    result.Add(bounds[i] - 1);
                }

                next = bounds[i + 1] + 1;
            }

            if (next <= 0x10FFFF)
            {
                result.Add(next);
                result.Add(0x10FFFF);
            }

            return [.. result];
        }
    }
}
