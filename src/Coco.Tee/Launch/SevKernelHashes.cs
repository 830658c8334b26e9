// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Tee.Launch;

/// <summary>The table of SHA-256 hashes of kernel, initrd and command line, which QEMU writes where the firmware looks for it (<c>kernel-hashes=on</c>).</summary>
/// <remarks>Source: kubernetes.md 4.7; QEMU <c>target/i386/sev.c</c>.</remarks>
/// <param name="Kernel">SHA-256 of the kernel file.</param>
/// <param name="Initrd">SHA-256 of the initrd file; of the empty string without one.</param>
/// <param name="CommandLine">SHA-256 of the command line with its terminating NUL.</param>
public sealed record SevKernelHashes(ReadOnlyMemory<byte> Kernel, ReadOnlyMemory<byte> Initrd, ReadOnlyMemory<byte> CommandLine)
{
    /// <summary>Length of the table with its padding, in bytes.</summary>
    public const int TableLength = 176;

    private const int PageLength = 4096;
    private const int UsedLength = 168;
    private const int EntryLength = 50;

    private static readonly Guid TableId = new("9438d606-4f22-4cc9-b479-a793d411fd21");
    private static readonly Guid CommandLineId = new("97d02dd8-bd20-4c94-aa78-e7714d36ab2a");
    private static readonly Guid InitrdId = new("44baf731-3a2f-4bd7-9af1-41e29169781d");
    private static readonly Guid KernelId = new("4de79437-abd2-427f-b835-d5b172d2045b");

    /// <summary>Hashes the three.</summary>
    /// <param name="kernel">The kernel file.</param>
    /// <param name="initrd">The initrd file; empty for none.</param>
    /// <param name="commandLine">The command line, without NUL; empty for none.</param>
    public static SevKernelHashes Of(ReadOnlySpan<byte> kernel, ReadOnlySpan<byte> initrd, string commandLine)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        return new SevKernelHashes(SHA256.HashData(kernel), SHA256.HashData(initrd), SHA256.HashData(Encoding.UTF8.GetBytes(commandLine + "\0")));
    }

    /// <summary>The 176 bytes.</summary>
    public byte[] ToTable()
    {
        byte[] table = new byte[TableLength];
        TableId.TryWriteBytes(table);
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(16), UsedLength);
        int at = 18;
        foreach ((Guid id, ReadOnlyMemory<byte> hash) in new[] { (CommandLineId, CommandLine), (InitrdId, Initrd), (KernelId, Kernel) })
        {
            id.TryWriteBytes(table.AsSpan(at));
            BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(at + 16), EntryLength);
            hash.Span.CopyTo(table.AsSpan(at + 18));
            at += EntryLength;
        }

        return table;
    }

    /// <summary>A page that is zero except for the table.</summary>
    /// <param name="offset">Where in the page.</param>
    public Result<byte[]> ToPage(int offset)
    {
        if (offset < 0 || offset > PageLength - TableLength)
        {
            return new Refusal(RefusalCode.Malformed, $"the table of kernel hashes at offset {offset} does not fit into its page");
        }

        byte[] page = new byte[PageLength];
        ToTable().CopyTo(page, offset);
        return page;
    }
}
