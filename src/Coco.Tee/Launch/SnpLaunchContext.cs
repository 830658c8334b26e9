// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>The running launch digest of an SNP guest: each page that is put into the guest extends it.</summary>
/// <remarks>Source: publication 56860, section "SNP_LAUNCH_UPDATE", table "PAGE_INFO Structure".</remarks>
internal sealed class SnpLaunchContext
{
    internal const int DigestLength = 48;
    internal const int PageLength = 4096;

    private const int InfoLength = 0x70;
    private const ulong VmsaAddress = 0xFFFF_FFFF_F000;

    private readonly byte[] _info = new byte[InfoLength];

    internal SnpLaunchContext(ReadOnlySpan<byte> seed = default)
    {
        seed.CopyTo(_info);
        BinaryPrimitives.WriteUInt16LittleEndian(_info.AsSpan(96), InfoLength);
    }

    private enum PageType : byte
    {
        Normal = 1,
        Vmsa = 2,
        Zero = 3,
        Unmeasured = 4,
        Secrets = 5,
        Cpuid = 6,
    }

    internal byte[] Digest => _info[..DigestLength];

    /// <summary>Whole pages of content; the last one may be short and is padded with zeros.</summary>
    internal void Normal(ulong address, ReadOnlySpan<byte> content)
    {
        for (int at = 0; at < content.Length; at += PageLength)
        {
            ReadOnlySpan<byte> page = content[at..Math.Min(content.Length, at + PageLength)];
            if (page.Length < PageLength)
            {
                byte[] padded = new byte[PageLength];
                page.CopyTo(padded);
                page = padded;
            }

            Content(PageType.Normal, address + (ulong)at, page);
        }
    }

    /// <summary>SHA-384 of a page, for <see cref="HashedProcessor"/>.</summary>
    internal static byte[] HashPage(ReadOnlySpan<byte> page) => SHA384.HashData(page);

    internal void HashedProcessor(ReadOnlySpan<byte> pageDigest) => Extend(PageType.Vmsa, VmsaAddress, pageDigest);

    internal void Processor(ReadOnlySpan<byte> page) => Content(PageType.Vmsa, VmsaAddress, page);

    internal void Zero(ulong address, uint length) => Empty(PageType.Zero, address, length);

    internal void Unmeasured(ulong address, uint length) => Empty(PageType.Unmeasured, address, length);

    internal void Secrets(ulong address) => Empty(PageType.Secrets, address, PageLength);

    internal void Cpuid(ulong address) => Empty(PageType.Cpuid, address, PageLength);

    private void Content(PageType type, ulong address, ReadOnlySpan<byte> page)
    {
        Span<byte> digest = stackalloc byte[DigestLength];
        SHA384.HashData(page, digest);
        Extend(type, address, digest);
    }

    private void Empty(PageType type, ulong address, uint length)
    {
        Span<byte> none = stackalloc byte[DigestLength];
        none.Clear();
        for (uint at = 0; at < length; at += PageLength)
        {
            Extend(type, address + at, none);
        }
    }

    private void Extend(PageType type, ulong address, ReadOnlySpan<byte> content)
    {
        content.CopyTo(_info.AsSpan(DigestLength));
        _info[98] = (byte)type;
        BinaryPrimitives.WriteUInt64LittleEndian(_info.AsSpan(104), address);
        Span<byte> next = stackalloc byte[DigestLength];
        SHA384.HashData(_info, next);
        next.CopyTo(_info);
    }
}
