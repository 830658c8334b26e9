// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Coco.Tee.Launch;

namespace Coco.Tee.Tests.Launch;

/// <summary>Digests of a synthetic firmware, made with the reference calculator (kubernetes.md 8.2).</summary>
public sealed class LaunchDigestTests
{
    private static readonly byte[] Image = MakeImage();
    private static readonly OvmfFirmware Firmware = OvmfFirmware.Parse(Image).Require();
    private static readonly byte[] Kernel = Repeat("coco-test-kernel\n");
    private static readonly byte[] Initrd = Repeat("coco-test-initrd\n");
    private static readonly SevKernelHashes Hashes = SevKernelHashes.Of(Kernel, Initrd, "console=ttyS0 agent.aa_kbc_params=cc_kbc::http://127.0.0.1:8080");
    private static readonly LaunchOptions WithKernel = new() { Kernel = Hashes };

    [Fact]
    public void Input_IsTheOneOfTheVectors()
    {
        Assert.Equal("e756e23dc1cc184e785efa09dc5d0c8d04e1c16d341f267a913053115739ac5f", Hex(SHA256.HashData(Image)));
        Assert.Equal("775febe5c5053dce6747a4d750cfe4cc2a5176b145ac1b2e7035766a9c5ffd70", Hex(SHA256.HashData(Kernel)));
        Assert.Equal("7fd87f6c4025bb7f966c6e8d37164a1a169099c1cd33de0c5e7a2ed5d71f8cb0", Hex(SHA256.HashData(Initrd)));
    }

    [Fact]
    public void Firmware_Table_IsRead()
    {
        Assert.Equal(0x80FC00u, Firmware.HashTableAddress);
        Assert.Equal(0x0080B004u, Firmware.ResetEip);
        Assert.Equal(
            [
                new OvmfSection(0x800000, 0x3000, OvmfSectionType.SecureMemory),
                new OvmfSection(0x80D000, 0x1000, OvmfSectionType.Secrets),
                new OvmfSection(0x80E000, 0x1000, OvmfSectionType.Cpuid),
                new OvmfSection(0x80F000, 0x1000, OvmfSectionType.KernelHashes),
            ],
            Firmware.Sections);
    }

    [Fact]
    public void KernelHashes_Table_IsTheReferences()
    {
        Assert.Equal("5291200e292e7cc73fa2747e6931fafe58536116bfc97a50e5069f11a085079e", Hex(SHA256.HashData(Hashes.ToTable())));
        Assert.Equal("84e3616c6d8a1a0d65fc3aa5e7e33dc666e3a21a0b67e0ec41f1d27406183306", Hex(SHA256.HashData(SevKernelHashes.Of(Kernel, [], string.Empty).ToTable())));
        Assert.Equal("be0f0722ce99e2e8faf4f91e5be443b2543b9b9b94e960721e598f83fcd890b6", Hex(SHA256.HashData(Hashes.ToPage(0xC00).Require())));
        Assert.NotNull(Hashes.ToPage(4096 - 175).Refusal);
    }

    [Theory]
    [InlineData(true, "38c44e0e3665f24fa953ab7c669539febec75cf455eaab492c55e33672c3f53e")]
    [InlineData(false, "e756e23dc1cc184e785efa09dc5d0c8d04e1c16d341f267a913053115739ac5f")]
    public void Sev_Digest_IsTheReferences(bool kernel, string digest) =>
        Assert.Equal(digest, Hex(SevLaunch.Sev(Firmware, kernel ? WithKernel : new LaunchOptions()).Require()));

    [Theory]
    [InlineData(1, VmsaGeneration.BeforeLinux610, "351ea141ddcd3a72d16da192ef40f7a1cfb21d5f18e613e76697448fdc6e7c35")]
    [InlineData(1, VmsaGeneration.Linux610, "74e34f52f3574adb4ffde6c89a302646aa5f7ae36945299ff36ef125b6befb74")]
    [InlineData(2, VmsaGeneration.BeforeLinux610, "a69fb2ff2d8e5d3a141d06f454221dc5b301cd2146b9ed3a0bfa843a1afb4495")]
    [InlineData(2, VmsaGeneration.Linux610, "b2cdb92ab4ea42edcdc4f52061555ede5b29a83440b3eec2e0ed3edc9377e608")]
    [InlineData(4, VmsaGeneration.BeforeLinux610, "4959131cf92a7ce0515356e5bf511f1a0d943128fb0408dd2075468ff3e4c9f4")]
    [InlineData(4, VmsaGeneration.Linux610, "11e63bac3403cb6ef25f998e060e3bd47c52f9d58c5bf0f874886bc91e0be7be")]
    public void SevEs_Digest_IsTheReferences(int vcpus, VmsaGeneration generation, string digest) =>
        Assert.Equal(digest, Hex(SevLaunch.SevEs(Firmware, WithKernel with { Vcpus = vcpus, Generation = generation }).Require()));

