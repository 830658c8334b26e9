// SPDX-License-Identifier: Apache-2.0
namespace Coco.Simulator.Intel;

/// <summary>What a simulated quote says. Bytes can be changed before signing (the change is then authentic) or after (it is then not).</summary>
public sealed record SimulatedQuoteOptions
{
    /// <summary>3 (enclave), 4 or 5.</summary>
    public int Version { get; init; } = 4;

    /// <summary>A TD; an enclave otherwise. Version 3 is always about an enclave.</summary>
    public bool IsTrustDomain { get; init; } = true;

    /// <summary>TDX 1.5 body; needs version 5.</summary>
    public bool Is15 { get; init; }

    /// <summary>The body with TD partitioning fields (type 4); needs version 5.</summary>
    public bool Is15Extended { get; init; }

    /// <summary>REPORTDATA, at most 64 bytes.</summary>
    public byte[] ReportData { get; init; } = [];

    /// <summary>MRCONFIGID of a TD (at most 48 bytes) or CONFIGID of an enclave (at most 64).</summary>
    public byte[] ConfigId { get; init; } = [];

    /// <summary>TEE_TCB_SVN, 16 bytes.</summary>
    public byte[] TeeTcbSvn { get; init; } = [0x0B, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>TEE_TCB_SVN2, 16 bytes; that of the launch when null.</summary>
    public byte[]? TeeTcbSvn2 { get; init; }

    /// <summary>RTMR 0 to 3; zeros where missing.</summary>
    public IReadOnlyList<byte[]> Rtmrs { get; init; } = [];

    /// <summary>TDATTRIBUTES; SEPT_VE_DISABLE alone by default.</summary>
    public ulong TdAttributes { get; init; } = 1UL << 28;

    /// <summary>ISVSVN of the quoting enclave.</summary>
    public ushort QeSvn { get; init; } = 8;

    /// <summary>The quoting enclave's authentication data.</summary>
    public byte[] AuthenticationData { get; init; } = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    /// <summary>Bytes behind the signature data.</summary>
    public int TrailingBytes { get; init; }

    /// <summary>Type of the certification data; 5 is the PEM chain.</summary>
    public int CertificationDataType { get; init; } = 5;

    /// <summary>The certification data; the platform's chain when null.</summary>
    public byte[]? CertificationData { get; init; }

    /// <summary>Changes header, body descriptor and body before they are signed.</summary>
    public Action<byte[]>? ChangeSigned { get; init; }

    /// <summary>Changes the QE report before it is signed (384 bytes).</summary>
    public Action<byte[]>? ChangeQeReport { get; init; }

    /// <summary>Changes the finished quote.</summary>
    public Action<byte[]>? ChangeFinished { get; init; }
}
