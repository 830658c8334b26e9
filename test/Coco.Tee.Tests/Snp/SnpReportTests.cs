// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Tee.Tests.Snp;

public sealed class SnpReportTests
{
    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    [InlineData(4u)]
    [InlineData(5u)]
    public void Parse_EachField_IsReadFromItsPlace(uint version)
    {
        SnpReportFields fields = Filled(version);

        SnpReport report = SnpReport.Parse(fields.Encode()).Require();

        Assert.Equal(version, report.Version);
        Assert.Equal(fields.GuestSvn, report.GuestSvn);
        Assert.Equal(fields.Policy, report.Policy.Value);
        Assert.Equal(fields.FamilyId, report.FamilyId.ToArray());
        Assert.Equal(fields.ImageId, report.ImageId.ToArray());
        Assert.Equal(fields.Vmpl, report.Vmpl);
        Assert.Equal(fields.SignatureAlgorithm, report.SignatureAlgorithm);
        Assert.Equal(fields.PlatformInfo, report.PlatformInfo.Value);
        Assert.Equal(fields.KeyInfo, report.KeyInfo.Value);
        Assert.Equal(fields.ReportData, report.ReportData.ToArray());
        Assert.Equal(fields.Measurement, report.Measurement.ToArray());
        Assert.Equal(fields.HostData, report.HostData.ToArray());
        Assert.Equal(fields.IdKeyDigest, report.IdKeyDigest.ToArray());
        Assert.Equal(fields.AuthorKeyDigest, report.AuthorKeyDigest.ToArray());
        Assert.Equal(fields.ReportId, report.ReportId.ToArray());
        Assert.Equal(fields.ReportIdMa, report.ReportIdMa.ToArray());
        Assert.Equal(fields.ChipId, report.ChipId.ToArray());
        Assert.Equal(fields.CurrentTcb, report.CurrentTcb);
        Assert.Equal(fields.ReportedTcb, report.ReportedTcb);
        Assert.Equal(fields.CommittedTcb, report.CommittedTcb);
        Assert.Equal(fields.LaunchTcb, report.LaunchTcb);
        Assert.Equal(fields.Current, report.Current);
        Assert.Equal(fields.Committed, report.Committed);
        Assert.Equal(version >= 3 ? fields.CpuFamily : null, report.CpuFamily);
        Assert.Equal(version >= 3 ? fields.CpuModel : null, report.CpuModel);
        Assert.Equal(version >= 3 ? fields.CpuStepping : null, report.CpuStepping);
        Assert.Equal(version >= 5 ? fields.LaunchMitigationVector : null, report.LaunchMitigationVector);
        Assert.Equal(version >= 5 ? fields.CurrentMitigationVector : null, report.CurrentMitigationVector);
        Assert.Equal(672, report.SignedBytes.Length);
    }

