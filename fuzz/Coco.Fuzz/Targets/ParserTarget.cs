// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz.Targets;

/// <summary>A parser of bytes that must answer whatever they are.</summary>
/// <param name="name">The word that selects it.</param>
/// <param name="seeds">Makes the genuine inputs; called once.</param>
/// <param name="run">Feeds it.</param>
internal sealed class ParserTarget(string name, Func<IReadOnlyList<byte[]>> seeds, Action<byte[]> run) : IFuzzTarget
{
    private readonly Lazy<IReadOnlyList<byte[]>> _seeds = new(seeds);

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Seeds => _seeds.Value;

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<byte> input) => run(input.ToArray());
}
