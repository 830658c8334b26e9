// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Evaluation;

namespace Coco.Rego.Compilation;

/// <summary>A condition of a clause that one document or argument equals one constant.</summary>
internal sealed record IndexCandidate(string Key, Expression Expression, RegoValue Value, int Clause)
{
    private const int Worthwhile = 4;

    internal static IEnumerable<IndexCandidate> Find(List<CoreLiteral> literals, int arity, int clause)
    {
        foreach (CoreLiteral literal in literals)
        {
            if (literal.With.Length > 0)
            {
                continue;
            }

            (CoreTerm a, CoreTerm b) = literal switch
            {
                CoreUnify u => (u.Left, u.Right),
                CoreCondition { Term: CoreCall { Target.Name: "equal", Arguments: [var x, var y] } } => (x, y),
                _ => (null!, null!),
            };
            if (a is CoreConstant && b is not CoreConstant)
            {
                (a, b) = (b, a);
            }

            if (a is null || b is not CoreConstant { Value.Kind: < RegoKind.Array } constant)
            {
                continue;
            }

            switch (a)
            {
                case CoreVariable v when v.Variable.Slot < arity:
                    yield return new IndexCandidate("argument " + v.Variable.Slot, new SlotExpression(v.Variable.Slot), constant.Value, clause);
                    break;
                case CoreRef { Head: CoreInput } r when Array.TrueForAll(r.Parts, static p => p is CoreConstant):
                    RegoValue[] path = [.. r.Parts.Select(static p => ((CoreConstant)p).Value)];
                    yield return new IndexCandidate("input " + RegoArray.Of(path), new InputPathExpression(path), constant.Value, clause);
                    break;
            }
        }
    }

    /// <summary>An index over the key that most clauses have; null when it would not help.</summary>
    internal static ClauseIndex? Choose(List<IndexCandidate> candidates, Clause[] clauses)
    {
        if (clauses.Length < Worthwhile)
        {
            return null;
        }

        IGrouping<string, IndexCandidate>? best = candidates.GroupBy(static c => c.Key, StringComparer.Ordinal).MaxBy(static g => g.DistinctBy(static c => c.Clause).Count());
        IndexCandidate[] chosen = best is null ? [] : [.. best.DistinctBy(static c => c.Clause)];
        if (chosen.Length < Worthwhile)
        {
            return null;
        }

        HashSet<int> indexed = [.. chosen.Select(static c => c.Clause)];
        int[] others = [.. Enumerable.Range(0, clauses.Length).Where(i => !indexed.Contains(i))];
        if ((long)others.Length * chosen.Length > 4_000_000)
        {
            return null;
        }

        var byValue = new Dictionary<RegoValue, Clause[]>();
        foreach (IGrouping<RegoValue, IndexCandidate> value in chosen.GroupBy(static c => c.Value))
        {
            byValue.Add(value.Key, [.. value.Select(static c => c.Clause).Concat(others).Order().Select(i => clauses[i])]);
        }

        return new ClauseIndex(chosen[0].Expression, byValue, [.. others.Select(i => clauses[i])]);
    }
}
