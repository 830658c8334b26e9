// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco.Simulator;

/// <summary>Puts big-endian structures together.</summary>
internal sealed class BigEndianWriter
{
    private readonly MemoryStream _bytes = new();

    public BigEndianWriter Byte(byte value)
    {
        _bytes.WriteByte(value);
        return this;
    }

    public BigEndianWriter UInt16(ushort value)
    {
        Span<byte> buffer = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(buffer, value);
        _bytes.Write(buffer);
        return this;
    }

    public BigEndianWriter UInt32(uint value)
    {
        Span<byte> buffer = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(buffer, value);
        _bytes.Write(buffer);
        return this;
    }

    public BigEndianWriter UInt64(ulong value)
    {
        Span<byte> buffer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(buffer, value);
        _bytes.Write(buffer);
        return this;
    }

    public BigEndianWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    /// <summary>With a 16-bit length in front.</summary>
    public BigEndianWriter Sized(ReadOnlySpan<byte> value) => UInt16((ushort)value.Length).Bytes(value);

    public byte[] ToArray() => _bytes.ToArray();
}