    [Theory]
    [InlineData(1, 0x1u, true, VmsaGeneration.BeforeLinux610, "d2fe4dd95e8d3ac5dd176a7be4168f1e9cbd18a417655142739e3ba2e6fc5df2e7073e0bd6586cefedef1b7455a5def8")]
    [InlineData(1, 0x1u, true, VmsaGeneration.Linux610, "6047c5cbc839688568da10bad52fe23c6ab8d5816211d6c92ce1afbff1cd47eaaa55ee916472796b3f0644d0fccecbed")]
    [InlineData(1, 0x21u, true, VmsaGeneration.BeforeLinux610, "8ee38ef7f817ca699ced889869dba7b6220164b7b4112dec1b4fc1353f3c31a72d227a24b5b1e2c2c21e889aaaf0e1ce")]
    [InlineData(1, 0x21u, true, VmsaGeneration.Linux610, "6c79afbd75de73bc816ddb19176e16af4411cb7581645c816f74ff8828bac5fd3c62cd12f8266e9a8b60dd69aa270f66")]
    [InlineData(2, 0x1u, true, VmsaGeneration.BeforeLinux610, "554bdccde1ed2cd42f11aa4d01cb3c2b79c268aeb82774d08629aa9d1fddb0984722d2d3249ffbccc88809761e7ad27d")]
    [InlineData(2, 0x1u, true, VmsaGeneration.Linux610, "4e1cd31211752f5312a9f0c896945798fa758f3c010e0acecb156273487d1aa52b950e34fd9850d8a2d3714f60985730")]
    [InlineData(1, 0x1u, false, VmsaGeneration.BeforeLinux610, "0ba62c770d79d2d073bbc840549e2dbc1119d6e3c1fff2d47db46e46ab0001d15a1ed22be82adef0ba8cb8feb98f64e6")]
    [InlineData(1, 0x1u, false, VmsaGeneration.Linux610, "52e19bfc3934513c1a82d794131db79bfff7f01c1464f2b9859b63ed3cba39b271d46568aa00900fea6a12dba3e587b8")]
    public void Snp_Digest_IsTheReferences(int vcpus, ulong features, bool kernel, VmsaGeneration generation, string digest) =>
        Assert.Equal(digest, Hex(SnpLaunch.Snp(Firmware, new LaunchOptions { Vcpus = vcpus, GuestFeatures = features, Kernel = kernel ? Hashes : null, Generation = generation }).Require()));

    [Theory]
    [InlineData("EPYC-Milan", 1, "e7805210f6aa1e85b2e6b3ebdf99f852ac3df8a7e7e28b44e30e1be5fba8f43a4232efcf8ff887051b542ff197f1cfd8")]
    [InlineData("EPYC-Genoa", 2, "f558225b2e350a48f15f50416081feeff3de5035bc48c4d3ae6bee45463bd16d4c957280a29632eda2033b3aedd38a62")]
    public void Snp_OtherProcessors_AreTheReferences(string model, int vcpus, string digest)
    {
        Assert.True(VcpuModel.TryFind(model, out uint signature));

        Assert.Equal(digest, Hex(SnpLaunch.Snp(Firmware, WithKernel with { Vcpus = vcpus, VcpuSignature = signature }).Require()));
    }

    [Theory]
    [InlineData(LaunchMonitor.Ec2, "54c3540d5f33796ca2b3c6eee84f9e958a326019eab14f8f2050b5a3d0376ab6855a737f5f4653f376ad781d836d1b22")]
    [InlineData(LaunchMonitor.Gce, "f1b719aab6f330b3af58d5fd3649d0ea1f374cf1f85d528a043fcd49dbaff21800383968966f3dd76c31a2787d2faaee")]
    public void Snp_OtherMonitors_AreTheReferences(LaunchMonitor monitor, string digest) =>
        Assert.Equal(digest, Hex(SnpLaunch.Snp(Firmware, WithKernel with { Monitor = monitor }).Require()));

