// SPDX-License-Identifier: Apache-2.0
using Coco.Conformance;

bool verbose = args.Contains("--verbose");
string[] words = [.. args.Where(a => a != "--verbose")];
string? root = words.Length > 0 ? words[0] : ConformanceRun.FindVectors();
if (root is null || !Directory.Exists(root))
{
    Console.Error.WriteLine(root is null
        ? "conformance: no vectors: name a folder, or set COCO_VECTORS"
        : $"conformance: there is no folder {root}");
    return 1;
}

root = Path.GetFullPath(root);
string[] kinds = words.Length > 1 ? words[1..] : [.. ConformanceRun.KindsOf(root)];
int passed = 0, failed = 0, skipped = 0;
Console.WriteLine($"{"kind",-16}{"passed",8}{"failed",8}{"skipped",9}{"seconds",9}");
foreach (string kind in kinds)
{
    if (!Directory.Exists(Path.Combine(root, kind)))
    {
        Console.Error.WriteLine($"conformance: there is no folder {kind} in {root}");
        failed++;
        continue;
    }

    KindReport report = await ConformanceRun.RunKindAsync(kind, root, CancellationToken.None).ConfigureAwait(false);
    int p = report.Count(CaseOutcome.Passed), f = report.Count(CaseOutcome.Failed), s = report.Count(CaseOutcome.Skipped);
    passed += p;
    failed += f;
    skipped += s;
    Console.WriteLine($"{kind,-16}{p,8}{f,8}{s,9}{report.Elapsed.TotalSeconds,9:0.00}");
    foreach (CaseReport one in report.Cases.Where(c => c.Verdict.Outcome == CaseOutcome.Failed || verbose))
    {
        Console.WriteLine($"  {one.Verdict.Outcome.ToString().ToUpperInvariant(),-8}{one.Name}{(one.Verdict.Detail is null ? string.Empty : ": " + one.Verdict.Detail)}");
    }

    foreach (IGrouping<string?, CaseReport> reason in report.Cases.Where(c => !verbose && c.Verdict.Outcome == CaseOutcome.Skipped).GroupBy(c => c.Verdict.Detail))
    {
        Console.WriteLine($"  skipped {reason.Count()}: {reason.Key}");
    }
}

Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return failed > 0 || passed == 0 ? 1 : 0;
