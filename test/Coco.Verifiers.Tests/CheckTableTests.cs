// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Text.RegularExpressions;

namespace Coco.Verifiers.Tests;

/// <summary>Each verifier's README has a table of its checks; the tests that it names must exist, and no check may be missing from it.</summary>
public sealed partial class CheckTableTests
{
    public static TheoryData<string> Tables() => [.. Readmes().Where(p => ChecksOf(p).Count > 0)];

    [Theory]
    [MemberData(nameof(Tables))]
    public void Table_EachCheck_NamesTestsThatExist(string readme)
    {
        HashSet<string> tests = TestNames();

        foreach ((string check, string[] named) in ChecksOf(readme))
        {
            Assert.True(named.Length > 0, $"{check} names no test");
            Assert.All(named, t => Assert.True(tests.Contains(t), $"{check}: there is no test {t}"));
        }
    }

    [Theory]
    [InlineData("Snp", "Coco.Verifiers.Snp.SnpCheck")]
    public void Table_EachNameInCode_IsListed(string folder, string type)
    {
        string readme = Path.Combine(Root(), "src", "Coco.Verifiers", folder, "README.md");
        Dictionary<string, string[]> listed = ChecksOf(readme);
        Type names = typeof(IVerifier).Assembly.GetType(type, throwOnError: true)!;

        string[] inCode = [.. names.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!)];

        Assert.NotEmpty(inCode);
        Assert.All(inCode, c => Assert.True(listed.ContainsKey(c), $"{c} is not in {readme}"));
        Assert.All(listed.Keys, c => Assert.Contains(c, inCode));
    }

    private static string Root()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Coco.slnx")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("not inside the repository");
    }

    private static IEnumerable<string> Readmes() =>
        Directory.EnumerateFiles(Path.Combine(Root(), "src", "Coco.Verifiers"), "README.md", SearchOption.AllDirectories);

    /// <summary>Rows of the form <c>| `check` | source | `Class.Test`, `Class.Test` |</c>.</summary>
    private static Dictionary<string, string[]> ChecksOf(string readme)
    {
        var found = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(readme))
        {
            string[] cells = line.Split('|');
            if (cells.Length == 5 && CheckName().Match(cells[1].Trim()) is { Success: true } check)
            {
                found.Add(check.Groups[1].Value, [.. TestName().Matches(cells[3]).Select(m => m.Groups[1].Value)]);
            }
        }

        return found;
    }

    private static HashSet<string> TestNames() =>
    [
        .. typeof(CheckTableTests).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance).Where(m => m.GetCustomAttributes<FactAttribute>(inherit: true).Any()).Select(m => t.Name + "." + m.Name)),
    ];

    [GeneratedRegex("^`([a-z0-9.-]+)`$")]
    private static partial Regex CheckName();

    [GeneratedRegex("`([A-Za-z0-9_]+\\.[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();
}
