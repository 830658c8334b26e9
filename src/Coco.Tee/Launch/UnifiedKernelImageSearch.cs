// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>Explains a PCR 11 that is not the expected one: tries other images and other boot phases.</summary>
public static class UnifiedKernelImageSearch
{
    private static readonly string[] Phases = ["enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown", "final"];

    /// <summary>The matches with the fewest changes; empty when none was found.</summary>
    /// <param name="pcr11">The value that was reported.</param>
    /// <param name="hash">The bank.</param>
    /// <param name="images">The image that was expected, and others that might have been used, each with a name to say it by.</param>
    /// <param name="phases">Boot phases that were expected to follow, in their order.</param>
    public static IReadOnlyList<LaunchMatch> Find(ReadOnlySpan<byte> pcr11, HashAlgorithmName hash, IReadOnlyList<(string Name, UnifiedKernelImage Image)> images, IReadOnlyList<string> phases)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(phases);
        var found = new List<LaunchMatch>();
        if (!pcr11.ContainsAnyExcept((byte)0))
        {
            found.Add(new LaunchMatch(["when no unified kernel image is started: nothing is measured into it"]));
        }

        for (int i = 0; i < images.Count; i++)
        {
            foreach ((IEnumerable<string> tried, string? change) in PhaseChoices(phases))
            {
                if (pcr11.SequenceEqual(images[i].Image.Pcr11(hash, tried)))
                {
                    found.Add(new LaunchMatch([.. new[] { i == 0 ? null : $"with the image {images[i].Name}", change }.OfType<string>()]));
                }
            }
        }

        return found.Count == 0 ? [] : [.. found.GroupBy(m => m.Changes.Count).MinBy(g => g.Key)!];
    }

    private static IEnumerable<(IEnumerable<string> Phases, string? Change)> PhaseChoices(IReadOnlyList<string> given)
    {
        yield return (given, null);
        for (int n = 0; n <= Phases.Length; n++)
        {
            string[] tried = Phases[..n];
            if (!tried.SequenceEqual(given, StringComparer.Ordinal))
            {
                yield return (tried, n == 0 ? "before the first boot phase" : $"after the boot phase {tried[^1]}");
            }
        }
    }
}
