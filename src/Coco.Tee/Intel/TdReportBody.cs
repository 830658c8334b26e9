// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>The body of a TD quote, of TDX 1.0 or 1.5: what the TDX module measured of a trust domain.</summary>
/// <remarks>Source: Intel TDX DCAP quoting library API, TD quote body descriptor; tee-evidence.md 3.1.</remarks>
public sealed class TdReportBody
{
    /// <summary>Length of the body of TDX 1.0.</summary>
    public const int Length10 = 584;

    /// <summary>Length of the body of TDX 1.5.</summary>
    public const int Length15 = 648;

    /// <summary>Length of the body of TDX 1.5 with the fields of TD partitioning and migration (body type 4).</summary>
    public const int Length15Extended = 885;

    private static readonly ImmutableArray<LayoutField> Fields10 =
    [
        new("TEE_TCB_SVN", "tcb_svn", 0, 16),
        new("MRSEAM", "mr_seam", 16, 48),
        new("MRSIGNERSEAM", "mrsigner_seam", 64, 48),
        new("SEAMATTRIBUTES", "seam_attributes", 112, 8),
        new("TDATTRIBUTES", "td_attributes", 120, 8),
        new("XFAM", "xfam", 128, 8),
        new("MRTD", "mr_td", 136, 48),
        new("MRCONFIGID", "mr_config_id", 184, 48),
        new("MROWNER", "mr_owner", 232, 48),
        new("MROWNERCONFIG", "mr_owner_config", 280, 48),
        new("RTMR0", "rtmr_0", 328, 48),
        new("RTMR1", "rtmr_1", 376, 48),
        new("RTMR2", "rtmr_2", 424, 48),
        new("RTMR3", "rtmr_3", 472, 48),
        new("REPORTDATA", "report_data", 520, 64),
    ];

    private static readonly ImmutableArray<LayoutField> Fields15 =
    [
        .. Fields10,
        new("TEE_TCB_SVN2", "tee_tcb_svn2", 584, 16),
        new("MRSERVICETD", "mr_servicetd", 600, 48),
    ];

    private readonly ReadOnlyMemory<byte> _raw;

    private TdReportBody(ReadOnlyMemory<byte> raw) => _raw = raw;

    /// <summary>The bytes: 584, 648 or 885.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>Whether it has the fields of TDX 1.5.</summary>
    public bool Is15 => _raw.Length >= Length15;

    /// <summary>All fields of this body in their order; of body type 4 those that it shares with TDX 1.5.</summary>
    public ImmutableArray<LayoutField> Fields => Is15 ? Fields15 : Fields10;

    /// <summary>TEE_TCB_SVN (16 bytes): versions of the module when the TD was launched.</summary>
    public ReadOnlySpan<byte> TeeTcbSvn => _raw.Span[..16];

    /// <summary>MRSEAM (48 bytes).</summary>
    public ReadOnlySpan<byte> MrSeam => _raw.Span.Slice(16, 48);

    /// <summary>MRSIGNERSEAM (48 bytes): zero for Intel's module.</summary>
    public ReadOnlySpan<byte> MrSignerSeam => _raw.Span.Slice(64, 48);

    /// <summary>SEAMATTRIBUTES (8 bytes).</summary>
    public ReadOnlySpan<byte> SeamAttributes => _raw.Span.Slice(112, 8);

    /// <summary>TDATTRIBUTES as a number.</summary>
    public ulong TdAttributes => BinaryPrimitives.ReadUInt64LittleEndian(_raw.Span[120..]);

    /// <summary>Whether the host may debug the TD (TDATTRIBUTES bit 0).</summary>
    public bool IsDebug => (TdAttributes & 1) != 0;

    /// <summary>MRTD (48 bytes).</summary>
    public ReadOnlySpan<byte> MrTd => _raw.Span.Slice(136, 48);

    /// <summary>MRCONFIGID (48 bytes): the init-data register.</summary>
    public ReadOnlySpan<byte> MrConfigId => _raw.Span.Slice(184, 48);

    /// <summary>REPORTDATA (64 bytes).</summary>
    public ReadOnlySpan<byte> ReportData => _raw.Span.Slice(520, 64);

    /// <summary>TEE_TCB_SVN2 (16 bytes): versions of the module that runs now; empty before TDX 1.5.</summary>
    public ReadOnlySpan<byte> TeeTcbSvn2 => Is15 ? _raw.Span.Slice(584, 16) : default;

    /// <summary>MRSERVICETD (48 bytes); empty before TDX 1.5.</summary>
    public ReadOnlySpan<byte> MrServiceTd => Is15 ? _raw.Span.Slice(600, 48) : default;

    /// <summary>RTMR 0 to 3 (48 bytes).</summary>
    public ReadOnlySpan<byte> Rtmr(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, 3);
        return _raw.Span.Slice(328 + (48 * index), 48);
    }

    /// <summary>Reads a body of exactly one of the three lengths.</summary>
    public static Result<TdReportBody> Parse(ReadOnlyMemory<byte> bytes) => bytes.Length is Length10 or Length15 or Length15Extended
        ? new TdReportBody(bytes)
        : Refusal.Malformed("TD report body", 0, $"{bytes.Length} bytes is the length of no TD report body");
}