    [Fact]
    public void Snp_FirmwareDigest_StandsForTheImage()
    {
        byte[] digest = SnpLaunch.FirmwareDigest(Firmware);

        Assert.Equal("71d432a92d7ee66510509ae3e8598e098df5b102cf8eadd0842cb773214b7c46eb1d82cdd6aaa9ed609190bde3681158", Hex(digest));
        Assert.Equal(SnpLaunch.Snp(Firmware, WithKernel).Require(), SnpLaunch.Snp(Firmware, WithKernel, digest).Require());
        Assert.NotNull(SnpLaunch.Snp(Firmware, WithKernel, digest.AsSpan(1)).Refusal);
    }

    [Theory]
    [InlineData(VmsaGeneration.BeforeLinux610, "d30648785e59677d1288575fa1edcf89ded0ff49a8283c26261466765e661adf1f4bb4c05439ec429e5a33e47583bfee", "be1f4e7cf1e8d9d691f642d30a1451c2fa4bcac8df20dc147bb5d0392a0a63375a9abf4b31b061d8cf115f29d12183cf")]
    [InlineData(VmsaGeneration.Linux610, "69c94ea0886388820b7d37645642a46a4751bf5209f779d6a05337d11698a66cb6021b9aeacaad1bb92475944344f6f8", "a52df2d2d024af9fb93e90d37da535b16d44596692a50fba4d31e97eeb13c2eeba039c0c1e0b478316c233d9e97867dc")]
    public void Vmsa_Pages_AreTheReferences(VmsaGeneration generation, string boot, string other)
    {
        var options = new LaunchOptions { Generation = generation };

        Assert.Equal(boot, Hex(SHA384.HashData(Vmsa.Build(Vmsa.BootEip, 0, options))));
        Assert.Equal(other, Hex(SHA384.HashData(Vmsa.Build(0x0080B004, 0, options))));
    }

    [Theory]
    [InlineData("EPYC-v4", 0x800F12u)]
    [InlineData("EPYC-Rome", 0x830F10u)]
    [InlineData("EPYC-Milan", 0xA00F11u)]
    [InlineData("EPYC-Genoa", 0xA10F10u)]
    [InlineData("EPYC-Turin", 0xB00F00u)]
    public void VcpuModel_Signature_IsQemus(string name, uint signature)
    {
        Assert.True(VcpuModel.TryFind(name, out uint found));
        Assert.Equal(signature, found);
    }

    [Theory]
    [InlineData("/usr/share/ovmf/OVMF.fd", "7b456907dd0786d415999e801a1ac4637b8ed4d7cf5378cfc6edbe5e574dd773")]
    public void RealFirmware_OfDebian_IsMeasuredAsTheReferenceDoes(string path, string sha256)
    {
        Assert.SkipUnless(File.Exists(path), "Debian's package ovmf is not installed");
        byte[] image = File.ReadAllBytes(path);
        Assert.SkipUnless(Hex(SHA256.HashData(image)) == sha256, "another version of Debian's package ovmf");
        OvmfFirmware firmware = OvmfFirmware.Parse(image).Require();
        VcpuModel.TryFind("EPYC-Milan", out uint milan);

        Assert.Equal("4f3747ba180ed949656ed604d894d59ce850b7c0bbbbc812e695e6225306a59a", Hex(SevLaunch.SevEs(firmware, new LaunchOptions { Generation = VmsaGeneration.BeforeLinux610 }).Require()));
        Assert.Equal("5bcbb5a45e7a9fa4699b6cc8f775382a810ff5a0186d3b90069ba28b1840b38f", Hex(SevLaunch.SevEs(firmware, new LaunchOptions()).Require()));
        Assert.Equal("11570979c77a0adb515761a702527c8b9e11554e730552621d950988613a3a75c6ff1703f540bd22a9beede8fe7a97e3", Hex(SnpLaunch.Snp(firmware, new LaunchOptions()).Require()));
        Assert.Equal("e9c10ab98f8086bf4a4993dcdc1f768b1128bcb02301d1791f1d3274329e790db2d12a301d66d99a462a13b5d87e2840", Hex(SnpLaunch.Snp(firmware, new LaunchOptions { Vcpus = 4, VcpuSignature = milan }).Require()));
    }

