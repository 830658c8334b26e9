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
    public const int MaximumLength = FirmwareGuidTable.MaxImageLength;

    private const int PageLength = 4096;
    private const int MaximumSections = 256;
    private const uint MaximumSection = 64 * 1024 * 1024;

    private static readonly Guid HashTable = new("7255371f-3a3b-4b04-927b-1da6efa8d454");
    private static readonly Guid ResetBlock = new("00f771de-1a7e-4fcb-890e-68c77e2fb44e");
    private static readonly Guid SecretArea = new("4c2eb361-7d9b-4cc3-8081-127c90d3d294");
    private static readonly Guid SevMetadata = new("dc886566-984a-4798-a75e-5585a7bf67cc");
    private static readonly Guid SvsmInfo = new("a789a612-0597-4c4b-a49f-cbb1fe9d1ddd");

    private readonly FirmwareGuidTable? _table;

    private OvmfFirmware(ReadOnlyMemory<byte> raw, FirmwareGuidTable? table, ImmutableArray<OvmfSection> sections)
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

    /// <summary>Offset of the entry point of an SVSM image from its start; null when it is none.</summary>
    public uint? SvsmEntry => Number(SvsmInfo);

    /// <summary>Reads an image. One without a table is read too: it can be measured for SEV, without kernel.</summary>
    public static Result<OvmfFirmware> Parse(ReadOnlyMemory<byte> image)
    {
        if (image.Length is < PageLength or > MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"firmware of {image.Length} bytes, {PageLength} to {MaximumLength} are read");
        }

        if (!FirmwareGuidTable.Parse(image).TryGet(out FirmwareGuidTable? table, out Refusal? refusal) && refusal.Code != RefusalCode.Unsupported)
        {
            return refusal;
        }

        return ReadSections(image, table).TryGet(out ImmutableArray<OvmfSection> sections, out refusal)
            ? new OvmfFirmware(image, table, sections)
            : refusal;
    }

    private static Result<ImmutableArray<OvmfSection>> ReadSections(ReadOnlyMemory<byte> image, FirmwareGuidTable? table)
    {
        if (table?.Find(SevMetadata) is not { Length: >= 4 } pointer)
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
        _table?.Find(id) is { Length: >= 4 } data ? BinaryPrimitives.ReadUInt32LittleEndian(data.Span) : null;
}
