// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;

namespace Coco;

/// <summary>Primitive readings that keep slices where the encoding allows it.</summary>
internal static class AsnReaderExtensions
{
    /// <summary>An OCTET STRING; DER has only the primitive form, so this is a slice.</summary>
    internal static ReadOnlyMemory<byte> ReadPrimitiveOctetStringOrCopy(this AsnReader reader) =>
        reader.TryReadPrimitiveOctetString(out ReadOnlyMemory<byte> slice) ? slice : reader.ReadOctetString();

    /// <summary>A BIT STRING; DER has only the primitive form, so this is a slice.</summary>
    internal static ReadOnlyMemory<byte> ReadPrimitiveBitString(this AsnReader reader, out int unusedBits) =>
        reader.TryReadPrimitiveBitString(out unusedBits, out ReadOnlyMemory<byte> slice) ? slice : reader.ReadBitString(out unusedBits);
}
