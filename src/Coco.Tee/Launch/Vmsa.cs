// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco.Tee.Launch;

/// <summary>The page with a virtual processor's first register state (VMSA), which is measured for SEV-ES and SNP.</summary>
/// <remarks>Source: AMD64 Architecture Programmer's Manual volume 2, appendix B, table B-4; values from kubernetes.md 4.7 and 4.8.</remarks>
public static class Vmsa
{
    /// <summary>Instruction pointer of the boot processor.</summary>
    public const uint BootEip = 0xFFFF_FFF0;

    private const int Length = 4096;

    /// <summary>The 4096 bytes.</summary>
    /// <param name="eip">Where the processor starts: <see cref="BootEip"/>, or the firmware's reset block for the others.</param>
    /// <param name="features">SEV_FEATURES; 0 for SEV-ES.</param>
    /// <param name="options">Processor signature, monitor and host kernel.</param>
    public static byte[] Build(uint eip, ulong features, LaunchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        bool ec2 = options.Monitor == LaunchMonitor.Ec2;
        byte[] page = new byte[Length];
        foreach (int at in (ReadOnlySpan<int>)[0x000, 0x030, 0x040, 0x050])
        {
            Segment(page, at, 0, 0x93, 0xFFFF, 0);
        }

        Segment(page, 0x010, 0xF000, ec2 && eip == BootEip ? (ushort)0x9A : (ushort)0x9B, 0xFFFF, eip & 0xFFFF_0000);
        Segment(page, 0x020, 0, ec2 ? (ushort)0x92 : (ushort)0x93, 0xFFFF, 0);
        Segment(page, 0x090, 0, ec2 ? (ushort)0x83 : (ushort)0x8B, 0xFFFF, 0);
        Common(page, features, options);
        Number(page, 0x158, 0x10);
        Number(page, 0x178, eip & 0xFFFF);
        return page;
    }

    /// <summary>The page of a processor that starts in an SVSM: flat protected mode at its entry point.</summary>
    /// <param name="eip">The entry point.</param>
    /// <param name="options">Processor signature and host kernel; the monitor is QEMU.</param>
    public static byte[] BuildForSvsm(uint eip, LaunchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        byte[] page = new byte[Length];
        foreach (int at in (ReadOnlySpan<int>)[0x000, 0x020, 0x030, 0x040])
        {
            Segment(page, at, 16, 0xC93, 0xFFFF_FFFF, 0);
        }

        Segment(page, 0x010, 8, 0xC9B, 0xFFFF_FFFF, 0);
        Segment(page, 0x050, 0, 0x93, 0xFFFF, 0);
        Segment(page, 0x090, 0, 0x8B, 0xFFFF, 0);
        Common(page, 1, options);
        Number(page, 0x158, 0x11);
        Number(page, 0x178, eip);
        return page;
    }

    private static void Common(byte[] page, ulong features, LaunchOptions options)
    {
        bool qemu = options.Monitor == LaunchMonitor.Qemu;
        Segment(page, 0x060, 0, 0, 0xFFFF, 0);
        Segment(page, 0x070, 0, 0x82, 0xFFFF, 0);
        Segment(page, 0x080, 0, 0, 0xFFFF, 0);
        Number(page, 0x0D0, 0x1000);
        Number(page, 0x148, 0x40);
        Number(page, 0x160, 0x400);
        Number(page, 0x168, 0xFFFF_0FF0);
        Number(page, 0x170, 2);
        Number(page, 0x268, options.Monitor == LaunchMonitor.Gce ? 0x70106UL : 0x0007_0406_0007_0406UL);
        Number(page, 0x310, qemu ? options.VcpuSignature : 0x600);
        Number(page, 0x3B0, features);
        Number(page, 0x3E8, 1);
        if (qemu && options.Generation == VmsaGeneration.Linux610)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x408), 0x1F80);
            BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(0x410), 0x37F);
        }
    }

    private static void Segment(byte[] page, int at, ushort selector, ushort attributes, uint limit, ulong start)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(at), selector);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(at + 2), attributes);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(at + 4), limit);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(at + 8), start);
    }

    private static void Number(byte[] page, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(at), value);
}
