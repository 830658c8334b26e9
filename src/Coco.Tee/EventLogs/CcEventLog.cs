// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text.Json.Nodes;

namespace Coco.Tee.EventLogs;

/// <summary>
/// A confidential-computing event log: a first record in the old form that names the digest lengths, then records of TCG_PCR_EVENT2, then an
/// end mark or the end. Also the log of an attestation agent, which has the same form. Immutable, thread-safe.
/// </summary>
/// <remarks>Source: TCG PC Client Platform Firmware Profile section 10; tee-evidence.md 4. Strict: one malformed record refuses the whole log.</remarks>
public sealed class CcEventLog
{
    /// <summary>Most events that are read.</summary>
    public const int MaxEvents = 4096;

    /// <summary>Longest log that is read, in bytes, unused area included.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    private const int FirstRecordLength = 32;
    private const int SpecIdFixedLength = 24;
    private const int EndMarkLength = 8;
    private const int MaxAlgorithms = 16;

    private CcEventLog(CcEventList events, int bytesUsed)
    {
        Events = events;
        BytesUsed = bytesUsed;
    }

    /// <summary>The events behind the first record.</summary>
    public CcEventList Events { get; }

    /// <summary>Offset of the end mark, or of the end.</summary>
    public int BytesUsed { get; }

