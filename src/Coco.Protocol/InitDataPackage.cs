// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.IO.Compression;

namespace Coco.Protocol;

/// <summary>The forms in which init-data travels: the pod annotation (base64 of gzip) and the block device (guest.md 17.3).</summary>
public static class InitDataPackage
{
    private const int HeaderBytes = 16;
    private const int SectorBytes = 512;
    private const int GzipTrailerBytes = 8;
    private static ReadOnlySpan<byte> Magic => "initdata"u8;

    /// <summary>The document of an annotation.</summary>
    public static Result<byte[]> FromAnnotation(string annotation, int maxBytes = InitData.DefaultMaxBytes)
    {
        ArgumentNullException.ThrowIfNull(annotation);
        if (annotation.Length > 2 * maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"init-data annotation of {annotation.Length} characters");
        }

        return StrictBase64.DecodeStandard(annotation).TryGet(out byte[]? gzip, out Refusal? refusal)
            ? Gunzip(gzip, maxBytes)
            : refusal.Within("init-data annotation");
    }

    /// <summary>The annotation of a document.</summary>
    public static string ToAnnotation(ReadOnlySpan<byte> document) => StrictBase64.EncodeStandard(Gzip(document));

    /// <summary>The document on a block device (or a copy of it): magic, little-endian length, gzip, padding.</summary>
    public static Result<byte[]> FromDisk(ReadOnlySpan<byte> disk, int maxBytes = InitData.DefaultMaxBytes)
    {
        if (disk.Length < HeaderBytes)
        {
            return Refusal.Malformed("init-data disk", disk.Length, "ends inside the header");
        }

        if (!disk[..Magic.Length].SequenceEqual(Magic))
        {
            return Refusal.Malformed("init-data disk", 0, "no magic");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(disk[Magic.Length..]);
        if (length > (ulong)(disk.Length - HeaderBytes))
        {
            return Refusal.Malformed("init-data disk", Magic.Length, "length beyond the end");
        }

        return Gunzip(disk.Slice(HeaderBytes, (int)length), maxBytes);
    }

    /// <summary>The content of the block device for a document, a multiple of 512 bytes.</summary>
    public static byte[] ToDisk(ReadOnlySpan<byte> document)
    {
        byte[] gzip = Gzip(document);
        int length = (HeaderBytes + gzip.Length + SectorBytes - 1) / SectorBytes * SectorBytes;
        byte[] disk = new byte[length];
        Magic.CopyTo(disk);
        BinaryPrimitives.WriteUInt64LittleEndian(disk.AsSpan(Magic.Length), (ulong)gzip.Length);
        gzip.CopyTo(disk, HeaderBytes);
        return disk;
    }

    private static byte[] Gzip(ReadOnlySpan<byte> document)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.SmallestSize))
        {
            gzip.Write(document);
        }

        return output.ToArray();
    }

    private static Result<byte[]> Gunzip(ReadOnlySpan<byte> bytes, int maxBytes)
    {
        if (bytes.Length < 18)
        {
            return new Refusal(RefusalCode.Malformed, "init-data: not gzip");
        }

        try
        {
            using var input = new MemoryStream(bytes.ToArray(), writable: false);
            using var gzip = new GZipStream(input, CompressionMode.Decompress);
            using var output = new MemoryStream();
            byte[] buffer = new byte[16 * 1024];
            int read;
            while ((read = gzip.Read(buffer)) > 0)
            {
                if (output.Length + read > maxBytes)
                {
                    return new Refusal(RefusalCode.TooLarge, $"init-data: more than {maxBytes} bytes when unpacked");
                }

                output.Write(buffer, 0, read);
            }

            // The stream ends quietly when its input is cut; the length at the very end of a whole member says so.
            byte[] document = output.ToArray();
            return BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) == (uint)document.Length
                ? document
                : new Refusal(RefusalCode.Malformed, "init-data: the gzip stream ends early, or more follows it") { Offset = bytes.Length - GzipTrailerBytes };
        }
        catch (InvalidDataException)
        {
            return new Refusal(RefusalCode.Malformed, "init-data: not gzip, or damaged");
        }
    }
}
