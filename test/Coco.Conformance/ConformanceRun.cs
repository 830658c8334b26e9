// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;

namespace Coco.Conformance;

/// <summary>Runs the judges over a folder of vectors.</summary>
public static class ConformanceRun
{
    private static readonly IReadOnlyList<IConformanceJudge> Judges =
    [
        .. typeof(ConformanceRun).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && typeof(IConformanceJudge).IsAssignableFrom(t))
            .OrderBy(t => t.FullName, StringComparer.Ordinal)
            .Select(t => (IConformanceJudge)Activator.CreateInstance(t)!),
    ];

    /// <summary>The folder named by <c>COCO_VECTORS</c>, else <c>../shared/vectors</c> seen from the repository's root; null when it does not exist.</summary>
    public static string? FindVectors()
    {
        string? named = Environment.GetEnvironmentVariable("COCO_VECTORS");
        if (!string.IsNullOrEmpty(named))
        {
            return Directory.Exists(named) ? Path.GetFullPath(named) : null;
        }

        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Coco.slnx")))
            {
                string path = Path.Combine(at.FullName, "..", "shared", "vectors");
                return Directory.Exists(path) ? Path.GetFullPath(path) : null;
            }
        }

        return null;
    }

    /// <summary>All kinds below <paramref name="root"/>.</summary>
    public static IEnumerable<string> KindsOf(string root) =>
        Directory.EnumerateDirectories(root).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);

    /// <summary>Runs one kind; a judge that throws fails the case.</summary>
    public static async Task<KindReport> RunKindAsync(string kind, string root, CancellationToken ct)
    {
        var results = new List<CaseReport>();
        var clock = Stopwatch.StartNew();
        IConformanceJudge[] judges = [.. Judges.Where(j => j.Kinds.Contains(kind, StringComparer.Ordinal))];
        foreach (IConformanceJudge judge in judges)
        {
            IReadOnlyList<ConformanceCase> cases;
            try
            {
                cases = [.. judge.Cases(kind, root)];
            }
            catch (Exception e) when (e is IOException or JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
            {
                results.Add(new CaseReport("(manifest)", CaseVerdict.Failed(e.Message)));
                continue;
            }

            foreach (ConformanceCase one in cases)
            {
                CaseVerdict verdict;
                try
                {
                    verdict = await one.JudgeAsync(ct).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    verdict = CaseVerdict.Failed("threw " + e);
                }

                results.Add(new CaseReport(one.Name, verdict));
            }
        }

        if (judges.Length == 0)
        {
            results.AddRange(CountUnjudged(Path.Combine(root, kind)).Select(n => new CaseReport(n, CaseVerdict.Skipped("no judge for " + kind + " yet"))));
        }

        return new KindReport(kind, results, clock.Elapsed);
    }

    private static IEnumerable<string> CountUnjudged(string folder)
    {
        if (VectorManifest.TryRead(folder) is { } manifest)
        {
            return manifest.Entries.Select(e => e.File);
        }

        string[] cases = Directory.GetFiles(folder, "case.json", SearchOption.AllDirectories);
        return cases.Length > 0
            ? cases.Select(c => Path.GetRelativePath(folder, Path.GetDirectoryName(c)!))
            : Directory.GetFiles(folder).Select(f => Path.GetFileName(f)!);
    }
}

/// <summary>One case and its verdict.</summary>
public sealed record CaseReport(string Name, CaseVerdict Verdict);

/// <summary>All cases of a kind.</summary>
public sealed record KindReport(string Kind, IReadOnlyList<CaseReport> Cases, TimeSpan Elapsed)
{
    /// <summary>How many ended so.</summary>
    public int Count(CaseOutcome outcome) => Cases.Count(c => c.Verdict.Outcome == outcome);
}
