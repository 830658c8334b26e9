// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Launch;
using Coco.Testing;

namespace Coco.Tee.Tests.Launch;

public sealed class UnifiedKernelImageTests
{
    private static readonly byte[] Image = PortableExecutables.Make((".cmdline", "quiet"u8.ToArray()), (".linux", "a kernel"u8.ToArray()), (".text", [1]), (".pcrsig", [2]));

    [Fact]
    public void Pcr11_Sections_AreMeasuredInTheirOrderWithTheirNames()
    {
        UnifiedKernelImage image = UnifiedKernelImage.Parse(Image).Require();
        byte[] expected = new byte[32];
        foreach (byte[] data in (byte[][])[".linux\0"u8.ToArray(), "a kernel"u8.ToArray(), ".cmdline\0"u8.ToArray(), "quiet"u8.ToArray(), "enter-initrd"u8.ToArray()])
        {
            expected = SHA256.HashData([.. expected, .. SHA256.HashData(data)]);
        }

        Assert.Equal([".linux", ".cmdline"], image.Sections);
        Assert.Equal(expected, image.Pcr11(HashAlgorithmName.SHA256, ["enter-initrd"]));
    }

    [Fact]
    public void Parse_NoKernelOrOneTwice_IsRefused()
    {
        Assert.Equal(RefusalCode.Malformed, UnifiedKernelImage.Parse(PortableExecutables.Make((".cmdline", [1]))).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, UnifiedKernelImage.Parse(PortableExecutables.Make((".linux", [1]), (".linux", [2]))).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, UnifiedKernelImage.Parse(new byte[100]).Refusal?.Code);
    }

    [Fact]
    public void Parse_EveryTruncationAndMutation_GivesAValueOrARefusal()
    {
        for (int length = 0; length < Image.Length; length += 3)
        {
            _ = UnifiedKernelImage.Parse(Image.AsMemory(0, length)).Refusal;
        }

        var random = new Random(20261128);
        for (int i = 0; i < 5000; i++)
        {
            byte[] mutated = [.. Image];
            mutated[random.Next(0x300)] = (byte)random.Next(256);
            mutated[random.Next(0x300)] = (byte)random.Next(256);
            if (UnifiedKernelImage.Parse(mutated).TryGet(out UnifiedKernelImage? image, out _))
            {
                Assert.Equal(32, image.Pcr11(HashAlgorithmName.SHA256, []).Length);
            }
        }
    }
}
