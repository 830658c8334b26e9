// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Evaluation;

/// <summary>The variables of one branch that is being evaluated.</summary>
internal sealed class Frame(int slots, int accumulators)
{
    internal static readonly Frame Empty = new(0, 0);

    internal RegoValue?[] Slots { get; } = new RegoValue?[slots];

    /// <summary>What comprehensions collect.</summary>
    internal Accumulator?[] Accumulators { get; } = accumulators == 0 ? [] : new Accumulator?[accumulators];

    /// <summary>The value of a complete rule or function.</summary>
    internal RegoValue? Result { get; set; }

    /// <summary>What a partial rule collects.</summary>
    internal object? Collector { get; set; }

    /// <summary>Is being evaluated.</summary>
    internal bool InUse { get; set; }
}

/// <summary>Collects the solutions of a comprehension or of a partial set.</summary>
internal sealed class Accumulator
{
    internal List<RegoValue> Values { get; } = [];

    internal List<RegoValue> Keys { get; } = [];

    internal Dictionary<RegoValue, RegoValue>? Seen { get; set; }

    internal void Clear()
    {
        Values.Clear();
        Keys.Clear();
        Seen?.Clear();
    }
}
