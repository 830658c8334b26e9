// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Coco.Tee.Launch;

namespace Coco.Tee.Tests.Launch;

public sealed class TdxMeasurementTests
{
    private const string DebianFirmware = "/usr/share/ovmf/OVMF.fd";

    [Theory]
    [InlineData(TdxPageOrder.PageByPage)]
    [InlineData(TdxPageOrder.SectionBySection)]
    public void ComputeMrTd_EqualsTheModulesSteps(TdxPageOrder order)
    {
        byte[] image = MakeImage();
        using var steps = new MemoryStream();
        void Step(string name, ulong address)
        {
            byte[] header = new byte[128];
            Encoding.ASCII.GetBytes(name, header);
            BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), address);
            steps.Write(header);
        }

        void Page(ulong address, byte[] page)
        {
            for (int c = 0; c < 16; c++)
            {
                Step("MR.EXTEND", address + (ulong)(256 * c));
                steps.Write(page, 256 * c, 256);
            }
        }

        byte[] first = image[..4096], second = [.. image[4096..4196], .. new byte[3996]];
        Step("MEM.PAGE.ADD", 0xFFE00000);
        if (order == TdxPageOrder.PageByPage)
        {
            Page(0xFFE00000, first);
        }

        Step("MEM.PAGE.ADD", 0xFFE01000);
        if (order == TdxPageOrder.SectionBySection)
        {
            Page(0xFFE00000, first);
        }

        Page(0xFFE01000, second);
        Step("MEM.PAGE.ADD", 0x800000);

        Assert.Equal(Convert.ToHexStringLower(SHA384.HashData(steps.ToArray())), Convert.ToHexStringLower(TdxMeasurement.ComputeMrTd(image, order).Require().AsSpan()));
    }

    [Fact]
    public void ComputeMrTd_OfDebiansFirmware_IsTheValueOfAnIndependentScript()
    {
        Assert.SkipUnless(File.Exists(DebianFirmware), "package ovmf is not installed");
        byte[] image = File.ReadAllBytes(DebianFirmware);
        Assert.SkipUnless(
            Convert.ToHexStringLower(SHA256.HashData(image)) == "7b456907dd0786d415999e801a1ac4637b8ed4d7cf5378cfc6edbe5e574dd773",
            "another version of package ovmf is installed");

        Assert.Equal(
            "4c7206f0f483c524f12c366c711e9049030a8d47c471ee5aa9c4999a08de4057fb887fed0744d5631a212967fb231c47",
            Convert.ToHexStringLower(TdxMeasurement.ComputeMrTd(image).Require().AsSpan()));
    }

    [Fact]
    public void ComputeMrTd_EveryMutationOfTheTail_GivesAValueOrARefusal()
    {
        byte[] image = MakeImage();
        var random = new Random(20260306);
        for (int i = 0; i < 3000; i++)
        {
            byte[] mutated = [.. image];
            for (int n = 0; n < 3; n++)
            {
                mutated[random.Next(8192, mutated.Length)] ^= (byte)(1 << random.Next(8));
            }

            _ = TdvfMetadata.Parse(mutated).Refusal;
        }
    }

    [Fact]
    public void ComputeMrTd_ImageWithoutMetadata_IsRefused() => Assert.Equal(RefusalCode.Unsupported, TdxMeasurement.ComputeMrTd(new byte[10000]).Refusal?.Code);

    [Fact]
    public void ComputeRtmr2_IsCommandLineThenInitrd()
    {
        byte[] initrd = [1, 2, 3];
        byte[] line = SHA384.HashData(Encoding.Unicode.GetBytes("console=hvc0 initrd=initrd\0"));
        byte[] expected = SHA384.HashData((byte[])[.. SHA384.HashData((byte[])[.. new byte[48], .. line]), .. SHA384.HashData(initrd)]);

        Assert.Equal(expected, TdxMeasurement.ComputeRtmr2("console=hvc0", initrd));
        Assert.NotEqual(expected, TdxMeasurement.ComputeRtmr2("console=hvc0", initrd, firmwareNamesInitrd: false));
        Assert.NotEqual(TdxMeasurement.ComputeRtmr2("console=hvc0", null), TdxMeasurement.ComputeRtmr2("console=hvc0\n", null));
    }

    [Fact]
    public void ComputeAuthenticode_LeavesOutChecksumAndSignatures()
    {
        byte[] image = MakeExecutable(certificateLength: 0);
        byte[] otherChecksum = [.. image];
        otherChecksum[0x40 + 24 + 64] ^= 1;
        byte[] signed = MakeExecutable(certificateLength: 8);
        byte[] otherSection = [.. image];
        otherSection[0x200] ^= 1;

        byte[] digest = Digest(image);

        Assert.Equal(digest, Digest(otherChecksum));
        Assert.Equal(digest, Digest(signed));
        Assert.NotEqual(digest, Digest(otherSection));
        Assert.Equal(48, TdxMeasurement.ComputeRtmr1(image).Require().Length);
        Assert.Equal(RefusalCode.Malformed, PortableExecutable.ComputeAuthenticode(new byte[100], HashAlgorithmName.SHA384).Refusal?.Code);
    }

    [Fact]
    public void ComputeAuthenticode_EveryTruncationAndMutation_GivesAValueOrARefusal()
    {
        byte[] image = MakeExecutable(certificateLength: 8);
        for (int length = 0; length < image.Length; length++)
        {
            _ = PortableExecutable.ComputeAuthenticode(image.AsMemory(0, length), HashAlgorithmName.SHA384).Refusal;
        }

        var random = new Random(20260307);
        for (int i = 0; i < 3000; i++)
        {
            byte[] mutated = [.. image];
            mutated[random.Next(0x200)] = (byte)random.Next(256);
            mutated[random.Next(0x200)] ^= (byte)(1 << random.Next(8));
            _ = PortableExecutable.ComputeAuthenticode(mutated, HashAlgorithmName.SHA384).Refusal;
        }
    }

    private static byte[] Digest(byte[] image) => [.. PortableExecutable.ComputeAuthenticode(image, HashAlgorithmName.SHA384).Require()];

    internal static byte[] MakeExecutable(int certificateLength)
    {
        byte[] image = new byte[0x400 + certificateLength];
        "MZ"u8.CopyTo(image);
        image[60] = 0x40;
        "PE\0\0"u8.CopyTo(image.AsSpan(0x40));
        image[0x44 + 2] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x44 + 16), 240);
        int optional = 0x58;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(optional), 0x20B);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(optional + 60), 0x200);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(optional + 108), 16);
        if (certificateLength > 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(optional + 112 + 32), 0x400);
            BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(optional + 112 + 36), certificateLength);
        }

        int section = optional + 240;
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(section + 16), 0x100);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(section + 20), 0x200);
        image.AsSpan(0x200, 0x200).Fill(0x5A);
        return image;
    }

    internal static byte[] MakeImage()
    {
        const int Length = 3 * 4096;
        byte[] image = new byte[Length];
        for (int i = 0; i < 8192; i++)
        {
            image[i] = (byte)(i * 7);
        }

        const int FromEnd = 1024;
        Span<byte> descriptor = image.AsSpan(Length - FromEnd);
        "TDVF"u8.CopyTo(descriptor);
        BinaryPrimitives.WriteInt32LittleEndian(descriptor[4..], 16 + (3 * 32));
        BinaryPrimitives.WriteInt32LittleEndian(descriptor[8..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(descriptor[12..], 3);
        Section(descriptor[16..], 0, 4196, 0xFFE00000, 8192, 0, 1);
        Section(descriptor[48..], 0, 0, 0x800000, 4096, 3, 0);
        Section(descriptor[80..], 0, 0, 0x900000, 4096, 4, 2);

        int end = Length - 32;
        Guid footer = new("96b582de-1fb2-45f7-baea-a366c55a082d"), metadata = new("e47a6535-984a-4798-865e-4685a7bf8ec2");
        footer.TryWriteBytes(image.AsSpan(end - 16));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(end - 18), 18 + 22);
        metadata.TryWriteBytes(image.AsSpan(end - 18 - 16));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(end - 18 - 18), 22);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(end - 18 - 22), FromEnd);
        return image;
    }

    private static void Section(Span<byte> at, int dataOffset, int dataLength, ulong address, ulong length, int type, int attributes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(at, dataOffset);
        BinaryPrimitives.WriteInt32LittleEndian(at[4..], dataLength);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(at[16..], length);
        BinaryPrimitives.WriteInt32LittleEndian(at[24..], type);
        BinaryPrimitives.WriteInt32LittleEndian(at[28..], attributes);
    }
}
