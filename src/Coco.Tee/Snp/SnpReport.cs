// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco.Tee.Snp;

/// <summary>An AMD SEV-SNP attestation report, versions 2 to 5: the received bytes and their fields. Nothing is verified. Immutable, thread-safe.</summary>
/// <remarks>Source: publication 56860, table "ATTESTATION_REPORT Structure"; tee-evidence.md 2.1.</remarks>
public sealed class SnpReport
{
    /// <summary>Length in bytes.</summary>
    public const int Length = SnpReportLayout.Length;

    private readonly ReadOnlyMemory<byte> _raw;

    private SnpReport(ReadOnlyMemory<byte> raw, bool turinLayout)
    {
        _raw = raw;
        HasTurinLayout = turinLayout;
    }

    /// <summary>All 1184 bytes as received.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>The 672 bytes that the signature covers.</summary>
    public ReadOnlyMemory<byte> SignedBytes => _raw[..SnpReportLayout.SignedLength];

    /// <summary>VERSION, 2 to 5.</summary>
    public uint Version => UInt32(SnpReportLayout.Version);

    /// <summary>GUEST_SVN.</summary>
    public uint GuestSvn => UInt32(SnpReportLayout.GuestSvn);

    /// <summary>POLICY.</summary>
    public SnpPolicy Policy => new(UInt64(SnpReportLayout.Policy));

    /// <summary>FAMILY_ID, 16 bytes.</summary>
    public ReadOnlyMemory<byte> FamilyId => _raw.Slice(SnpReportLayout.FamilyId, 16);

    /// <summary>IMAGE_ID, 16 bytes.</summary>
    public ReadOnlyMemory<byte> ImageId => _raw.Slice(SnpReportLayout.ImageId, 16);

    /// <summary>VMPL: 0 to 3; 0xFFFFFFFF when the host asked for the report.</summary>
    public uint Vmpl => UInt32(SnpReportLayout.Vmpl);

    /// <summary>SIGNATURE_ALGO: 1 is ECDSA P-384 with SHA-384.</summary>
    public uint SignatureAlgorithm => UInt32(SnpReportLayout.SignatureAlgorithm);

    /// <summary>CURRENT_TCB.</summary>
    public SnpTcb CurrentTcb => Tcb(SnpReportLayout.CurrentTcb);

    /// <summary>PLATFORM_INFO.</summary>
    public SnpPlatformInfo PlatformInfo => new(UInt64(SnpReportLayout.PlatformInfo));

    /// <summary>KEY_INFO.</summary>
    public SnpKeyInfo KeyInfo => new(UInt32(SnpReportLayout.KeyInfo));

    /// <summary>REPORT_DATA, 64 bytes that the guest gave.</summary>
    public ReadOnlyMemory<byte> ReportData => _raw.Slice(SnpReportLayout.ReportData, 64);

    /// <summary>MEASUREMENT, 48 bytes: the launch digest.</summary>
    public ReadOnlyMemory<byte> Measurement => _raw.Slice(SnpReportLayout.Measurement, 48);

    /// <summary>HOST_DATA, 32 bytes that the host gave at launch (the init-data digest).</summary>
    public ReadOnlyMemory<byte> HostData => _raw.Slice(SnpReportLayout.HostData, 32);

    /// <summary>ID_KEY_DIGEST, 48 bytes.</summary>
    public ReadOnlyMemory<byte> IdKeyDigest => _raw.Slice(SnpReportLayout.IdKeyDigest, 48);

    /// <summary>AUTHOR_KEY_DIGEST, 48 bytes.</summary>
    public ReadOnlyMemory<byte> AuthorKeyDigest => _raw.Slice(SnpReportLayout.AuthorKeyDigest, 48);

    /// <summary>REPORT_ID, 32 bytes.</summary>
    public ReadOnlyMemory<byte> ReportId => _raw.Slice(SnpReportLayout.ReportId, 32);

    /// <summary>REPORT_ID_MA, 32 bytes; all 0xFF without a migration agent.</summary>
    public ReadOnlyMemory<byte> ReportIdMa => _raw.Slice(SnpReportLayout.ReportIdMa, 32);

    /// <summary>REPORTED_TCB: the one that the VCEK or VLEK is derived from.</summary>
    public SnpTcb ReportedTcb => Tcb(SnpReportLayout.ReportedTcb);

    /// <summary>CPUID_FAM_ID (combined family); null below version 3.</summary>
    public byte? CpuFamily => Version >= 3 ? _raw.Span[SnpReportLayout.CpuFamily] : null;

    /// <summary>CPUID_MOD_ID (combined model); null below version 3.</summary>
    public byte? CpuModel => Version >= 3 ? _raw.Span[SnpReportLayout.CpuModel] : null;

    /// <summary>CPUID_STEP; null below version 3.</summary>
    public byte? CpuStepping => Version >= 3 ? _raw.Span[SnpReportLayout.CpuStepping] : null;

    /// <summary>CHIP_ID, 64 bytes: zero when masked or signed by a VLEK; 8 significant bytes on Turin.</summary>
    public ReadOnlyMemory<byte> ChipId => _raw.Slice(SnpReportLayout.ChipId, 64);

    /// <summary>Whether CHIP_ID is all zero.</summary>
    public bool IsChipIdMasked => !ChipId.Span.ContainsAnyExcept((byte)0);

    /// <summary>COMMITTED_TCB.</summary>
    public SnpTcb CommittedTcb => Tcb(SnpReportLayout.CommittedTcb);

    /// <summary>Version of the running firmware (CURRENT_MAJOR, CURRENT_MINOR, CURRENT_BUILD).</summary>
    public SnpFirmwareVersion Current => Firmware(SnpReportLayout.CurrentBuild);

