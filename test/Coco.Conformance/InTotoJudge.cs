// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.ReferenceValues.InToto;

namespace Coco.Conformance;

/// <summary>in-toto chains: each folder's command, run by our verifier in a scratch copy, must end as its <c>case.json</c> says.</summary>
public sealed class InTotoJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds { get; } = ["in-toto"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        string folder = Path.Combine(root, kind);
        foreach (string file in Directory.GetFiles(folder, "case.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string directory = Path.GetDirectoryName(file)!;
            yield return new ConformanceCase(Path.GetRelativePath(folder, directory), ct => JudgeAsync(directory, file, ct));
        }
    }

    private static async Task<CaseVerdict> JudgeAsync(string directory, string file, CancellationToken ct)
    {
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllBytesAsync(file, ct));
        string command = document.RootElement.GetProperty("command").GetString()!;
        int expected = document.RootElement.GetProperty("exit_code").GetInt32();
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        using var error = new StringWriter();
        int code = await InTotoVerifyCommand.RunAsync(
            [.. words.Skip(1), "--run-inspections"], directory, TimeProvider.System, TextWriter.Null, error, ct);
        return code == expected ? CaseVerdict.Passed : CaseVerdict.Failed($"exit code {code}, expected {expected}: {error}");
    }
}
