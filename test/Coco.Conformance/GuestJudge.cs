// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Conformance.GuestCases;

namespace Coco.Conformance;

/// <summary>The folder <c>guest</c>: its manifest names a kind for each case, and each kind has a judge of its own (<see cref="IGuestCaseJudge"/>, found by reflection).</summary>
public sealed class GuestJudge : IConformanceJudge
{
    private static readonly Dictionary<string, IGuestCaseJudge> ByKind =
        typeof(GuestJudge).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && typeof(IGuestCaseJudge).IsAssignableFrom(t))
            .Select(t => (IGuestCaseJudge)Activator.CreateInstance(t)!)
            .SelectMany(j => j.Kinds.Select(k => (k, j)))
            .ToDictionary(p => p.k, p => p.j, StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["guest"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        string folder = Path.Combine(root, kind);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "manifest.json")));
        foreach (JsonElement element in manifest.RootElement.GetProperty("cases").EnumerateArray())
        {
            var one = new GuestCase(folder, element.Clone());
            yield return new ConformanceCase(one.Id, ct => ByKind.TryGetValue(one.Kind, out IGuestCaseJudge? judge)
                ? judge.JudgeAsync(one, ct)
                : Task.FromResult(CaseVerdict.Skipped($"no judge for guest cases of kind {one.Kind} yet")));
        }
    }
}
