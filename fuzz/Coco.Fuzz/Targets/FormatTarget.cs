// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz.Targets;

/// <summary>A parser that answers with a value or a refusal. A refusal has to say what was wrong; an exception is a finding.</summary>
/// <param name="name">The word that selects it.</param>
/// <param name="seeds">Well-formed inputs; made once.</param>
/// <param name="parse">The parser; null when it accepted.</param>
public abstract class FormatTarget(string name, Func<IReadOnlyList<byte[]>> seeds, Func<byte[], Refusal?> parse) : IFuzzTarget
{
    private readonly Lazy<IReadOnlyList<byte[]>> _seeds = new(seeds);

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Seeds => _seeds.Value;

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<byte> input)
    {
        if (parse(input.ToArray()) is { } refusal && refusal.Detail.Length == 0)
        {
            throw new InvalidOperationException("a refusal without a reason");
        }
    }
}
