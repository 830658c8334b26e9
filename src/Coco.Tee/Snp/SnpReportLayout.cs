// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>Offsets of ATTESTATION_REPORT (AMD SEV Secure Nested Paging Firmware ABI Specification, publication 56860, table "ATTESTATION_REPORT Structure").</summary>
internal static class SnpReportLayout
{
    internal const int Length = 0x4A0;
    internal const int SignedLength = 0x2A0;

    internal const int Version = 0x000;
    internal const int GuestSvn = 0x004;
    internal const int Policy = 0x008;
    internal const int FamilyId = 0x010;
    internal const int ImageId = 0x020;
    internal const int Vmpl = 0x030;
    internal const int SignatureAlgorithm = 0x034;
    internal const int CurrentTcb = 0x038;
    internal const int PlatformInfo = 0x040;
    internal const int KeyInfo = 0x048;
    internal const int Reserved04C = 0x04C;
    internal const int ReportData = 0x050;
    internal const int Measurement = 0x090;
    internal const int HostData = 0x0C0;
    internal const int IdKeyDigest = 0x0E0;
    internal const int AuthorKeyDigest = 0x110;
    internal const int ReportId = 0x140;
    internal const int ReportIdMa = 0x160;
    internal const int ReportedTcb = 0x180;
    internal const int CpuFamily = 0x188;
    internal const int CpuModel = 0x189;
    internal const int CpuStepping = 0x18A;
    internal const int Reserved18B = 0x18B;
    internal const int ChipId = 0x1A0;
    internal const int CommittedTcb = 0x1E0;
    internal const int CurrentBuild = 0x1E8;
    internal const int Reserved1EB = 0x1EB;
    internal const int CommittedBuild = 0x1EC;
    internal const int Reserved1EF = 0x1EF;
    internal const int LaunchTcb = 0x1F0;
    internal const int LaunchMitigationVector = 0x1F8;
    internal const int CurrentMitigationVector = 0x200;
    internal const int Reserved208 = 0x208;
    internal const int SignatureR = 0x2A0;
    internal const int SignatureS = 0x2E8;
    internal const int SignatureComponent = 72;
    internal const int SignatureSignificant = 48;
    internal const int Reserved330 = 0x330;
}
