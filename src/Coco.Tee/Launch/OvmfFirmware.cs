// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Launch;

/// <summary>What a section of a firmware's SEV metadata is for.</summary>
public enum OvmfSectionType : uint
{
    /// <summary>Memory that must be validated before the guest runs.</summary>
    SecureMemory = 1,

    /// <summary>The secrets page.</summary>
    Secrets = 2,

    /// <summary>The CPUID page.</summary>
    Cpuid = 3,

    /// <summary>Calling area of an SVSM.</summary>
    SvsmCallingArea = 4,

    /// <summary>The page that holds the hashes of kernel, initrd and command line.</summary>
    KernelHashes = 0x10,
}

/// <summary>A section of a firmware's SEV metadata.</summary>
/// <param name="Address">Guest physical address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Type">What it is for.</param>
public readonly record struct OvmfSection(uint Address, uint Size, OvmfSectionType Type);

/// <summary>A guest firmware image (OVMF) with the GUIDed table in its end that tells how it is launched. Immutable, thread-safe.</summary>
/// <remarks>Source: kubernetes.md 4.7; OVMF's reset vector, <c>ResetVectorVtf0.asm</c> and <c>AmdSevMetadata.asm</c>.</remarks>
public sealed class OvmfFirmware
{
    /// <summary>Largest image that is read, in bytes.</summary>
    public const int MaximumLength = 128 * 1024 * 1024;

    private const int PageLength = 4096;
    private const int EntryHeader = 18;
    private const int TableEndsBefore = 32;
    private const int MaximumSections = 256;
    private const uint MaximumSection = 64 * 1024 * 1024;

    private static readonly Guid Footer = new("96b582de-1fb2-45f7-baea-a366c55a082d");
    private static readonly Guid HashTable = new("7255371f-3a3b-4b04-927b-1da6efa8d454");
    private static readonly Guid ResetBlock = new("00f771de-1a7e-4fcb-890e-68c77e2fb44e");
    private static readonly Guid SecretArea = new("4c2eb361-7d9b-4cc3-8081-127c90d3d294");
    private static readonly Guid SevMetadata = new("dc886566-984a-4798-a75e-5585a7bf67cc");
    private static readonly Guid TdxMetadata = new("e47a6535-984a-4798-865e-4685a7bf8ec2");
    private static readonly Guid SvsmInfo = new("a789a612-0597-4c4b-a49f-cbb1fe9d1ddd");

    private readonly Dictionary<Guid, ReadOnlyMemory<byte>> _table;

    private OvmfFirmware(ReadOnlyMemory<byte> raw, Dictionary<Guid, ReadOnlyMemory<byte>> table, ImmutableArray<OvmfSection> sections)
    {
        Raw = raw;
        _table = table;
        Sections = sections;
    }

    /// <summary>The whole image.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>SEV metadata in the order of the file; empty when it has none.</summary>
    public ImmutableArray<OvmfSection> Sections { get; }

    /// <summary>Guest physical address of the table of kernel hashes; null when the firmware does not look at one.</summary>
    public uint? HashTableAddress => Number(HashTable) is { } address and not 0 ? address : null;

    /// <summary>Instruction pointer at which application processors start; null when the image does not say.</summary>
    public uint? ResetEip => Number(ResetBlock);

    /// <summary>Guest physical address of the area for launch secrets; null when the image has none.</summary>
    public uint? SecretAreaAddress => Number(SecretArea);

    /// <summary>Offset of the TDX metadata from the end of the image; null when it has none.</summary>
    public uint? TdxMetadataFromEnd => Number(TdxMetadata);

    /// <summary>Offset of the entry point of an SVSM image from its start; null when it is none.</summary>
    public uint? SvsmEntry => Number(SvsmInfo);

    /// <summary>Reads an image. One without a table is read too: it can be measured for SEV, without kernel.</summary>
    public static Result<OvmfFirmware> Parse(ReadOnlyMemory<byte> image)
    {
        if (image.Length is < PageLength or > MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"firmware of {image.Length} bytes, {PageLength} to {MaximumLength} are read");
        }

