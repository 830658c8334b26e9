// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>What a simulated guest runs on and what was launched in it.</summary>
public sealed record SimulatedSnpGuestOptions
{
    /// <summary>CHIP_ID, 64 bytes; random when null (on Turin 8 random bytes and zeros).</summary>
    public byte[]? ChipId { get; init; }

    /// <summary>The TCB of the platform; an ordinary one when null.</summary>
    public SnpTcb? Tcb { get; init; }

    /// <summary>MEASUREMENT, 48 bytes; a fixed ordinary one when null.</summary>
    public byte[]? Measurement { get; init; }

    /// <summary>HOST_DATA, at most 32 bytes: the init-data digest.</summary>
    public byte[] HostData { get; init; } = [];

    /// <summary>VERSION of its reports.</summary>
    public uint ReportVersion { get; init; } = 3;

    /// <summary>Reports are signed by a VLEK and do not name the chip.</summary>
    public bool UseVlek { get; init; }

    /// <summary>Evidence brings ASK (or ASVK) and ARK too, not only the VCEK (or VLEK).</summary>
    public bool SendChain { get; init; } = true;

    /// <summary>Changes what the VCEK or VLEK certificate says.</summary>
    public Action<SnpVekFields>? ChangeCertificate { get; init; }
}
