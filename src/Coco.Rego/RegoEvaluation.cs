// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Rego;

/// <summary>How an evaluation ended.</summary>
public enum RegoOutcome
{
    /// <summary>It did not: an error or a limit. Whoever asked must deny.</summary>
    Fault,

    /// <summary>The document has no value. Not the same as null or false.</summary>
    Undefined,

    /// <summary>The document has a value.</summary>
    Value,

    /// <summary>A host function needs something first: see <see cref="RegoEvaluation.Missing"/>, then evaluate again.</summary>
    NeedsData,
}

/// <summary>The result of an evaluation.</summary>
public sealed record RegoEvaluation
{
    private RegoEvaluation()
    {
    }

    /// <summary>How it ended.</summary>
    public RegoOutcome Outcome { get; private init; }

    /// <summary>The value; null unless <see cref="RegoOutcome.Value"/>.</summary>
    public RegoValue? Value { get; private init; }

    /// <summary>What went wrong; null unless <see cref="RegoOutcome.Fault"/>.</summary>
    public RegoFault? Fault { get; private init; }

    /// <summary>What host functions need; empty unless <see cref="RegoOutcome.NeedsData"/>.</summary>
    public ImmutableArray<string> Missing { get; private init; } = [];

    /// <summary>Steps that were taken.</summary>
    public long Steps { get; private init; }

    /// <summary>Elements that were made.</summary>
    public long Values { get; private init; }

    /// <summary>Why rules did not hold; null unless <see cref="RegoRequest.Explain"/>.</summary>
    public RegoExplanation? Explanation { get; private init; }

    /// <summary>True only for the value true.</summary>
    public bool IsTrue => ReferenceEquals(Value, RegoValue.True);

    internal static RegoEvaluation Of(RegoValue? value, long steps, long values, RegoExplanation? explanation) =>
        new() { Outcome = value is null ? RegoOutcome.Undefined : RegoOutcome.Value, Value = value, Steps = steps, Values = values, Explanation = explanation };

    internal static RegoEvaluation Failed(RegoFault fault, long steps, long values, RegoExplanation? explanation = null) =>
        new() { Outcome = RegoOutcome.Fault, Fault = fault, Steps = steps, Values = values, Explanation = explanation };

    internal static RegoEvaluation Needs(ImmutableArray<string> names, long steps, long values) =>
        new() { Outcome = RegoOutcome.NeedsData, Missing = names, Steps = steps, Values = values };
}

/// <summary>Why an evaluation did not end.</summary>
/// <param name="Code">One of <see cref="RegoErrorCodes"/>.</param>
/// <param name="Message">What happened.</param>
/// <param name="Location">Where; null when it has no single place.</param>
/// <param name="Rule">The rule that was being evaluated; null when there was none.</param>
/// <param name="Limit">The limit that was reached; null for other faults.</param>
public sealed record RegoFault(string Code, string Message, RegoLocation? Location, string? Rule, RegoLimit? Limit)
{
    /// <inheritdoc/>
    public override string ToString() =>
        (Location is { } location ? location + ": " : string.Empty) + Code + ": " + Message + (Rule is null ? string.Empty : " (in " + Rule + ")");
}