        if (!ReadTable(image).TryGet(out Dictionary<Guid, ReadOnlyMemory<byte>>? table, out Refusal? refusal)
            || !ReadSections(image, table).TryGet(out ImmutableArray<OvmfSection> sections, out refusal))
        {
            return refusal;
        }

        return new OvmfFirmware(image, table, sections);
    }

    private static Result<Dictionary<Guid, ReadOnlyMemory<byte>>> ReadTable(ReadOnlyMemory<byte> image)
    {
        var table = new Dictionary<Guid, ReadOnlyMemory<byte>>();
        int end = image.Length - TableEndsBefore;
        ReadOnlySpan<byte> footer = image.Span[(end - EntryHeader)..end];
        if (new Guid(footer[2..]) != Footer)
        {
            return table;
        }

        // The size counts the footer itself; entries are read from the last to the first.
        int length = BinaryPrimitives.ReadUInt16LittleEndian(footer) - EntryHeader;
        int at = end - EntryHeader;
        int start = at - length;
        if (length < 0 || start < 0)
        {
            return Refusal.Malformed("firmware table", end - EntryHeader, "its size lies outside the image");
        }

        while (at - start >= EntryHeader)
        {
            ReadOnlySpan<byte> header = image.Span[(at - EntryHeader)..at];
            int size = BinaryPrimitives.ReadUInt16LittleEndian(header);
            if (size < EntryHeader || size > at - start)
            {
                return Refusal.Malformed("firmware table entry", at - EntryHeader, $"size {size} does not fit");
            }

            table[new Guid(header[2..])] = image.Slice(at - size, size - EntryHeader);
            at -= size;
        }

        return table;
    }

    private static Result<ImmutableArray<OvmfSection>> ReadSections(ReadOnlyMemory<byte> image, Dictionary<Guid, ReadOnlyMemory<byte>> table)
    {
        if (!table.TryGetValue(SevMetadata, out ReadOnlyMemory<byte> pointer) || pointer.Length < 4)
        {
            return ImmutableArray<OvmfSection>.Empty;
        }

        uint fromEnd = BinaryPrimitives.ReadUInt32LittleEndian(pointer.Span);
        if (fromEnd > image.Length)
        {
            return Refusal.Malformed("SEV metadata", image.Length, $"offset {fromEnd} from the end lies outside the image");
        }

        int start = image.Length - (int)fromEnd;
        var reader = new ByteReader(image.Span[start..], start);
        if (!reader.TryRead(4, out ReadOnlySpan<byte> signature)
            || !reader.TryReadUInt32LittleEndian(out uint size)
            || !reader.TryReadUInt32LittleEndian(out uint version)
            || !reader.TryReadUInt32LittleEndian(out uint count)
            || !signature.SequenceEqual("ASEV"u8)
            || version != 1
            || count > MaximumSections
            || size < 16 + (count * 12))
        {
            return Refusal.Malformed("SEV metadata", start, "its header is not that of version 1");
        }

        ImmutableArray<OvmfSection>.Builder sections = ImmutableArray.CreateBuilder<OvmfSection>((int)count);
        for (uint i = 0; i < count; i++)
        {
            int at = reader.Offset;
            if (!reader.TryReadUInt32LittleEndian(out uint address) || !reader.TryReadUInt32LittleEndian(out uint length) || !reader.TryReadUInt32LittleEndian(out uint type))
            {
                return Refusal.Malformed("SEV metadata section", at, "lies outside the image");
            }

            if (length % PageLength != 0 || length > MaximumSection)
            {
                return Refusal.Malformed("SEV metadata section", at + 4, $"size {length} is no whole number of pages, or too large");
            }

            sections.Add(new OvmfSection(address, length, (OvmfSectionType)type));
        }

        return sections.MoveToImmutable();
    }

    private uint? Number(Guid id) =>
        _table.TryGetValue(id, out ReadOnlyMemory<byte> data) && data.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(data.Span) : null;
}
