// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego.Compilation;
using Coco.Rego.Evaluation;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>Collects over any number of evaluations, one at a time, which lines of a program were evaluated.</summary>
public sealed class RegoCoverage
{
    private readonly CoverageObserver _observer = new();

    internal Observer Observer => _observer;

    /// <summary>The report for a program, a file at a time.</summary>
    public ImmutableArray<RegoFileCoverage> Report(RegoProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        var files = ImmutableArray.CreateBuilder<RegoFileCoverage>();
        foreach (Module module in program.Builder.Modules)
        {
            var code = new SortedSet<int>();
            foreach (Rule rule in module.Rules)
            {
                foreach (Branch branch in rule.Branches)
                {
                    code.Add(module.Source.RowOf(branch.Start));
                    Lines(module.Source, branch.Body, code);
                }
            }

            var covered = new SortedSet<int>(_observer.Seen.Where(s => ReferenceEquals(s.Source, module.Source)).Select(s => s.Source.RowOf(s.Start)));
            covered.IntersectWith(code);
            code.ExceptWith(covered);
            files.Add(new RegoFileCoverage(module.Source.Name, [.. covered], [.. code]));
        }

        return files.ToImmutable();
    }

    private static void Lines(SourceText source, List<Literal>? body, SortedSet<int> lines)
    {
        foreach (Literal literal in body ?? [])
        {
            if (literal is not SomeLiteral)
            {
                lines.Add(source.RowOf(literal.Start));
            }

            if (literal is EveryLiteral every)
            {
                Lines(source, every.Body, lines);
            }
        }
    }

    private sealed class CoverageObserver : Observer
    {
        internal HashSet<(SourceText Source, int Start)> Seen { get; } = [];

        internal override void Enter(Step step, Frame frame)
        {
            if (step.Origin is { } origin)
            {
                Seen.Add((origin.Source, origin.Start));
            }
        }

        internal override void LeaveBranch(CompiledBranch branch, bool holds)
        {
            if (holds)
            {
                Seen.Add((branch.Source, branch.SourceStart));
            }
        }
    }
}

/// <summary>Which lines of a file were evaluated.</summary>
/// <param name="File">Its name.</param>
/// <param name="Covered">Lines with a condition that was tried or a rule that held.</param>
/// <param name="NotCovered">The other lines with code.</param>
public sealed record RegoFileCoverage(string File, ImmutableArray<int> Covered, ImmutableArray<int> NotCovered)
{
    /// <summary>Covered lines in a hundred; 100 for a file without code.</summary>
    public double Percent => Covered.Length + NotCovered.Length == 0 ? 100 : 100.0 * Covered.Length / (Covered.Length + NotCovered.Length);
}
