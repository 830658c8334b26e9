// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Tee.Launch;

/// <summary>Explains registers of a trust domain that are not the expected ones: tries inputs near the given ones and says which of them give the value.</summary>
public static class TdxLaunchSearch
{
    /// <summary>What MRTD explains: the firmware, and the order in which the host measures.</summary>
    /// <param name="mrTd">The value that was reported.</param>
    /// <param name="firmware">The firmware that was expected, and others that might have been used, each with a name to say it by.</param>
    /// <param name="order">What the host is expected to do.</param>
    public static IReadOnlyList<LaunchMatch> FindMrTd(ReadOnlySpan<byte> mrTd, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Image)> firmware, TdxPageOrder order)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        var found = new List<LaunchMatch>();
        for (int i = 0; i < firmware.Count; i++)
        {
            foreach (TdxPageOrder tried in Enum.GetValues<TdxPageOrder>().OrderBy(o => o == order ? 0 : 1))
            {
                if (TdxMeasurement.ComputeMrTd(firmware[i].Image, tried).TryGet(out ImmutableArray<byte> value, out _) && mrTd.SequenceEqual(value.AsSpan()))
                {
                    found.Add(Match(
                        i == 0 ? null : $"with the firmware {firmware[i].Name}",
                        tried == order ? null
                            : tried == TdxPageOrder.PageByPage ? "when the host measures page by page (Linux 6.16 and later)" : "when the host measures section by section (kernels before TDX was merged)"));
                }
            }
        }

        return Fewest(found);
    }

    /// <summary>What RTMR1 explains: the kernel.</summary>
    /// <param name="rtmr1">The value that was reported.</param>
    /// <param name="kernels">The kernel that was expected, and others that might have been used.</param>
    public static IReadOnlyList<LaunchMatch> FindRtmr1(ReadOnlySpan<byte> rtmr1, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> kernels)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        var found = new List<LaunchMatch>();
        if (!rtmr1.ContainsAnyExcept((byte)0))
        {
            found.Add(Match("when the firmware starts no kernel directly: nothing is measured into it"));
        }

        for (int i = 0; i < kernels.Count; i++)
        {
            if (TdxMeasurement.ComputeRtmr1(kernels[i].Bytes).TryGet(out ImmutableArray<byte> value, out _) && rtmr1.SequenceEqual(value.AsSpan()))
            {
                found.Add(Match(i == 0 ? null : $"with the kernel {kernels[i].Name}"));
            }
        }

        return Fewest(found);
    }

    /// <summary>What RTMR2 explains: the command line and the initrd.</summary>
    /// <param name="rtmr2">The value that was reported.</param>
    /// <param name="commandLine">The command line.</param>
    /// <param name="initrds">The initrd that was expected, and others that might have been used; empty for none.</param>
    public static IReadOnlyList<LaunchMatch> FindRtmr2(ReadOnlySpan<byte> rtmr2, string commandLine, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> initrds)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        ArgumentNullException.ThrowIfNull(initrds);
        var found = new List<LaunchMatch>();
        List<(ReadOnlyMemory<byte>? Bytes, string? Change)> disks = [.. initrds.Select((d, i) => ((ReadOnlyMemory<byte>?)d.Bytes, i == 0 ? null : $"with the initrd {d.Name}"))];
        disks.Add((null, initrds.Count == 0 ? null : "without the initrd"));
        (string Line, string? Change)[] lines = [(commandLine, null), .. CommandLineVariants.Of(commandLine)];
        foreach ((ReadOnlyMemory<byte>? disk, string? diskChange) in disks)
        {
            ImmutableArray<byte>? diskDigest = disk is { } bytes ? TdxMeasurement.Digest(bytes.Span) : null;
            foreach ((string line, string? lineChange) in lines)
            {
                foreach (bool names in disk is null ? (bool[])[false] : [true, false])
                {
                    if (rtmr2.SequenceEqual(TdxMeasurement.ComputeRtmr2(line, diskDigest, names).AsSpan()))
                    {
                        found.Add(Match(diskChange, lineChange, disk is null || names ? null : "when the firmware does not add initrd=initrd to the command line"));
                    }
                }
            }
        }

        return Fewest(found);
    }

    private static LaunchMatch Match(params ReadOnlySpan<string?> changes)
    {
        var words = new List<string>();
        foreach (string? change in changes)
        {
            if (change is not null)
            {
                words.Add(change);
            }
        }

        return new LaunchMatch(words);
    }

    private static IReadOnlyList<LaunchMatch> Fewest(List<LaunchMatch> found) =>
        found.Count == 0 ? [] : [.. found.GroupBy(m => m.Changes.Count).MinBy(g => g.Key)!];
}
