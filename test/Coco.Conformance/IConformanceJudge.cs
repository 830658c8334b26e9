// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance;

/// <summary>Judges the cases of some kinds (folders) of vectors. Found by reflection: needs a public constructor without parameters.</summary>
public interface IConformanceJudge
{
    /// <summary>The folder names that it takes.</summary>
    IReadOnlyList<string> Kinds { get; }

    /// <summary>Every case of the folder. Reads manifests; knows no file by name; the folder may hold cases that never were seen before.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="root">The vector folder; the kind is a folder below it, and <c>roots</c> lies beside it.</param>
    IEnumerable<ConformanceCase> Cases(string kind, string root);
}

/// <summary>One case.</summary>
/// <param name="Name">Unique within its kind.</param>
/// <param name="JudgeAsync">Runs it.</param>
public sealed record ConformanceCase(string Name, Func<CancellationToken, Task<CaseVerdict>> JudgeAsync);

/// <summary>What came of a case.</summary>
/// <param name="Outcome">Passed, failed or skipped.</param>
/// <param name="Detail">Why: always given for failed and skipped.</param>
public sealed record CaseVerdict(CaseOutcome Outcome, string? Detail)
{
    /// <summary>As the manifest says.</summary>
    public static CaseVerdict Passed { get; } = new(CaseOutcome.Passed, null);

    /// <summary>Not as the manifest says.</summary>
    public static CaseVerdict Failed(string why) => new(CaseOutcome.Failed, why);

    /// <summary>There is no judge for this yet.</summary>
    public static CaseVerdict Skipped(string why) => new(CaseOutcome.Skipped, why);
}

/// <summary>The outcome of a case.</summary>
public enum CaseOutcome
{
    /// <summary>As the manifest says.</summary>
    Passed,

    /// <summary>Not as the manifest says.</summary>
    Failed,

    /// <summary>Nothing judges it yet.</summary>
    Skipped,
}
