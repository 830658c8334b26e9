// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>A TDREPORT_STRUCT: what the TDX module hands to its own TD. It is authenticated by a MAC of the processor, so outside of it nothing is proven.</summary>
/// <remarks>Source: Intel TDX module specification, TDREPORT_STRUCT; tee-evidence.md 7.4.</remarks>
public sealed class TdReport
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 1024;

    private const byte TdxReportType = 0x81;

    private readonly ReadOnlyMemory<byte> _raw;

    private TdReport(ReadOnlyMemory<byte> raw) => _raw = raw;

    /// <summary>The fields that say something of the TD.</summary>
    public static ImmutableArray<LayoutField> Fields { get; } =
    [
        new("CPUSVN", "cpu_svn", 16, 16),
        new("TEE_TCB_INFO_HASH", "tee_tcb_info_hash", 32, 48),
        new("TEE_INFO_HASH", "tee_info_hash", 80, 48),
        new("REPORTDATA", "report_data", 128, 64),
        new("MAC", "mac", 224, 32),
        new("ATTRIBUTES", "td_attributes", 512, 8),
        new("XFAM", "xfam", 520, 8),
        new("MRTD", "mr_td", 528, 48),
        new("MRCONFIGID", "mr_config_id", 576, 48),
        new("MROWNER", "mr_owner", 624, 48),
        new("MROWNERCONFIG", "mr_owner_config", 672, 48),
        new("RTMR0", "rtmr_0", 720, 48),
        new("RTMR1", "rtmr_1", 768, 48),
        new("RTMR2", "rtmr_2", 816, 48),
        new("RTMR3", "rtmr_3", 864, 48),
    ];

    /// <summary>The 1024 bytes.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>REPORTDATA (64 bytes).</summary>
    public ReadOnlySpan<byte> ReportData => _raw.Span.Slice(128, 64);

    /// <summary>MRTD (48 bytes).</summary>
    public ReadOnlySpan<byte> MrTd => _raw.Span.Slice(528, 48);

    /// <summary>MRCONFIGID (48 bytes).</summary>
    public ReadOnlySpan<byte> MrConfigId => _raw.Span.Slice(576, 48);

    /// <summary>RTMR 0 to 3 (48 bytes).</summary>
    public ReadOnlySpan<byte> Rtmr(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, 3);
        return _raw.Span.Slice(720 + (48 * index), 48);
    }

    /// <summary>Reads exactly 1024 bytes of type 0x81.</summary>
    public static Result<TdReport> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            return Refusal.Malformed("TDREPORT_STRUCT", 0, $"{bytes.Length} bytes instead of {Length}");
        }

        return bytes.Span[0] == TdxReportType
            ? new TdReport(bytes)
            : Refusal.Malformed("REPORTTYPE.TYPE", 0, $"0x{bytes.Span[0]:x2} instead of 0x{TdxReportType:x2}");
    }
}
