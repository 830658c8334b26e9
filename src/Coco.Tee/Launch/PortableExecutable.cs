// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>PE/COFF images (EFI applications, kernels with an EFI stub), as far as their measurement needs it.</summary>
/// <remarks>Source: Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash".</remarks>
public static class PortableExecutable
{
    /// <summary>Longest image that is read, in bytes.</summary>
    public const int MaxLength = 512 * 1024 * 1024;

    private const int MaxSections = 96;
    private const int SectionHeaderLength = 40;
    private const int ChecksumAt = 64;
    private const int CertificateDirectory = 4;

    /// <summary>The digest that firmware measures for an image: of all but its checksum, its signatures and where they are.</summary>
    /// <param name="image">The file.</param>
    /// <param name="algorithm">The hash.</param>
    public static Result<ImmutableArray<byte>> ComputeAuthenticode(ReadOnlyMemory<byte> image, HashAlgorithmName algorithm)
    {
        ReadOnlySpan<byte> file = image.Span;
        if (file.Length > MaxLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"image has {file.Length} bytes, more than {MaxLength}") { Field = "image" };
        }

        if (file.Length < 64 || !file.StartsWith("MZ"u8))
        {
            return Refusal.Malformed("DOS header", 0, "not a PE image");
        }

        uint peAt = BinaryPrimitives.ReadUInt32LittleEndian(file[60..]);
        if (peAt > (uint)file.Length - 24 || !file[(int)peAt..].StartsWith("PE\0\0"u8))
        {
            return Refusal.Malformed("PE signature", peAt, "not there");
        }

        int coff = (int)peAt + 4;
        int sectionCount = BinaryPrimitives.ReadUInt16LittleEndian(file[(coff + 2)..]);
        int optionalLength = BinaryPrimitives.ReadUInt16LittleEndian(file[(coff + 16)..]);
        int optional = coff + 20;
        if (sectionCount > MaxSections || optional + optionalLength + (sectionCount * SectionHeaderLength) > file.Length)
        {
            return Refusal.Malformed("COFF header", coff, "headers go past the end, or too many sections");
        }

        ReadOnlySpan<byte> header = file.Slice(optional, optionalLength);
        int directories = optionalLength < 2 ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(header) switch
        {
            0x10B => 96,
            0x20B => 112,
            _ => 0,
        };
        if (directories == 0 || optionalLength < directories)
        {
            return Refusal.Malformed("optional header", optional, "neither PE32 nor PE32+");
        }

        uint directoryCount = BinaryPrimitives.ReadUInt32LittleEndian(header[(directories - 4)..]);
        uint headersLength = BinaryPrimitives.ReadUInt32LittleEndian(header[60..]);
        int certificateEntry = directories + (8 * CertificateDirectory);
        bool hasCertificates = directoryCount > CertificateDirectory && certificateEntry + 8 <= optionalLength;
        uint certificateLength = hasCertificates ? BinaryPrimitives.ReadUInt32LittleEndian(header[(certificateEntry + 4)..]) : 0;
        int headersEnd = optional + optionalLength + (sectionCount * SectionHeaderLength);
        if (headersLength > (uint)file.Length || headersLength < (uint)headersEnd)
        {
            return Refusal.Malformed("SizeOfHeaders", optional + 60, $"{headersLength}");
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(algorithm);
        hash.AppendData(file[..(optional + ChecksumAt)]);
        int behindChecksum = optional + ChecksumAt + 4;
        if (hasCertificates)
        {
            hash.AppendData(file[behindChecksum..(optional + certificateEntry)]);
            hash.AppendData(file[(optional + certificateEntry + 8)..(int)headersLength]);
        }
        else
        {
            hash.AppendData(file[behindChecksum..(int)headersLength]);
        }

        var sections = new List<(uint At, uint Length)>();
        for (int i = 0; i < sectionCount; i++)
        {
            int at = optional + optionalLength + (i * SectionHeaderLength);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 16)..]);
            uint start = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 20)..]);
            if ((ulong)start + length > (ulong)file.Length)
            {
                return Refusal.Malformed("section", at, "it goes past the end");
            }

            if (length > 0)
            {
                sections.Add((start, length));
            }
        }

        ulong hashed = headersLength;
        foreach ((uint start, uint length) in sections.OrderBy(s => s.At))
        {
            hash.AppendData(file.Slice((int)start, (int)length));
            hashed += length;
        }

        if (hashed + certificateLength > (ulong)file.Length)
        {
            return Refusal.Malformed("sections", optional, "they overlap, or the signatures go past the end");
        }

        int rest = file.Length - (int)hashed - (int)certificateLength;
        hash.AppendData(file.Slice((int)hashed, rest));
        return ImmutableArray.Create(hash.GetHashAndReset());
    }
}
