// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Csv;

/// <summary>Puts the members of a certificate in JSON back into the bytes that were signed.</summary>
internal sealed class HygonCertificateWriter(int size)
{
    private readonly byte[] _bytes = new byte[size];
    private int _position;

    /// <summary>The bytes, all written.</summary>
    public ReadOnlyMemory<byte> Written =>
        _position == _bytes.Length ? _bytes : throw new InvalidOperationException("internal: a certificate field is missing");

    public Refusal? UInt32(JsonElement parent, string name) => Number(parent, name, 4);

    public Refusal? UInt16(JsonElement parent, string name) => Number(parent, name, 2);

    public Refusal? Byte(JsonElement parent, string name) => Number(parent, name, 1);

    public Refusal? Bytes(JsonElement parent, string name, int length)
    {
        if (!EvidenceFields.ByteArray(parent, name, length, length).TryGet(out ReadOnlyMemory<byte> bytes, out Refusal? refusal))
        {
            return refusal;
        }

        bytes.Span.CopyTo(_bytes.AsSpan(_position));
        _position += length;
        return null;
    }

    private Refusal? Number(JsonElement parent, string name, int width)
    {
        if (!EvidenceFields.UInt32(parent, name).TryGet(out uint value, out Refusal? refusal))
        {
            return refusal;
        }

        if (width < 4 && value >> (8 * width) != 0)
        {
            return EvidenceFields.Bad(name, $"{value} does not fit {width} bytes");
        }

        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(four, value);
        four[..width].CopyTo(_bytes.AsSpan(_position));
        _position += width;
        return null;
    }
}
