// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance.Tests;

/// <summary>Every kind of vector, judged as its manifest says.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> Kinds()
    {
        string? root = ConformanceRun.FindVectors();
        return root is null ? ["(no vectors)"] : [.. ConformanceRun.KindsOf(root)];
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Kind_EveryCase_AsTheManifestSays(string kind)
    {
        string? root = ConformanceRun.FindVectors();
        Assert.SkipWhen(root is null, "no vectors: COCO_VECTORS is not set and ../shared/vectors does not exist");

        KindReport report = await ConformanceRun.RunKindAsync(kind, root!, TestContext.Current.CancellationToken);

        string failures = string.Join('\n', report.Cases.Where(c => c.Verdict.Outcome == CaseOutcome.Failed).Take(50).Select(c => c.Name + ": " + c.Verdict.Detail));
        Assert.True(failures.Length == 0, failures);
        Assert.SkipWhen(report.Count(CaseOutcome.Passed) == 0, $"{report.Cases.Count} cases without a judge");
    }
}
