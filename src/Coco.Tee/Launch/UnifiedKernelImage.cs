// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Tee.Launch;

/// <summary>A unified kernel image: a PE file whose sections hold kernel, initrd, command line, …; systemd's boot stub measures them into PCR 11.</summary>
/// <remarks>Source: UAPI group specification "Unified Kernel Image", section "PCR 11"; systemd <c>src/fundamental/uki.h</c> for the order.</remarks>
public sealed class UnifiedKernelImage
{
    private const int MaximumSections = 96;

    /// <summary>Sections in the order in which they are measured; <c>.pcrsig</c> is left out, since it signs the result.</summary>
    private static readonly string[] Order =
    [
        ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey", ".profile", ".dtbauto", ".hwids", ".efifw",
    ];

    private readonly Dictionary<string, ReadOnlyMemory<byte>> _sections;

    private UnifiedKernelImage(Dictionary<string, ReadOnlyMemory<byte>> sections) => _sections = sections;

    /// <summary>The names of its sections that are measured, in their order.</summary>
    public ImmutableArray<string> Sections => [.. Order.Where(_sections.ContainsKey)];

    /// <summary>Reads a PE file.</summary>
    public static Result<UnifiedKernelImage> Parse(ReadOnlyMemory<byte> file)
    {
        ReadOnlySpan<byte> b = file.Span;
        if (b.Length < 0x40 || !b.StartsWith("MZ"u8))
        {
            return Refusal.Malformed("PE file", 0, "does not begin with MZ");
        }

        uint header = BinaryPrimitives.ReadUInt32LittleEndian(b[0x3C..]);
        if (header > b.Length - 24 || !b.Slice((int)header, 4).SequenceEqual("PE\0\0"u8))
        {
            return Refusal.Malformed("PE file", 0x3C, "has no PE header");
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(b[((int)header + 6)..]);
        int optional = BinaryPrimitives.ReadUInt16LittleEndian(b[((int)header + 20)..]);
        long table = (long)header + 24 + optional;
        if (count > MaximumSections || table + (count * 40L) > b.Length)
        {
            return Refusal.Malformed("PE section table", header, "lies outside the file");
        }

        var sections = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            int at = (int)table + (i * 40);
            string name = Encoding.Latin1.GetString(b.Slice(at, 8)).TrimEnd('\0');
            uint virtualLength = BinaryPrimitives.ReadUInt32LittleEndian(b[(at + 8)..]);
            uint rawLength = BinaryPrimitives.ReadUInt32LittleEndian(b[(at + 16)..]);
            uint offset = BinaryPrimitives.ReadUInt32LittleEndian(b[(at + 20)..]);
            uint length = Math.Min(virtualLength, rawLength);
            if (Array.IndexOf(Order, name) < 0)
            {
                continue;
            }

            if (offset > b.Length || length > b.Length - offset || !sections.TryAdd(name, file.Slice((int)offset, (int)length)))
            {
                return Refusal.Malformed("PE section", at, $"{name} lies outside the file or occurs twice");
            }
        }

        return sections.ContainsKey(".linux") ? new UnifiedKernelImage(sections) : new Refusal(RefusalCode.Malformed, "the PE file has no section .linux");
    }

    /// <summary>PCR 11 after the stub: for each section first its name with a NUL, then its content.</summary>
    /// <param name="hash">The bank, for example SHA-256.</param>
    /// <param name="phases">Boot phases that follow (<c>enter-initrd</c>, <c>leave-initrd</c>, <c>sysinit</c>, <c>ready</c>), in their order.</param>
    public byte[] Pcr11(HashAlgorithmName hash, IEnumerable<string> phases)
    {
        ArgumentNullException.ThrowIfNull(phases);
        byte[] value = new byte[CryptographicOperations.HashData(hash, []).Length];
        foreach (string name in Sections)
        {
            value = Extend(hash, value, Encoding.ASCII.GetBytes(name + "\0"));
            value = Extend(hash, value, _sections[name].Span);
        }

        return phases.Aggregate(value, (current, phase) => Extend(hash, current, Encoding.UTF8.GetBytes(phase)));
    }

    private static byte[] Extend(HashAlgorithmName hash, byte[] value, ReadOnlySpan<byte> data) =>
        CryptographicOperations.HashData(hash, [.. value, .. CryptographicOperations.HashData(hash, data)]);
}
