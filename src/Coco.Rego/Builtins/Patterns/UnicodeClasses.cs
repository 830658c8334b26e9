// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>The sets behind <c>\p{…}</c>: Unicode general categories and scripts.</summary>
internal static partial class UnicodeClasses
{
    private static readonly string[] CategoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly Lazy<FrozenDictionary<string, RuneSet>> Categories = new(BuildCategories);
    // As many as there are names, so it needs no bound of its own.
    private static readonly ConcurrentDictionary<(string Name, bool Fold, bool Negate), RuneSet> Variants = new();

    private static readonly ConcurrentDictionary<string, RuneSet> ScriptSets = new(StringComparer.Ordinal);

    /// <summary>The set of that name, or null where there is none.</summary>
    public static RuneSet? Find(string name)
    {
        if (name == "Any")
        {
            return RuneSet.Any;
        }

        if (Categories.Value.TryGetValue(name, out var set))
        {
            return set;
        }

        if (!Scripts.TryGetValue(name, out var ranges))
        {
            return null;
        }

        return ScriptSets.GetOrAdd(name, static (_, text) => Parse(text), ranges);
    }

    /// <summary>The same with what differs in case only, or the complement; null where there is none of that name.</summary>
    public static RuneSet? Find(string name, bool fold, bool negate)
    {
        if (Find(name) is not { } basis)
        {
            return null;
        }

        return fold || negate ? Variants.GetOrAdd((name, fold, negate), static (key, set) => Vary(set, key.Fold, key.Negate), basis) : basis;
    }

    private static RuneSet Vary(RuneSet set, bool fold, bool negate)
    {
        var builder = new RuneSet.Builder().Add(set);
        return (fold ? builder.Fold() : builder).Build(negate);
    }

    private static RuneSet Parse(string ranges)
    {
        var builder = new RuneSet.Builder();
        foreach (var range in ranges.Split(' '))
        {
            var dash = range.IndexOf('-', StringComparison.Ordinal);
            var low = int.Parse(dash < 0 ? range : range.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var high = dash < 0 ? low : int.Parse(range.AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            builder.Add(low, high);
        }

        return builder.Build();
    }

    private static FrozenDictionary<string, RuneSet> BuildCategories()
    {
        var builders = new Dictionary<string, RuneSet.Builder>(StringComparer.Ordinal);
        var start = 0;
        var current = CharUnicodeInfo.GetUnicodeCategory(0);
        for (var rune = 1; rune <= 0x110000; rune++)
        {
            if (rune < 0x110000 && CharUnicodeInfo.GetUnicodeCategory(rune) == current)
            {
                continue;
            }

            var name = CategoryNames[(int)current];
            if (name != "Cn")
            {
                BuilderOf(name).Add(start, rune - 1);
                BuilderOf(name[..1]).Add(start, rune - 1);
            }

            start = rune;
            current = rune < 0x110000 ? CharUnicodeInfo.GetUnicodeCategory(rune) : current;
        }

        return builders.ToFrozenDictionary(static pair => pair.Key, static pair => pair.Value.Build(), StringComparer.Ordinal);

        RuneSet.Builder BuilderOf(string name)
        {
            if (!builders.TryGetValue(name, out var builder))
            {
                builders[name] = builder = new RuneSet.Builder();
            }

            return builder;
        }
    }
}
