// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;

namespace Coco.Testing;

/// <summary>PE files (PE32+), as kernels and unified kernel images are.</summary>
public static class PortableExecutables
{
    /// <summary>One with these sections.</summary>
    public static byte[] Make(params (string Name, byte[] Content)[] sections)
    {
        const int Header = 0x40, Table = Header + 24 + 240;
        int at = 0x400;
        var image = new List<byte>(new byte[at]);
        byte[] head = new byte[at];
        "MZ"u8.CopyTo(head);
        head[60] = Header;
        "PE\0\0"u8.CopyTo(head.AsSpan(Header));
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(Header + 6), (ushort)sections.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(Header + 20), 240);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(Header + 24), 0x20B);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Header + 24 + 60), at);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Header + 24 + 108), 16);
        for (int i = 0; i < sections.Length; i++)
        {
            (string name, byte[] content) = sections[i];
            int padded = (content.Length + 511) / 512 * 512;
            Span<byte> entry = head.AsSpan(Table + (40 * i), 40);
            Encoding.ASCII.GetBytes(name, entry);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], content.Length);
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], padded);
            BinaryPrimitives.WriteInt32LittleEndian(entry[20..], at);
            image.AddRange(content);
            image.AddRange(new byte[padded - content.Length]);
            at += padded;
        }

        return [.. head, .. image.Skip(head.Length)];
    }
}
