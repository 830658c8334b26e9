// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Text.RegularExpressions;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

/// <summary>Holds the table of checks in the verifier's README to code and tests.</summary>
public sealed partial class IntelChecksTableTests
{
    [GeneratedRegex(@"^\| `(?<check>[a-z]+\.[a-z0-9-]+)` \| (?<source>[^|]+) \| (?<tests>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Rows { get; }

    [GeneratedRegex("\"(?<check>(?:dcap|tdx|sgx)\\.[a-z0-9-]+)\"")]
    private static partial Regex Literals { get; }

    [GeneratedRegex(@"`(?<type>\w+)\.(?<method>\w+)`")]
    private static partial Regex Tests { get; }

    [Fact]
    public void EveryRow_NamesTestsThatExist()
    {
        MatchCollection rows = Rows.Matches(ReadTable());
        Assert.NotEmpty(rows);
        foreach (Match row in rows)
        {
            MatchCollection named = Tests.Matches(row.Groups["tests"].Value);
            Assert.True(named.Count > 0, row.Groups["check"].Value + " names no test");
            foreach (Match test in named)
            {
                Type? type = typeof(IntelChecksTableTests).Assembly.GetTypes().FirstOrDefault(t => t.Name == test.Groups["type"].Value);
                MethodInfo? method = type?.GetMethod(test.Groups["method"].Value);
                Assert.True(method is not null && method.GetCustomAttributes().Any(a => a is FactAttribute), $"{test.Value} is no test");
            }
        }
    }

    [Fact]
    public void EveryCheckOfTheCode_IsInTheTable()
    {
        // Two literals are beginnings of names only.
        string[] beginnings = ["dcap.tcb-info", "dcap.qe-identity"];
        string folder = FindFolder();
        string[] inCode =
        [
            .. Directory.EnumerateFiles(folder, "*.cs").SelectMany(f => Literals.Matches(File.ReadAllText(f)).Select(m => m.Groups["check"].Value))
                .Distinct(StringComparer.Ordinal).Except(beginnings).Order(StringComparer.Ordinal),
        ];
        string[] inTable = [.. Rows.Matches(ReadTable()).Select(r => r.Groups["check"].Value).Order(StringComparer.Ordinal)];

        Assert.Equal(inCode, inTable);
    }

    private static string ReadTable() => File.ReadAllText(Path.Combine(FindFolder(), "README.md"));

    private static string FindFolder()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Coco.slnx")))
            {
                return Path.Combine(at.FullName, "src", "Coco.Verifiers", "Intel");
            }
        }

        throw new InvalidOperationException("the repository is not above the tests");
    }
}
