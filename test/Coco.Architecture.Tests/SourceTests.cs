// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace Coco.Architecture.Tests;

/// <summary>Rules that every source file keeps.</summary>
public sealed class SourceTests
{
    [Fact]
    public void Files_BeginWithTheLicenceLine()
    {
        string[] without = [.. Repository.SourceFiles("src", "test", "bench", "fuzz")
            .Where(f => !(File.ReadLines(f).FirstOrDefault() ?? string.Empty).StartsWith("// SPDX-License-Identifier: Apache-2.0", StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(Repository.Root, f))];

        Assert.True(without.Length == 0, "no licence line: " + string.Join(", ", without));
    }

    [Fact]
    public void Namespaces_NoSegmentEqualsATypeName()
    {
        var segments = new HashSet<string>(StringComparer.Ordinal);
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Repository.SourceFiles("src"))
        {
            string text = File.ReadAllText(file);
            foreach (Match ns in Repository.NamespaceLine().Matches(text))
            {
                segments.UnionWith(ns.Groups[1].Value.Split('.'));
            }

            foreach (Match type in Repository.TypeDeclaration().Matches(text))
            {
                types.TryAdd(type.Groups[1].Value, Path.GetRelativePath(Repository.Root, file));
            }
        }

        string[] clashes = [.. segments.Where(types.ContainsKey).Select(s => $"{s} (type in {types[s]})")];
        Assert.True(clashes.Length == 0, "a namespace segment hides a type: " + string.Join(", ", clashes));
    }

    [Fact]
    public void Files_HoldNoPathOfAMachine()
    {
        // Put together here so that the test does not find itself.
        string[] forbidden = ["/" + "work/", "/" + "root/", "/opt/" + "nuget"];
        string[] found = [.. Directory.EnumerateFiles(Repository.Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Where(f => !f.Contains("/.git/", StringComparison.Ordinal) && !f.Contains("/artifacts/", StringComparison.Ordinal)
                && !f.EndsWith("/.git", StringComparison.Ordinal)
                && Path.GetExtension(f) is ".cs" or ".md" or ".sh" or ".json" or ".props" or ".csproj" or ".yaml" or ".yml" or ".toml" or ".rego" or ".proto")
            .Where(f => forbidden.Any(File.ReadAllText(f).Contains))
            .Select(f => Path.GetRelativePath(Repository.Root, f))];

        Assert.True(found.Length == 0, "a path of one machine: " + string.Join(", ", found));
    }

    [Theory]
    [InlineData("BoundEvidence", new[] { "src/Coco.Attestation/" })]
    [InlineData("VerifiedClaims", new[] { "src/Coco.Verifiers/" })]
    [InlineData("VerifiedToken", new[] { "src/Coco.KeyBroker/" })]
    public void ProofTypes_AreMadeOnlyInTheirOwnStep(string type, string[] allowed)
    {
        string[] elsewhere = [.. Repository.SourceFiles("src")
            .Select(f => Path.GetRelativePath(Repository.Root, f))
            .Where(f => !allowed.Any(a => f.StartsWith(a, StringComparison.Ordinal)) && !f.StartsWith("src/Coco.Verifiers/" + type, StringComparison.Ordinal))
            .Where(f => !f.StartsWith("src/Coco.Verifiers/", StringComparison.Ordinal) || type != "BoundEvidence")
            .Where(f => !f.StartsWith("src/Coco.Cli/", StringComparison.Ordinal) || type != "BoundEvidence")
            .Where(f => Regex.IsMatch(File.ReadAllText(Path.Combine(Repository.Root, f)), @"\bnew\s+" + type + @"\s*\("))];

        Assert.True(elsewhere.Length == 0, $"new {type} in: " + string.Join(", ", elsewhere));
    }

    [Fact]
    public void EventIds_AreUniqueAndInTheRangeOfTheirRoom()
    {
        var ranges = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["Core"] = 1000,
            ["Rego"] = 2000,
            ["Verifiers"] = 3000,
            ["Attestation"] = 4000,
            ["ReferenceValues"] = 4500,
            ["KeyBroker"] = 5000,
            ["Storage"] = 6000,
            ["Guest"] = 7000,
            ["Oci"] = 8000,
            ["PeerPods"] = 9000,
            ["Trustee"] = 10000,
        };
        var seen = new Dictionary<int, string>();
        foreach (string file in Repository.SourceFiles("src"))
        {
            string room = Path.GetRelativePath(Path.Combine(Repository.Root, "src"), file).Split('/')[0]["Coco.".Length..];
            foreach (Match match in Regex.Matches(File.ReadAllText(file), @"\[LoggerMessage\((?:EventId\s*=\s*)?(\d+)"))
            {
                int id = int.Parse(match.Groups[1].Value);
                Assert.True(seen.TryAdd(id, file), $"event id {id} stands in {file} and {seen.GetValueOrDefault(id)}");
                int first = Assert.Contains(room, ranges);
                Assert.InRange(id, first, first + 999);
            }
        }
    }
}