    /// <summary>Version of the committed firmware.</summary>
    public SnpFirmwareVersion Committed => Firmware(SnpReportLayout.CommittedBuild);

    /// <summary>LAUNCH_TCB: CURRENT_TCB when the guest was launched or imported.</summary>
    public SnpTcb LaunchTcb => Tcb(SnpReportLayout.LaunchTcb);

    /// <summary>LAUNCH_MIT_VECTOR; null below version 5.</summary>
    public ulong? LaunchMitigationVector => Version >= 5 ? UInt64(SnpReportLayout.LaunchMitigationVector) : null;

    /// <summary>CURRENT_MIT_VECTOR; null below version 5.</summary>
    public ulong? CurrentMitigationVector => Version >= 5 ? UInt64(SnpReportLayout.CurrentMitigationVector) : null;

    /// <summary>SIGNATURE.R, 72 bytes, little-endian.</summary>
    public ReadOnlyMemory<byte> SignatureR => _raw.Slice(SnpReportLayout.SignatureR, SnpReportLayout.SignatureComponent);

    /// <summary>SIGNATURE.S, 72 bytes, little-endian.</summary>
    public ReadOnlyMemory<byte> SignatureS => _raw.Slice(SnpReportLayout.SignatureS, SnpReportLayout.SignatureComponent);

    /// <summary>Whether the TCB fields have Turin's layout.</summary>
    public bool HasTurinLayout { get; }

    /// <summary>Reads a report: exactly 1184 bytes, version 2 to 5, everything that must be zero zero.</summary>
    /// <remarks>
    /// Reserved bytes are refused rather than ignored, the unsigned ones too: no bit of a report may be changed by someone on the way.
    /// </remarks>
    public static Result<SnpReport> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            return Refusal.Malformed("ATTESTATION_REPORT", Math.Min(bytes.Length, Length), $"{bytes.Length} bytes, {Length} wanted");
        }

        ReadOnlySpan<byte> b = bytes.Span;
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(b);
        if (version is < 2 or > 5)
        {
            return new Refusal(RefusalCode.Unsupported, $"VERSION at offset 0: {version}, versions 2 to 5 are known") { Field = "VERSION", Offset = 0 };
        }

        Refusal? refusal =
            MustBeZero(b, SnpReportLayout.Reserved04C, 4)
            ?? (version < 3 ? MustBeZero(b, SnpReportLayout.CpuFamily, 24) : MustBeZero(b, SnpReportLayout.Reserved18B, 21))
            ?? MustBeZero(b, SnpReportLayout.Reserved1EB, 1)
            ?? MustBeZero(b, SnpReportLayout.Reserved1EF, 1)
            ?? (version < 5
                ? MustBeZero(b, SnpReportLayout.LaunchMitigationVector, SnpReportLayout.SignatureR - SnpReportLayout.LaunchMitigationVector)
                : MustBeZero(b, SnpReportLayout.Reserved208, SnpReportLayout.SignatureR - SnpReportLayout.Reserved208))
            ?? MustBeZero(b, SnpReportLayout.SignatureR + SnpReportLayout.SignatureSignificant, SnpReportLayout.SignatureComponent - SnpReportLayout.SignatureSignificant)
            ?? MustBeZero(b, SnpReportLayout.SignatureS + SnpReportLayout.SignatureSignificant, SnpReportLayout.SignatureComponent - SnpReportLayout.SignatureSignificant)
            ?? MustBeZero(b, SnpReportLayout.Reserved330, Length - SnpReportLayout.Reserved330);
        if (refusal is not null)
        {
            return refusal;
        }

        // Version 2 has no CPUID; only Turin has a chip id of eight bytes. A masked one means nothing, the older layout is then taken.
        ReadOnlySpan<byte> chip = b.Slice(SnpReportLayout.ChipId, 64);
        bool turin = version >= 3
            ? b[SnpReportLayout.CpuFamily] >= 0x1A
            : chip[..8].ContainsAnyExcept((byte)0) && !chip[8..].ContainsAnyExcept((byte)0);
        return new SnpReport(bytes, turin);
    }

    /// <summary>The signature as R then S, each 48 bytes big-endian (IEEE P1363), written to <paramref name="destination"/> (96 bytes).</summary>
    public void CopySignatureTo(Span<byte> destination)
    {
        SignatureR.Span[..SnpReportLayout.SignatureSignificant].CopyTo(destination);
        SignatureS.Span[..SnpReportLayout.SignatureSignificant].CopyTo(destination[SnpReportLayout.SignatureSignificant..]);
        destination[..SnpReportLayout.SignatureSignificant].Reverse();
        destination.Slice(SnpReportLayout.SignatureSignificant, SnpReportLayout.SignatureSignificant).Reverse();
    }

    private static Refusal? MustBeZero(ReadOnlySpan<byte> report, int offset, int length)
    {
        int at = report.Slice(offset, length).IndexOfAnyExcept((byte)0);
        return at < 0 ? null : Refusal.Malformed("reserved", offset + at, "must be zero");
    }

    private uint UInt32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_raw.Span[offset..]);

    private ulong UInt64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_raw.Span[offset..]);

    private SnpTcb Tcb(int offset) => SnpTcb.Read(_raw.Span.Slice(offset, 8), HasTurinLayout);

    private SnpFirmwareVersion Firmware(int offset)
    {
        ReadOnlySpan<byte> b = _raw.Span.Slice(offset, 3);
        return new SnpFirmwareVersion(b[2], b[1], b[0]);
    }
}
