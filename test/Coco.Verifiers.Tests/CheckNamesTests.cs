// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace Coco.Verifiers.Tests;

/// <summary>Every check that a verifier's source names is in its README, and the README names no other.</summary>
public sealed partial class CheckNamesTests
{
    [Theory]
    [InlineData("Tpm", "tpm")]
    [InlineData("Azure", "az-snp-vtpm")]
    [InlineData("Azure", "az-tdx-vtpm")]
    [InlineData("Cca", "cca")]
    [InlineData("Csv", "csv")]
    [InlineData("Csv", "hygondcu")]
    [InlineData("SecureExecution", "se")]
    [InlineData("Nvidia", "nvidia")]
    [InlineData("Nvidia", "nvidia-dpu")]
    public void Readme_AndSource_NameTheSameChecks(string folder, string prefix)
    {
        string root = Path.Combine(Root(), "src", "Coco.Verifiers");
        string[] shared = folder == "Azure" ? [Path.Combine(root, "Tpm", "TpmQuoteCheck.cs"), Path.Combine(root, "Tpm", "TpmKeyCache.cs")] : [];
        string source = string.Concat(Directory.GetFiles(Path.Combine(root, folder), "*.cs").Concat(shared).Select(File.ReadAllText));
        string[] named =
        [
            .. Literal().Matches(source).Select(m => m.Groups[1].Value).Where(n => n.StartsWith(prefix + ".", StringComparison.Ordinal))
                .Concat(Prefixed().Matches(source).Select(m => prefix + m.Groups[1].Value).Where(_ => folder is not "Csv"))
                .Concat(folder == "Csv" ? [prefix + ".hsk", prefix + ".cek"] : [])
                .Concat(prefix == "az-snp-vtpm" ? ["az-snp-vtpm.hardware-report"] : [])
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
        ];

        string[] listed =
        [
            .. File.ReadLines(Path.Combine(root, folder, "README.md")).Select(l => Row().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value)
                .Where(n => n.StartsWith(prefix + ".", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
        ];

        Assert.Equal(named, listed);
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

    [GeneratedRegex("""(?:Note|Skipped|NoteReference)\(\s*[^"\n]*"([a-z-]+\.[a-z-]+)"[,)]""")]
    private static partial Regex Literal();

    [GeneratedRegex("""prefix \+ "(\.[a-z-]+)"[,)]""")]
    private static partial Regex Prefixed();

    [GeneratedRegex(@"^\| `([a-z-]+\.[a-z-]+)` \|")]
    private static partial Regex Row();
}
