// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Coco.Tee.EventLogs;

namespace Coco.Simulator.EventLogs;

/// <summary>Writes an event log in the form of firmware and attestation agents, and keeps what its registers would hold. Not thread-safe.</summary>
public sealed class SimulatedEventLog
{
    private readonly MemoryStream _records = new();
    private readonly byte[][] _registers;

    /// <summary>Begins with the first record, which names one algorithm.</summary>
    /// <param name="algorithm">Hash of the registers.</param>
    public SimulatedEventLog(TcgAlgorithm algorithm = TcgAlgorithm.Sha384)
    {
        Algorithm = algorithm;
        _registers = [.. Enumerable.Range(0, 24).Select(_ => new byte[algorithm.DigestLength()])];
        Span<byte> first = stackalloc byte[32 + 33];
        first.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(first[4..], TcgEventType.NoAction);
        BinaryPrimitives.WriteUInt32LittleEndian(first[28..], 33);
        "Spec ID Event03"u8.CopyTo(first[32..]);
        BinaryPrimitives.WriteUInt32LittleEndian(first[56..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(first[60..], (ushort)algorithm);
        BinaryPrimitives.WriteUInt16LittleEndian(first[62..], (ushort)algorithm.DigestLength());
        _records.Write(first);
    }

    /// <summary>Hash of the registers.</summary>
    public TcgAlgorithm Algorithm { get; }

    /// <summary>Adds an event and extends its register.</summary>
    /// <param name="register">Index as logs write it.</param>
    /// <param name="type">Event type; any number.</param>
    /// <param name="data">Event data.</param>
    /// <param name="digest">The digest; that of the data when null.</param>
    public SimulatedEventLog Add(uint register, uint type, ReadOnlySpan<byte> data, byte[]? digest = null)
    {
        if (digest is null)
        {
            digest = new byte[Algorithm.DigestLength()];
            Algorithm.HashData(data, digest);
        }

        Span<byte> head = stackalloc byte[14];
        BinaryPrimitives.WriteUInt32LittleEndian(head, register);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], type);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(head[12..], (ushort)Algorithm);
        _records.Write(head);
        _records.Write(digest);
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)data.Length);
        _records.Write(head[..4]);
        _records.Write(data);
        if (register < _registers.Length)
        {
            byte[] old = _registers[register];
            byte[] both = [.. old, .. digest];
            Algorithm.HashData(both, old);
        }

        return this;
    }

    /// <summary>Adds an event of the attestation agent.</summary>
    /// <param name="register">Index as logs write it.</param>
    /// <param name="one">The event.</param>
    public SimulatedEventLog Add(uint register, AgentEvent one)
    {
        ArgumentNullException.ThrowIfNull(one);
        return Add(register, TcgEventType.EventTag, one.ToTaggedEvent());
    }

    /// <summary>What a register holds now.</summary>
    /// <param name="register">Index as logs write it.</param>
    public byte[] Register(uint register) => [.. _registers[register]];

    /// <summary>RTMR 0 to 3 of a TD with this log.</summary>
    public byte[][] Rtmrs() => [Register(1), Register(2), Register(3), Register(4)];

    /// <summary>The log, with an end mark.</summary>
    /// <param name="unused">Bytes of unused area behind it, 8 at least for an end mark; 0 for none.</param>
    public byte[] ToArray(int unused = 8)
    {
        byte[] log = new byte[_records.Length + unused];
        _records.ToArray().CopyTo(log, 0);
        log.AsSpan((int)_records.Length).Fill(0xFF);
        return log;
    }
}