    [Fact]
    public void KernelGiven_FirmwareWithoutPlaceForHashes_IsUnsupported()
    {
        byte[] image = [.. Image];
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x3810 + 36 + 8), 1);
        OvmfFirmware noSection = OvmfFirmware.Parse(image).Require();
        OvmfFirmware noTable = OvmfFirmware.Parse(new byte[0x4000]).Require();

        Assert.Equal(RefusalCode.Unsupported, SnpLaunch.Snp(noSection, WithKernel).Refusal!.Code);
        Assert.Equal(RefusalCode.Unsupported, SevLaunch.Sev(noTable, WithKernel).Refusal!.Code);
        Assert.Equal(RefusalCode.Unsupported, SevLaunch.SevEs(noTable, new LaunchOptions { Vcpus = 2 }).Refusal!.Code);
        Assert.Equal(RefusalCode.TooLarge, SevLaunch.SevEs(Firmware, new LaunchOptions { Vcpus = 0 }).Refusal!.Code);
    }

    [Fact]
    public void Firmware_Mutated_NeverThrows()
    {
        byte[] end = Image[^0x900..];
        foreach (byte[] input in Mutations.Of(end, seed: 5, count: 3000))
        {
            byte[] image = [.. Image[..0x2000], .. input];
            if (OvmfFirmware.Parse(image).TryGet(out OvmfFirmware? firmware, out _) && firmware.Sections.Sum(s => (long)s.Size) < 1 << 20)
            {
                SnpLaunch.Snp(firmware, WithKernel).TryGet(out _, out _);
                SevLaunch.SevEs(firmware, WithKernel with { Vcpus = 2 }).TryGet(out _, out _);
            }
        }
    }

    [Fact]
    public void IdBlock_SignedByTheOwner_HasTheFirmwaresForm()
    {
        using ECDsa id = ECDsa.Create(ECCurve.NamedCurves.nistP384), author = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] measurement = SnpLaunch.Snp(Firmware, WithKernel).Require();

        SnpIdBlock block = SnpIdBlock.Create(measurement, id, author, [1], [2], 3, 0x30000).Require();

        Assert.Equal(96, block.Block.Length);
        Assert.Equal(measurement, block.Block[..48]);
        Assert.Equal((1, 2), (block.Block[48], block.Block[64]));
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(block.Block.AsSpan(80)));
        Assert.Equal(3u, BinaryPrimitives.ReadUInt32LittleEndian(block.Block.AsSpan(84)));
        Assert.Equal(0x30000u, BinaryPrimitives.ReadUInt64LittleEndian(block.Block.AsSpan(88)));
        Assert.Equal(4096, block.Authentication.Length);
        byte[] idKey = block.Authentication[0x240..(0x240 + 1028)];
        Assert.Equal(2u, BinaryPrimitives.ReadUInt32LittleEndian(idKey));
        Assert.Equal(id.ExportParameters(false).Q.X, idKey[4..52].Reverse());
        Assert.Equal(SHA384.HashData(idKey), block.IdKeyDigest);
        Assert.Equal(SHA384.HashData(block.Authentication.AsSpan(0x880, 1028)), block.AuthorKeyDigest);
        Assert.True(id.VerifyData(block.Block, Signature(block.Authentication, 0x40), HashAlgorithmName.SHA384));
        Assert.True(author.VerifyData(idKey, Signature(block.Authentication, 0x680), HashAlgorithmName.SHA384));
    }

    private static byte[] Signature(byte[] authentication, int at) =>
        [.. authentication[at..(at + 48)].Reverse(), .. authentication[(at + 72)..(at + 120)].Reverse()];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static byte[] Repeat(string line) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, 1000)));

    internal static byte[] MakeImage()
    {
        byte[] image = [.. Enumerable.Range(0, 0x4000).Select(i => (byte)((7 * i) + 3))];
        var metadata = new List<byte>("ASEV"u8.ToArray());
        foreach (uint number in new uint[] { 64, 1, 4, 0x800000, 0x3000, 1, 0x80D000, 0x1000, 2, 0x80E000, 0x1000, 3, 0x80F000, 0x1000, 0x10 })
        {
            metadata.AddRange(BitConverter.GetBytes(number));
        }

        metadata.CopyTo(image, 0x3800);
        var table = new List<byte>();
        Entry(table, "dc886566-984a-4798-a75e-5585a7bf67cc", 0x800);
        Entry(table, "7255371f-3a3b-4b04-927b-1da6efa8d454", 0x80FC00, 0x400);
        Entry(table, "00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x0080B004);
        table.AddRange(BitConverter.GetBytes((ushort)(table.Count + 18)));
        table.AddRange(new Guid("96b582de-1fb2-45f7-baea-a366c55a082d").ToByteArray());
        table.CopyTo(image, 0x3FE0 - table.Count);
        return image;
    }

    private static void Entry(List<byte> table, string id, params uint[] data)
    {
        foreach (uint number in data)
        {
            table.AddRange(BitConverter.GetBytes(number));
        }

        table.AddRange(BitConverter.GetBytes((ushort)((data.Length * 4) + 18)));
        table.AddRange(new Guid(id).ToByteArray());
    }
}