    /// <summary>Reads a log.</summary>
    /// <param name="bytes">The log, with or without its unused area.</param>
    public static Result<CcEventLog> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"event log has {bytes.Length} bytes, more than {MaxLength}") { Field = "event log" };
        }

        var reader = new ByteReader(bytes.Span);
        var lengths = new DigestLengths();
        if (ReadFirst(ref reader, lengths) is { } first)
        {
            return first;
        }

        // Most logs have some dozens of events. The array is the pool's until their number is known.
        CcEventPlace[] events = ArrayPool<CcEventPlace>.Shared.Rent(256);
        int count = 0;
        try
        {
            while (reader.Remaining > 0)
            {
                if (reader.Remaining < EndMarkLength)
                {
                    return Refusal.Malformed("end mark", reader.Offset, $"{reader.Remaining} bytes are neither a record nor an end mark");
                }

                ReadOnlySpan<byte> next = reader.Rest[..EndMarkLength];
                if (!next.ContainsAnyExcept((byte)0xFF) || !next.ContainsAnyExcept((byte)0x00))
                {
                    break;
                }

                if (count == MaxEvents)
                {
                    return new Refusal(RefusalCode.TooLarge, $"event log has more than {MaxEvents} events") { Field = "event log", Offset = reader.Offset };
                }

                if (!ReadEvent(ref reader, lengths).TryGet(out CcEventPlace one, out Refusal? refusal))
                {
                    return refusal;
                }

                if (count == events.Length)
                {
                    CcEventPlace[] larger = ArrayPool<CcEventPlace>.Shared.Rent(2 * count);
                    events.CopyTo(larger, 0);
                    ArrayPool<CcEventPlace>.Shared.Return(events);
                    events = larger;
                }

                events[count++] = one;
            }

            return new CcEventLog(new CcEventList(bytes, lengths, events[..count]), reader.Offset);
        }
        finally
        {
            ArrayPool<CcEventPlace>.Shared.Return(events);
        }
    }

    /// <summary>What a register holds after all events that extended it: zeros when there is none.</summary>
    /// <param name="register">Index as the log writes it.</param>
    /// <param name="algorithm">The register's hash.</param>
    /// <returns>The value; empty for an algorithm that is not computed here.</returns>
    public byte[] Replay(uint register, TcgAlgorithm algorithm)
    {
        if (!algorithm.IsComputed())
        {
            return [];
        }

        byte[] value = new byte[algorithm.DigestLength()];
        Span<byte> buffer = stackalloc byte[2 * TcgAlgorithms.MaxDigestLength];
        foreach (CcEvent one in Events)
        {
            if (one.Register != register)
            {
                continue;
            }

            foreach (EventDigest digest in one.Digests)
            {
                if (digest.Algorithm == algorithm)
                {
                    value.CopyTo(buffer);
                    digest.Value.Span.CopyTo(buffer[value.Length..]);
                    algorithm.HashData(buffer[..(value.Length + digest.Value.Length)], value);
                }
            }
        }

        return value;
    }

    /// <summary>Replays one register and compares; null when it holds what it must.</summary>
    /// <param name="register">Index as the log writes it.</param>
    /// <param name="algorithm">The register's hash.</param>
    /// <param name="given">What the evidence says the register holds.</param>
    public Refusal? CheckReplay(uint register, TcgAlgorithm algorithm, ReadOnlySpan<byte> given)
    {
        byte[] value = Replay(register, algorithm);
        return value.Length > 0 && value.AsSpan().SequenceEqual(given)
            ? null
            : new Refusal(
                RefusalCode.Mismatch,
                $"Eventlog does not pass measurement replay CC Event Log Measurement Register [index = {register}]. "
                + $"Calculated value: {Convert.ToHexStringLower(value)}, Given value: {Convert.ToHexStringLower(given)}");
    }

    /// <summary>The claim <c>uefi_event_logs</c>: one object for each event, with its data read as its type says. Strict like the log itself.</summary>
    public Result<JsonArray> ToClaims() => EventLogClaims.Write(this);

    private static Refusal? ReadFirst(ref ByteReader reader, DigestLengths lengths)
    {
        if (!reader.TrySkip(4) || !reader.TryReadUInt32LittleEndian(out uint type) || !reader.TrySkip(20) || !reader.TryReadUInt32LittleEndian(out uint size))
        {
            return Refusal.Malformed("first record", 0, $"fewer than {FirstRecordLength} bytes");
        }

        if (type != TcgEventType.NoAction)
        {
            return null;
        }

        int at = reader.Offset;
        if (size > (uint)reader.Remaining || !reader.TryReadRegion((int)size, out ByteReader data))
        {
            return Refusal.Malformed("first record, event size", 28, $"{size} bytes go past the end");
        }

        if (!data.TrySkip(SpecIdFixedLength) || !data.TryReadUInt32LittleEndian(out uint count))
        {
            return Refusal.Malformed("TCG_EfiSpecIdEvent", at, "too short");
        }

        if (count > MaxAlgorithms)
        {
            return new Refusal(RefusalCode.TooLarge, $"first record names {count} algorithms, more than {MaxAlgorithms}")
            {
                Field = "numberOfAlgorithms",
                Offset = at + SpecIdFixedLength,
            };
        }

        for (int i = 0; i < (int)count; i++)
        {
            int entryAt = data.Offset;
            if (!data.TryReadUInt16LittleEndian(out ushort algorithm) || !data.TryReadUInt16LittleEndian(out ushort length))
            {
                return Refusal.Malformed("digestSizes", entryAt, "the first record ends here");
            }

            int expected = ((TcgAlgorithm)algorithm).DigestLength();
            if (length == 0 || (expected != 0 && length != expected))
            {
                return Refusal.Malformed("digestSize", entryAt + 2, $"{length} is not the length of a digest of algorithm 0x{algorithm:x}");
            }

            if (lengths.Of(algorithm) != 0)
            {
                return Refusal.Malformed("digestSizes", entryAt, $"algorithm 0x{algorithm:x} occurs twice");
            }

            lengths.Add(algorithm, length);
        }

        int vendorAt = data.Offset;
        if (!data.TryReadByte(out byte vendor) || !data.TrySkip(vendor) || data.Remaining != 0)
        {
            return Refusal.Malformed("vendorInfoSize", vendorAt, "Unexpected data size consumed for detecting digests");
        }

        return null;
    }

    private static Result<CcEventPlace> ReadEvent(ref ByteReader reader, DigestLengths lengths)
    {
        int start = reader.Offset;
        if (!reader.TryReadUInt32LittleEndian(out _) || !reader.TryReadUInt32LittleEndian(out uint type)
            || !reader.TryReadUInt32LittleEndian(out uint count))
        {
            return Refusal.Malformed("record", start, "the log ends inside of it");
        }

        if (TcgEventType.ToName(type) is null)
        {
            return Refusal.Malformed("event type", start + 4, $"0x{type:x} is not known");
        }

        // A digest takes at least an identifier and one byte, so this bounds the count before anything is allocated.
        if (count > (uint)reader.Remaining / 3)
        {
            return Refusal.Malformed("digest count", start + 8, $"{count} digests go past the end");
        }

        for (uint i = 0; i < count; i++)
        {
            int at = reader.Offset;
            if (!reader.TryReadUInt16LittleEndian(out ushort algorithm))
            {
                return Refusal.Malformed("digest algorithm", at, "the log ends here");
            }

            int length = lengths.Of(algorithm);
            if (length == 0 || !TcgAlgorithms.IsKnown(algorithm))
            {
                return Refusal.Malformed("digest algorithm", at, $"algorithm 0x{algorithm:x} is not known, or the first record does not name it");
            }

            int digestAt = reader.Offset;
            if (!reader.TrySkip(length))
            {
                return Refusal.Malformed("digest", digestAt, "the log ends inside of it");
            }
        }

        int sizeAt = reader.Offset;
        if (!reader.TryReadUInt32LittleEndian(out uint dataLength) || dataLength > (uint)reader.Remaining)
        {
            return Refusal.Malformed("event size", sizeAt, "the event data go past the end");
        }

        int dataAt = reader.Offset;
        reader.TrySkip((int)dataLength);
        return new CcEventPlace(start, dataAt, (int)dataLength);
    }
}
