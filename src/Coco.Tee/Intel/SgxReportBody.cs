// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>The body of an SGX report: an enclave's identity and what it asked to have signed. Also what a quoting enclave says of itself.</summary>
/// <remarks>Source: Intel SDM volume 3D, REPORT; tee-evidence.md 3.1.</remarks>
public sealed class SgxReportBody
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 384;

    private readonly ReadOnlyMemory<byte> _raw;

    private SgxReportBody(ReadOnlyMemory<byte> raw) => _raw = raw;

    /// <summary>All fields in their order.</summary>
    public static ImmutableArray<LayoutField> Fields { get; } =
    [
        new("CPUSVN", "cpu_svn", 0, 16),
        new("MISCSELECT", "misc_select", 16, 4),
        new("RESERVED1", "reserved1", 20, 12),
        new("ISVEXTPRODID", "isv_ext_prod_id", 32, 16),
        new("ATTRIBUTES.FLAGS", "attributes.flags", 48, 8),
        new("ATTRIBUTES.XFRM", "attributes.xfrm", 56, 8),
        new("MRENCLAVE", "mr_enclave", 64, 32),
        new("RESERVED2", "reserved2", 96, 32),
        new("MRSIGNER", "mr_signer", 128, 32),
        new("RESERVED3", "reserved3", 160, 32),
        new("CONFIGID", "config_id", 192, 64),
        new("ISVPRODID", "isv_prod_id", 256, 2),
        new("ISVSVN", "isv_svn", 258, 2),
        new("CONFIGSVN", "config_svn", 260, 2),
        new("RESERVED4", "reserved4", 262, 42),
        new("ISVFAMILYID", "isv_family_id", 304, 16),
        new("REPORTDATA", "report_data", 320, 64),
    ];

    /// <summary>The 384 bytes.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>MISCSELECT (4 bytes).</summary>
    public ReadOnlySpan<byte> MiscSelect => _raw.Span.Slice(16, 4);

    /// <summary>ATTRIBUTES: FLAGS, then XFRM (16 bytes).</summary>
    public ReadOnlySpan<byte> Attributes => _raw.Span.Slice(48, 16);

    /// <summary>Whether the enclave runs in debug mode (ATTRIBUTES.FLAGS bit 1).</summary>
    public bool IsDebug => (_raw.Span[48] & 2) != 0;

    /// <summary>MRENCLAVE (32 bytes).</summary>
    public ReadOnlySpan<byte> MrEnclave => _raw.Span.Slice(64, 32);

    /// <summary>MRSIGNER (32 bytes).</summary>
    public ReadOnlySpan<byte> MrSigner => _raw.Span.Slice(128, 32);

    /// <summary>CONFIGID (64 bytes).</summary>
    public ReadOnlySpan<byte> ConfigId => _raw.Span.Slice(192, 64);

    /// <summary>ISVPRODID.</summary>
    public ushort IsvProdId => BinaryPrimitives.ReadUInt16LittleEndian(_raw.Span[256..]);

    /// <summary>ISVSVN.</summary>
    public ushort IsvSvn => BinaryPrimitives.ReadUInt16LittleEndian(_raw.Span[258..]);

    /// <summary>REPORTDATA (64 bytes).</summary>
    public ReadOnlySpan<byte> ReportData => _raw.Span.Slice(320, 64);

    /// <summary>Reads exactly 384 bytes.</summary>
    public static Result<SgxReportBody> Parse(ReadOnlyMemory<byte> bytes) => bytes.Length == Length
        ? new SgxReportBody(bytes)
        : Refusal.Malformed("SGX report body", 0, $"{bytes.Length} bytes instead of {Length}");
}
