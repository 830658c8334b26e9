// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco.Tee.Snp;

/// <summary>TCB_VERSION: the security patch levels of a platform's firmware.</summary>
/// <remarks>Source: publication 56860 section "TCB_VERSION"; two layouts, chosen by the CPU family (tee-evidence.md 2.2).</remarks>
/// <param name="Fmc">FMC level; null in the layout of Milan and Genoa, which has none.</param>
/// <param name="BootLoader">Boot loader level.</param>
/// <param name="Tee">PSP operating system level.</param>
/// <param name="Snp">SNP firmware level.</param>
/// <param name="Microcode">Lowest microcode patch level of all cores.</param>
public readonly record struct SnpTcb(byte? Fmc, byte BootLoader, byte Tee, byte Snp, byte Microcode)
{
    /// <summary>Reads eight bytes.</summary>
    /// <param name="bytes">The field, 8 bytes.</param>
    /// <param name="turinLayout">Whether the CPU family is 0x1A or later.</param>
    public static SnpTcb Read(ReadOnlySpan<byte> bytes, bool turinLayout) => turinLayout
        ? new SnpTcb(bytes[0], bytes[1], bytes[2], bytes[3], bytes[7])
        : new SnpTcb(null, bytes[0], bytes[1], bytes[6], bytes[7]);

    /// <summary>Writes eight bytes; the layout is Turin's when <see cref="Fmc"/> is set.</summary>
    public void Write(Span<byte> bytes)
    {
        bytes[..8].Clear();
        if (Fmc is { } fmc)
        {
            bytes[0] = fmc;
            bytes[1] = BootLoader;
            bytes[2] = Tee;
            bytes[3] = Snp;
        }
        else
        {
            bytes[0] = BootLoader;
            bytes[1] = Tee;
            bytes[6] = Snp;
        }

        bytes[7] = Microcode;
    }

    /// <summary>The field as a little-endian number.</summary>
    public ulong ToUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Write(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>For people: <c>bl 3, tee 0, snp 8, ucode 115</c>.</summary>
    public override string ToString() =>
        (Fmc is { } fmc ? $"fmc {fmc}, " : string.Empty) + $"bl {BootLoader}, tee {Tee}, snp {Snp}, ucode {Microcode}";
}