    [Theory]
    [InlineData("0300000000000873", 3, 0, 8, 115, null)]
    [InlineData("04000000000018d9", 4, 0, 24, 217, null)]
    [InlineData("0103020500000061", 3, 2, 5, 97, 1)]
    public void Tcb_BothLayouts_RoundTrip(string hex, int bootLoader, int tee, int snp, int microcode, int? fmc)
    {
        byte[] bytes = Convert.FromHexString(hex);

        SnpTcb tcb = SnpTcb.Read(bytes, turinLayout: fmc is not null);

        Assert.Equal(new SnpTcb((byte?)fmc, (byte)bootLoader, (byte)tee, (byte)snp, (byte)microcode), tcb);
        byte[] written = new byte[8];
        tcb.Write(written);
        Assert.Equal(bytes, written);
        Assert.Equal(BitConverter.ToUInt64(bytes), tcb.ToUInt64());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1183)]
    [InlineData(1185)]
    public void Parse_OtherLength_IsMalformed(int length) => Assert.Equal(RefusalCode.Malformed, SnpReport.Parse(new byte[length]).Refusal!.Code);

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(6u)]
    [InlineData(0x0300_0003u)]
    public void Parse_OtherVersion_IsUnsupported(uint version)
    {
        byte[] raw = new SnpReportFields().Encode();
        BitConverter.TryWriteBytes(raw, version);

        Assert.Equal(RefusalCode.Unsupported, SnpReport.Parse(raw).Refusal!.Code);
    }

    [Theory]
    [InlineData(3u, 0x04C)]
    [InlineData(3u, 0x18B)]
    [InlineData(3u, 0x19F)]
    [InlineData(2u, 0x188)]
    [InlineData(3u, 0x1EB)]
    [InlineData(3u, 0x1EF)]
    [InlineData(4u, 0x1F8)]
    [InlineData(5u, 0x208)]
    [InlineData(5u, 0x29F)]
    [InlineData(3u, 0x2D0)]
    [InlineData(3u, 0x318)]
    [InlineData(3u, 0x330)]
    [InlineData(3u, 0x49F)]
    public void Parse_ReservedByteSet_NamesItsOffset(uint version, int offset)
    {
        byte[] raw = new SnpReportFields { Version = version }.Encode();
        raw[offset] = 1;

        Refusal refusal = SnpReport.Parse(raw).Refusal!;

        Assert.Equal((RefusalCode.Malformed, offset), (refusal.Code, refusal.Offset));
    }

    [Theory]
    [InlineData(0x19, 0x01, "Milan")]
    [InlineData(0x19, 0x11, "Genoa")]
    [InlineData(0x19, 0xA0, "Genoa")]
    [InlineData(0x19, 0xAF, "Genoa")]
    [InlineData(0x1A, 0x00, "Turin")]
    [InlineData(0x1A, 0x11, "Turin")]
    [InlineData(0x19, 0x20, null)]
    [InlineData(0x1A, 0x50, null)]
    [InlineData(0x18, 0x01, null)]
    public void Generation_OfCpuid_IsTold(byte family, byte model, string? product) =>
        Assert.Equal(product, SnpGenerations.Of(family, model).TryGet(out SnpGeneration g, out _) ? g.ProductName() : null);

    [Theory]
    [InlineData(false, true, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, false)]
    public void Version2_Layout_IsTurinsForAChipIdOfEightBytes(bool tail, bool head, bool turin)
    {
        byte[] chip = new byte[64];
        chip[0] = head ? (byte)1 : (byte)0;
        chip[20] = tail ? (byte)1 : (byte)0;

        Assert.Equal(turin, SnpReport.Parse(new SnpReportFields { Version = 2, ChipId = chip }.Encode()).Require().HasTurinLayout);
    }

    [Fact]
    public void Parse_Mutated_NeverThrows()
    {
        foreach (byte[] input in Mutations.Of(Filled(5).Encode(), seed: 1, count: 5000))
        {
            SnpReport.Parse(input).TryGet(out _, out _);
        }
    }

    private static byte[] Bytes(int length, byte first) => [.. Enumerable.Range(0, length).Select(i => (byte)(first + i))];

    private static SnpReportFields Filled(uint version)
    {
        byte? fmc = version >= 5 ? (byte)9 : null;
        return new SnpReportFields
        {
            Version = version,
            GuestSvn = 0x01020304,
            Policy = 0xFFEE_DDCC_BBAA_9988,
            FamilyId = Bytes(16, 1),
            ImageId = Bytes(16, 20),
            Vmpl = 0xFFFF_FFFE,
            SignatureAlgorithm = 1,
            CurrentTcb = new SnpTcb(fmc, 1, 2, 3, 4),
            PlatformInfo = 0x8000_0000_0000_0025,
            KeyInfo = 0x17,
            ReportData = Bytes(64, 30),
            Measurement = Bytes(48, 100),
            HostData = Bytes(32, 150),
            IdKeyDigest = Bytes(48, 5),
            AuthorKeyDigest = Bytes(48, 60),
            ReportId = Bytes(32, 200),
            ReportIdMa = Bytes(32, 2),
            ReportedTcb = new SnpTcb(fmc, 5, 6, 7, 8),
            CpuFamily = version >= 5 ? (byte)0x1A : (byte)0x19,
            CpuModel = 2,
            CpuStepping = 3,
            ChipId = Bytes(64, 7),
            CommittedTcb = new SnpTcb(fmc, 9, 10, 11, 12),
            Current = new SnpFirmwareVersion(1, 2, 3),
            Committed = new SnpFirmwareVersion(4, 5, 6),
            LaunchTcb = new SnpTcb(fmc, 13, 14, 15, 16),
            LaunchMitigationVector = 0xFFFF_0000_1111_2222,
            CurrentMitigationVector = 0x1234_5678_9ABC_DEF0,
        };
    }
}
