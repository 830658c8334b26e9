// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Tee.Launch;

/// <summary>Computes what a TD's registers will hold, from what it is launched with.</summary>
/// <remarks>
/// Sources: Intel TDX module specification (TDH.MEM.PAGE.ADD, TDH.MR.EXTEND, TDH.MR.FINALIZE); UEFI 2.10 section 38; Linux EFI stub.
/// RTMR0 is not computed: it holds what the host makes for one machine (the hand-off block with the memory map, ACPI tables, boot variables), which
/// depends on the monitor's version and every device. Replay an event log of a guest that was launched the same way.
/// </remarks>
public static class TdxMeasurement
{
    /// <summary>Length of every register.</summary>
    public const int RegisterLength = 48;

    private const int PageLength = 4096;
    private const int ChunkLength = 256;
    private const int HeaderLength = 128;
    private const int AddressAt = 16;

    /// <summary>MRTD of a TD that begins with a firmware image.</summary>
    /// <param name="image">The firmware, with TDX metadata.</param>
    /// <param name="order">What the host does.</param>
    public static Result<ImmutableArray<byte>> ComputeMrTd(ReadOnlyMemory<byte> image, TdxPageOrder order = TdxPageOrder.PageByPage)
    {
        if (!TdvfMetadata.Parse(image).TryGet(out ImmutableArray<TdvfSection> sections, out Refusal? refusal))
        {
            return refusal;
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        foreach (TdvfSection section in sections)
        {
            if (section.IsAugmented)
            {
                continue;
            }

            for (ulong offset = 0; offset < section.Length; offset += PageLength)
            {
                AppendHeader(hash, "MEM.PAGE.ADD"u8, section.Address + offset);
                if (section.IsExtended && order == TdxPageOrder.PageByPage)
                {
                    AppendPage(hash, image.Span, section, offset);
                }
            }

            if (section.IsExtended && order == TdxPageOrder.SectionBySection)
            {
                for (ulong offset = 0; offset < section.Length; offset += PageLength)
                {
                    AppendPage(hash, image.Span, section, offset);
                }
            }
        }

        return ImmutableArray.Create(hash.GetHashAndReset());
    }

    /// <summary>RTMR1 when the firmware starts a kernel directly: the kernel image, and the firmware's own marks around it.</summary>
    /// <param name="kernel">The kernel as the firmware gets it from the host (a host may have written into its header).</param>
    public static Result<ImmutableArray<byte>> ComputeRtmr1(ReadOnlyMemory<byte> kernel) => KernelDigest(kernel).TryGet(out ImmutableArray<byte> image, out Refusal? refusal)
        ? Extend(
        [
            image,
            Digest("Calling EFI Application from Boot Option"u8),
            Digest("Exit Boot Services Invocation"u8),
            Digest("Exit Boot Services Returned with Success"u8),
        ])
        : refusal;

    /// <summary>RTMR2 when the firmware starts a kernel directly: what the kernel's EFI stub measures.</summary>
    /// <param name="commandLine">The kernel command line.</param>
    /// <param name="initrd">The initial RAM disk; null for none.</param>
    /// <param name="firmwareNamesInitrd">Whether the firmware appends <c> initrd=initrd</c> to the command line (OVMF does when it loads one).</param>
    public static ImmutableArray<byte> ComputeRtmr2(string commandLine, ReadOnlyMemory<byte>? initrd, bool firmwareNamesInitrd = true)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        return ComputeRtmr2(commandLine, initrd is { } disk ? Digest(disk.Span) : null, firmwareNamesInitrd);
    }

    /// <summary>What the kernel's EFI stub measures for its command line (event <c>LOADED_IMAGE::LoadOptions</c>): the default policy's <c>tdvfkernelparams</c>.</summary>
    /// <param name="commandLine">The kernel command line.</param>
    /// <param name="firmwareNamesInitrd">Whether the firmware appends <c> initrd=initrd</c> to it.</param>
    public static ImmutableArray<byte> LoadOptionsDigest(string commandLine, bool firmwareNamesInitrd)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        return Digest(Encoding.Unicode.GetBytes(commandLine + (firmwareNamesInitrd ? " initrd=initrd" : string.Empty) + "\0"));
    }

    /// <summary>What the firmware measures for a kernel: the default policy's <c>tdvfkernel</c>.</summary>
    public static Result<ImmutableArray<byte>> KernelDigest(ReadOnlyMemory<byte> kernel) => PortableExecutable.ComputeAuthenticode(kernel, HashAlgorithmName.SHA384);

    internal static ImmutableArray<byte> ComputeRtmr2(string commandLine, ImmutableArray<byte>? initrdDigest, bool firmwareNamesInitrd)
    {
        ImmutableArray<byte> options = LoadOptionsDigest(commandLine, initrdDigest is not null && firmwareNamesInitrd);
        return Extend(initrdDigest is { } disk ? [options, disk] : [options]);
    }

    /// <summary>What a register holds after the extension of digests, in their order.</summary>
    public static ImmutableArray<byte> Extend(IEnumerable<ImmutableArray<byte>> digests)
    {
        ArgumentNullException.ThrowIfNull(digests);
        Span<byte> both = stackalloc byte[2 * RegisterLength];
        both.Clear();
        foreach (ImmutableArray<byte> digest in digests)
        {
            digest.AsSpan()[..RegisterLength].CopyTo(both[RegisterLength..]);
            SHA384.HashData(both, both[..RegisterLength]);
        }

        return ImmutableArray.Create(both[..RegisterLength]);
    }

    internal static ImmutableArray<byte> Digest(ReadOnlySpan<byte> data) => ImmutableArray.Create(SHA384.HashData(data));

    private static void AppendPage(IncrementalHash hash, ReadOnlySpan<byte> image, TdvfSection section, ulong offset)
    {
        Span<byte> page = stackalloc byte[PageLength];
        page.Clear();
        if (offset < section.DataLength)
        {
            int length = (int)Math.Min((ulong)PageLength, section.DataLength - offset);
            image.Slice((int)(section.DataOffset + offset), length).CopyTo(page);
        }

        for (int at = 0; at < PageLength; at += ChunkLength)
        {
            AppendHeader(hash, "MR.EXTEND"u8, section.Address + offset + (ulong)at);
            hash.AppendData(page.Slice(at, ChunkLength));
        }
    }

    private static void AppendHeader(IncrementalHash hash, ReadOnlySpan<byte> name, ulong address)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        header.Clear();
        name.CopyTo(header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[AddressAt..], address);
        hash.AppendData(header);
    }
}
