// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz.Tests;

/// <summary>A short run over each fuzz target, always with the same inputs.</summary>
public sealed class SmokeTests
{
    private const int Rounds = 2000;

    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Target_SeededMutations_NeverThrows(string name)
    {
        IFuzzTarget target = FuzzTargets.All.Single(t => t.Name == name);
        var mutator = new Mutator(20260308);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] seed = target.Seeds[mutator.Next(target.Seeds.Count)];
            byte[] input = round < target.Seeds.Count ? target.Seeds[round] : mutator.Mutate(seed, target.Seeds);
            Exception? thrown = Record.Exception(() => target.Run(input));

            Assert.True(thrown is null, $"round {round}: {thrown}\ninput: {Convert.ToHexStringLower(input.AsSpan(0, Math.Min(512, input.Length)))}");
        }
    }
}
