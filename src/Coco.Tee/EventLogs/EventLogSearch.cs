// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;

namespace Coco.Tee.EventLogs;

/// <summary>Explains a register that an event log does not replay to: tries logs near the given one and says which of them give the value.</summary>
public static class EventLogSearch
{
    /// <summary>What extends a register: the digests of a log, each with a name to say it by.</summary>
    /// <param name="log">The log that was expected.</param>
    /// <param name="register">Index as logs write it.</param>
    /// <param name="algorithm">Hash of the register.</param>
    /// <param name="withNoAction">Whether events of the type EV_NO_ACTION count: for the registers of CPU TEEs they do, for PCRs they do not.</param>
    public static ImmutableArray<(ReadOnlyMemory<byte> Digest, string Name)> EventsOf(CcEventLog log, uint register, TcgAlgorithm algorithm, bool withNoAction)
    {
        ArgumentNullException.ThrowIfNull(log);
        var events = ImmutableArray.CreateBuilder<(ReadOnlyMemory<byte>, string)>();
        for (int i = 0; i < log.Events.Count; i++)
        {
            CcEvent one = log.Events[i];
            if (one.Register != register || (one.Type == TcgEventType.NoAction && !withNoAction))
            {
                continue;
            }

            foreach (EventDigest digest in one.Digests)
            {
                if (digest.Algorithm == algorithm)
                {
                    events.Add((digest.Value, string.Create(CultureInfo.InvariantCulture, $"event {i + 1} ({one.TypeName})")));
                }
            }
        }

        return events.ToImmutable();
    }

    /// <summary>What differs, in words: an empty text when the events themselves give the value, null when nothing near does.</summary>
    /// <param name="events">What was expected to extend the register, in order.</param>
    /// <param name="initial">What the register holds before.</param>
    /// <param name="algorithm">Hash of the register.</param>
    /// <param name="value">The value that was reported.</param>
    public static string? Find(ImmutableArray<(ReadOnlyMemory<byte> Digest, string Name)> events, ReadOnlySpan<byte> initial, TcgAlgorithm algorithm, ReadOnlySpan<byte> value)
    {
        byte[] start = initial.ToArray(), wanted = value.ToArray();
        ReadOnlyMemory<byte>[] all = [.. events.Select(e => e.Digest)];

        // What the first n events give: every variant that keeps them starts there.
        byte[][] after = new byte[all.Length + 1][];
        after[0] = start;
        for (int i = 0; i < all.Length; i++)
        {
            after[i + 1] = Extend(algorithm, after[i], all[i]);
        }

        bool Gives(int keep, params ReadOnlySpan<ReadOnlyMemory<byte>> rest)
        {
            byte[] at = after[keep];
            foreach (ReadOnlyMemory<byte> digest in rest)
            {
                at = Extend(algorithm, at, digest);
            }

            return at.AsSpan().SequenceEqual(wanted);
        }

        if (Gives(all.Length))
        {
            return string.Empty;
        }

        for (int n = 0; n < all.Length; n++)
        {
            if (Gives(n))
            {
                return n == 0 ? "when nothing is measured into it" : $"when {events[n - 1].Name} is the last one that is measured into it";
            }
        }

        for (int i = 0; i < all.Length; i++)
        {
            if (Gives(i, all.AsSpan(i + 1)))
            {
                return $"without {events[i].Name}";
            }

            if (Gives(i + 1, all.AsSpan(i)))
            {
                return $"with {events[i].Name} twice";
            }

            if (i + 1 < all.Length && Gives(i, [all[i + 1], all[i], .. all.AsSpan(i + 2)]))
            {
                return $"with {events[i].Name} and {events[i + 1].Name} exchanged";
            }
        }

        return null;
    }

    private static byte[] Extend(TcgAlgorithm algorithm, byte[] value, ReadOnlyMemory<byte> digest)
    {
        byte[] next = new byte[algorithm.DigestLength()];
        algorithm.HashData((byte[])[.. value, .. digest.Span], next);
        return next;
    }
}
