// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco;

/// <summary>A bounded cursor over untrusted bytes. Every read says whether there was enough; none throws, none reads past the end.</summary>
/// <param name="data">The region. Offsets are counted from its start plus <paramref name="origin"/>.</param>
/// <param name="origin">Offset of the region in the whole input, so that an error can name where it is.</param>
public ref struct ByteReader(ReadOnlySpan<byte> data, int origin = 0)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private readonly int _origin = origin;
    private int _position;

    /// <summary>Bytes not yet read.</summary>
    public readonly int Remaining => _data.Length - _position;

    /// <summary>Offset of the next byte in the whole input.</summary>
    public readonly int Offset => _origin + _position;

    /// <summary>The bytes not yet read, without moving.</summary>
    public readonly ReadOnlySpan<byte> Rest => _data[_position..];

    /// <summary>Reads <paramref name="count"/> bytes; false (and no move) when there are fewer or the count is negative.</summary>
    public bool TryRead(int count, out ReadOnlySpan<byte> bytes)
    {
        if (count < 0 || count > Remaining)
        {
            bytes = default;
            return false;
        }

        bytes = _data.Slice(_position, count);
        _position += count;
        return true;
    }

    /// <summary>Moves over <paramref name="count"/> bytes.</summary>
    public bool TrySkip(int count) => TryRead(count, out _);

    /// <summary>Reads one byte.</summary>
    public bool TryReadByte(out byte value)
    {
        if (TryRead(1, out ReadOnlySpan<byte> b))
        {
            value = b[0];
            return true;
        }

        value = 0;
        return false;
    }

    /// <summary>Reads an unsigned 16-bit little-endian number.</summary>
    public bool TryReadUInt16LittleEndian(out ushort value)
    {
        bool ok = TryRead(2, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt16LittleEndian(b) : (ushort)0;
        return ok;
    }

    /// <summary>Reads an unsigned 32-bit little-endian number.</summary>
    public bool TryReadUInt32LittleEndian(out uint value)
    {
        bool ok = TryRead(4, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;
        return ok;
    }

    /// <summary>Reads an unsigned 64-bit little-endian number.</summary>
    public bool TryReadUInt64LittleEndian(out ulong value)
    {
        bool ok = TryRead(8, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt64LittleEndian(b) : 0;
        return ok;
    }

    /// <summary>Reads an unsigned 16-bit big-endian number.</summary>
    public bool TryReadUInt16BigEndian(out ushort value)
    {
        bool ok = TryRead(2, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt16BigEndian(b) : (ushort)0;
        return ok;
    }

    /// <summary>Reads an unsigned 32-bit big-endian number.</summary>
    public bool TryReadUInt32BigEndian(out uint value)
    {
        bool ok = TryRead(4, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt32BigEndian(b) : 0;
        return ok;
    }

    /// <summary>Reads an unsigned 64-bit big-endian number.</summary>
    public bool TryReadUInt64BigEndian(out ulong value)
    {
        bool ok = TryRead(8, out ReadOnlySpan<byte> b);
        value = ok ? BinaryPrimitives.ReadUInt64BigEndian(b) : 0;
        return ok;
    }

    /// <summary>Reads a region with a 16-bit little-endian length in front, as a reader of its own.</summary>
    public bool TryReadPrefixed16LittleEndian(out ByteReader inner)
    {
        int start = _position;
        if (TryReadUInt16LittleEndian(out ushort length) && TryReadRegion(length, out inner))
        {
            return true;
        }

        _position = start;
        inner = default;
        return false;
    }

    /// <summary>Reads a region with a 16-bit big-endian length in front, as a reader of its own.</summary>
    public bool TryReadPrefixed16BigEndian(out ByteReader inner)
    {
        int start = _position;
        if (TryReadUInt16BigEndian(out ushort length) && TryReadRegion(length, out inner))
        {
            return true;
        }

        _position = start;
        inner = default;
        return false;
    }

    /// <summary>Reads a region with a 32-bit little-endian length in front, as a reader of its own.</summary>
    public bool TryReadPrefixed32LittleEndian(out ByteReader inner)
    {
        int start = _position;
        if (TryReadUInt32LittleEndian(out uint length) && length <= int.MaxValue && TryReadRegion((int)length, out inner))
        {
            return true;
        }

        _position = start;
        inner = default;
        return false;
    }

    /// <summary>Reads the next <paramref name="count"/> bytes as a reader of its own whose offsets go on from here.</summary>
    public bool TryReadRegion(int count, out ByteReader inner)
    {
        int at = Offset;
        if (TryRead(count, out ReadOnlySpan<byte> bytes))
        {
            inner = new ByteReader(bytes, at);
            return true;
        }

        inner = default;
        return false;
    }
}
