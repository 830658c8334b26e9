// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Compilation;
using Coco.Rego.Syntax;

namespace Coco.Rego.Evaluation;

/// <summary>A compiled rule of the source: its own branch and then its <c>else</c> branches.</summary>
internal sealed class Clause(RuleSource source, CompiledBranch[] branches)
{
    internal RuleSource Source { get; } = source;

    internal CompiledBranch[] Branches { get; } = branches;

    /// <summary>Below a computed object: the constant path of a set or of a default value.</summary>
    internal RegoValue[]? EmptySetPath { get; init; }

    /// <summary>The value of every solution, when that is known without evaluation.</summary>
    internal RegoValue? ConstantValue => Branches.Length == 1 ? Branches[0].ConstantValue : null;
}

/// <summary>A compiled branch.</summary>
internal sealed class CompiledBranch(int id, Step start, int slots, int accumulators, SourceText source, int sourceStart, int sourceEnd)
{
    /// <summary>Unique in the program.</summary>
    internal int Id { get; } = id;

    internal Step Start { get; } = start;

    internal int Slots { get; } = slots;

    internal int Accumulators { get; } = accumulators;

    internal SourceText Source { get; } = source;

    internal int SourceStart { get; } = sourceStart;

    internal int SourceEnd { get; } = sourceEnd;

    internal RegoValue? ConstantValue { get; init; }
}

/// <summary>The condition of the source that a step comes from, for explanations and coverage.</summary>
/// <param name="Source">The source.</param>
/// <param name="Start">Offset of the condition.</param>
/// <param name="End">Offset behind it.</param>
/// <param name="Bound">The variables that have values before it.</param>
internal sealed record StepOrigin(SourceText Source, int Start, int End, Variable[] Bound);

/// <summary>Finds the clauses that can hold by the value of one document or argument.</summary>
/// <param name="Key">What is looked at.</param>
/// <param name="ByValue">Clauses that demand this value, with those that demand none, in the order of the source.</param>
/// <param name="Others">Clauses that demand no value.</param>
internal sealed record ClauseIndex(Expression Key, Dictionary<RegoValue, Clause[]> ByValue, Clause[] Others)
{
    internal Clause[] Candidates(Machine machine, Frame frame) =>
        Key.Evaluate(machine, frame) is { } value && ByValue.TryGetValue(value, out Clause[]? clauses) ? clauses : Others;
}
