// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>Every field of an SNP attestation report, to be set at will, and its encoding. The defaults are those of an ordinary guest.</summary>
public sealed class SnpReportFields
{
    /// <summary>VERSION.</summary>
    public uint Version { get; set; } = 3;

    /// <summary>GUEST_SVN.</summary>
    public uint GuestSvn { get; set; }

    /// <summary>POLICY; default: ABI 0.0, SMT allowed, reserved one.</summary>
    public ulong Policy { get; set; } = 0x30000;

    /// <summary>FAMILY_ID, at most 16 bytes.</summary>
    public byte[] FamilyId { get; set; } = [];

    /// <summary>IMAGE_ID, at most 16 bytes.</summary>
    public byte[] ImageId { get; set; } = [];

    /// <summary>VMPL.</summary>
    public uint Vmpl { get; set; }

    /// <summary>SIGNATURE_ALGO.</summary>
    public uint SignatureAlgorithm { get; set; } = 1;

    /// <summary>CURRENT_TCB.</summary>
    public SnpTcb CurrentTcb { get; set; }

    /// <summary>PLATFORM_INFO; default: SMT, ECC, alias check complete.</summary>
    public ulong PlatformInfo { get; set; } = 0x25;

    /// <summary>KEY_INFO.</summary>
    public uint KeyInfo { get; set; }

    /// <summary>REPORT_DATA, at most 64 bytes.</summary>
    public byte[] ReportData { get; set; } = [];

    /// <summary>MEASUREMENT, at most 48 bytes.</summary>
    public byte[] Measurement { get; set; } = [];

    /// <summary>HOST_DATA, at most 32 bytes.</summary>
    public byte[] HostData { get; set; } = [];

    /// <summary>ID_KEY_DIGEST, at most 48 bytes.</summary>
    public byte[] IdKeyDigest { get; set; } = [];

    /// <summary>AUTHOR_KEY_DIGEST, at most 48 bytes.</summary>
    public byte[] AuthorKeyDigest { get; set; } = [];

    /// <summary>REPORT_ID, at most 32 bytes.</summary>
    public byte[] ReportId { get; set; } = [];

    /// <summary>REPORT_ID_MA, at most 32 bytes.</summary>
    public byte[] ReportIdMa { get; set; } = [.. Enumerable.Repeat((byte)0xFF, 32)];

    /// <summary>REPORTED_TCB.</summary>
    public SnpTcb ReportedTcb { get; set; }

    /// <summary>CPUID_FAM_ID; left zero below version 3.</summary>
    public byte CpuFamily { get; set; }

    /// <summary>CPUID_MOD_ID; left zero below version 3.</summary>
    public byte CpuModel { get; set; }

    /// <summary>CPUID_STEP; left zero below version 3.</summary>
    public byte CpuStepping { get; set; }

    /// <summary>CHIP_ID, at most 64 bytes.</summary>
    public byte[] ChipId { get; set; } = [];

    /// <summary>COMMITTED_TCB.</summary>
    public SnpTcb CommittedTcb { get; set; }

    /// <summary>Version of the running firmware.</summary>
    public SnpFirmwareVersion Current { get; set; } = new(1, 55, 40);

    /// <summary>Version of the committed firmware.</summary>
    public SnpFirmwareVersion Committed { get; set; } = new(1, 55, 40);

    /// <summary>LAUNCH_TCB.</summary>
    public SnpTcb LaunchTcb { get; set; }

    /// <summary>LAUNCH_MIT_VECTOR; left zero below version 5.</summary>
    public ulong LaunchMitigationVector { get; set; }

    /// <summary>CURRENT_MIT_VECTOR; left zero below version 5.</summary>
    public ulong CurrentMitigationVector { get; set; }

    /// <summary>Changes the encoded report before it is signed: reserved bytes and whatever has no property.</summary>
    public Action<byte[]>? BeforeSigning { get; set; }

    /// <summary>Changes the report after it was signed.</summary>
    public Action<byte[]>? AfterSigning { get; set; }

    /// <summary>All four TCB fields at once.</summary>
    public void SetTcb(SnpTcb tcb) => CurrentTcb = ReportedTcb = CommittedTcb = LaunchTcb = tcb;

    /// <summary>The 1184 bytes with the signature left zero.</summary>
    public byte[] Encode()
    {
        byte[] raw = new byte[SnpReport.Length];
        Span<byte> b = raw;
        BinaryPrimitives.WriteUInt32LittleEndian(b, Version);
        BinaryPrimitives.WriteUInt32LittleEndian(b[0x004..], GuestSvn);
        BinaryPrimitives.WriteUInt64LittleEndian(b[0x008..], Policy);
        Put(b.Slice(0x010, 16), FamilyId);
        Put(b.Slice(0x020, 16), ImageId);
        BinaryPrimitives.WriteUInt32LittleEndian(b[0x030..], Vmpl);
        BinaryPrimitives.WriteUInt32LittleEndian(b[0x034..], SignatureAlgorithm);
        CurrentTcb.Write(b[0x038..]);
        BinaryPrimitives.WriteUInt64LittleEndian(b[0x040..], PlatformInfo);
        BinaryPrimitives.WriteUInt32LittleEndian(b[0x048..], KeyInfo);
        Put(b.Slice(0x050, 64), ReportData);
        Put(b.Slice(0x090, 48), Measurement);
        Put(b.Slice(0x0C0, 32), HostData);
        Put(b.Slice(0x0E0, 48), IdKeyDigest);
        Put(b.Slice(0x110, 48), AuthorKeyDigest);
        Put(b.Slice(0x140, 32), ReportId);
        Put(b.Slice(0x160, 32), ReportIdMa);
        ReportedTcb.Write(b[0x180..]);
        if (Version >= 3)
        {
            b[0x188] = CpuFamily;
            b[0x189] = CpuModel;
            b[0x18A] = CpuStepping;
        }

        Put(b.Slice(0x1A0, 64), ChipId);
        CommittedTcb.Write(b[0x1E0..]);
        (b[0x1EA], b[0x1E9], b[0x1E8]) = (Current.Major, Current.Minor, Current.Build);
        (b[0x1EE], b[0x1ED], b[0x1EC]) = (Committed.Major, Committed.Minor, Committed.Build);
        LaunchTcb.Write(b[0x1F0..]);
        if (Version >= 5)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(b[0x1F8..], LaunchMitigationVector);
            BinaryPrimitives.WriteUInt64LittleEndian(b[0x200..], CurrentMitigationVector);
        }

        return raw;
    }

    private static void Put(Span<byte> field, byte[] value)
    {
        if (value.Length > field.Length)
        {
            throw new ArgumentException($"a field of {field.Length} bytes cannot hold {value.Length}");
        }

        value.CopyTo(field);
    }
}
