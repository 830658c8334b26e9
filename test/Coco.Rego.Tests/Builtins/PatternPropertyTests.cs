// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using Coco.Rego.Builtins.Patterns;
using CsCheck;

namespace Coco.Rego.Tests.Builtins;

/// <summary>The machine without backtracking and the platform's backtracker agree on what both know.</summary>
public sealed class PatternPropertyTests
{
    private static readonly Gen<string> Atom = OneOf("a", "b", "c", ".", "[ab]", "[^a]", "ab", @"\bc", "^a", "b$");

    private static readonly Gen<string> Pattern = Level(4);

    [Fact]
    public void Find_RandomPatterns_AgreesWithBacktracker()
    {
        Gen.Select(Pattern, Gen.Char["abc"].Array[0, 12].Select(static c => new string(c))).Sample(static (pattern, text) =>
        {
            Assert.True(Re2Regex.TryCompile(pattern, out var regex, out var error), error);
            long budget = 10_000_000;
            var found = regex.FindAll(text, 1, ref budget);
            var expected = new Regex(pattern.Replace("$", @"\z", StringComparison.Ordinal), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10)).Match(text);
            Assert.Equal(expected.Success, found.Count == 1);
            Assert.Equal(expected.Success, regex.IsMatch(text, ref budget));
            if (expected.Success)
            {
                Assert.Equal((expected.Index, expected.Index + expected.Length), (found[0][0], found[0][1]));
                for (var group = 1; group < regex.GroupCount; group++)
                {
                    Assert.Equal(expected.Groups[group].Success ? expected.Groups[group].Index : -1, found[0][2 * group]);
                }
            }
        });
    }

    private static Gen<string> OneOf(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);

    // What is repeated cannot be empty: there the engines differ in what an empty pass does to groups.
    private static Gen<string> Level(int depth)
    {
        if (depth == 0)
        {
            return Atom;
        }

        var inner = Level(depth - 1);
        return Gen.OneOf(
            Atom,
            Gen.Select(inner, inner, static (a, b) => a + b),
            Gen.Select(inner, inner, static (a, b) => "(?:" + a + "|" + b + ")"),
            inner.Select(static a => "(" + a + ")"),
            Gen.Select(Atom, OneOf("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"), static (a, q) => "(?:" + a + ")" + q));
    }
}
