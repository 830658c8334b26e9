// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Launch;

/// <summary>A part of a TD's first memory.</summary>
/// <param name="DataOffset">Offset of its content in the image.</param>
/// <param name="DataLength">Length of its content in the image; what is missing to the memory's length are zeros.</param>
/// <param name="Address">Guest physical address.</param>
/// <param name="Length">Length in memory.</param>
/// <param name="Type">What it is for: 0 BFV, 1 CFV, 2 TD HOB, 3 temporary memory, 4 permanent memory, 5 payload, 6 payload parameters.</param>
/// <param name="Attributes">Bit 0: content is measured. Bit 1: pages are added after launch, so nothing is measured.</param>
public sealed record TdvfSection(uint DataOffset, uint DataLength, ulong Address, ulong Length, uint Type, uint Attributes)
{
    /// <summary>Whether the content is measured, not only that the pages exist.</summary>
    public bool IsExtended => (Attributes & 1) != 0;

    /// <summary>Whether the pages are added only after the launch.</summary>
    public bool IsAugmented => (Attributes & 2) != 0;
}

/// <summary>The TDX metadata of a firmware image: which memory a TD begins with.</summary>
/// <remarks>Source: Intel TDX Virtual Firmware Design Guide, section 11 (TDVF descriptor); kubernetes.md 4.5.</remarks>
public static class TdvfMetadata
{
    private const int DescriptorLength = 16;
    private const int SectionLength = 32;
    private const int MaxSections = 64;
    private const int PageLength = 4096;
    private const ulong MaxMeasuredLength = 512UL * 1024 * 1024;

    private static readonly Guid Metadata = new("e47a6535-984a-4798-865e-4685a7bf8ec2");

    /// <summary>Reads the sections of an image.</summary>
    public static Result<ImmutableArray<TdvfSection>> Parse(ReadOnlyMemory<byte> image)
    {
        if (!FirmwareGuidTable.Parse(image).TryGet(out FirmwareGuidTable? table, out Refusal? refusal))
        {
            return refusal;
        }

        if (table.Find(Metadata) is not { Length: 4 } pointer)
        {
            return new Refusal(RefusalCode.Unsupported, "firmware image has no TDX metadata") { Field = "TDX metadata" };
        }

        uint fromEnd = BinaryPrimitives.ReadUInt32LittleEndian(pointer.Span);
        if (fromEnd > (uint)image.Length || fromEnd < DescriptorLength)
        {
            return Refusal.Malformed("TDX metadata", 0, $"offset {fromEnd} from the end");
        }

        int at = image.Length - (int)fromEnd;
        ReadOnlySpan<byte> descriptor = image.Span[at..];
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[12..]);
        if (!descriptor.StartsWith("TDVF"u8) || BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]) != 1)
        {
            return Refusal.Malformed("TDVF descriptor", at, "wrong signature or version");
        }

        if (count == 0 || count > MaxSections || DescriptorLength + (count * SectionLength) > (uint)descriptor.Length)
        {
            return Refusal.Malformed("NumberOfSectionEntries", at + 12, $"{count} sections");
        }

        ImmutableArray<TdvfSection>.Builder sections = ImmutableArray.CreateBuilder<TdvfSection>((int)count);
        ulong measured = 0;
        for (int i = 0; i < (int)count; i++)
        {
            int sectionAt = DescriptorLength + (i * SectionLength);
            ReadOnlySpan<byte> s = descriptor.Slice(sectionAt, SectionLength);
            var section = new TdvfSection(
                BinaryPrimitives.ReadUInt32LittleEndian(s),
                BinaryPrimitives.ReadUInt32LittleEndian(s[4..]),
                BinaryPrimitives.ReadUInt64LittleEndian(s[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(s[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(s[24..]),
                BinaryPrimitives.ReadUInt32LittleEndian(s[28..]));
            if ((ulong)section.DataOffset + section.DataLength > (ulong)image.Length || section.DataLength > section.Length
                || section.Address % PageLength != 0 || section.Length % PageLength != 0 || section.Address + section.Length < section.Address)
            {
                return Refusal.Malformed("TDVF section", at + sectionAt, "it lies outside of the image, or is not made of pages");
            }

            measured += section.IsAugmented ? 0 : section.Length;
            if (measured > MaxMeasuredLength || (section.IsAugmented && section.IsExtended))
            {
                return Refusal.Malformed("TDVF section", at + sectionAt, "too much memory to measure, or contradicting attributes");
            }

            sections.Add(section);
        }

        return sections.MoveToImmutable();
    }
}
