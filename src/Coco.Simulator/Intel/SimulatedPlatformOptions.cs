// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator.Certificates;

namespace Coco.Simulator.Intel;

/// <summary>What a simulated platform is: the content of its PCK certificate.</summary>
public sealed record SimulatedPlatformOptions
{
    /// <summary>Issued by the Platform CA; by the Processor CA otherwise. Default: Platform CA.</summary>
    public bool UsePlatformCa { get; init; } = true;

    /// <summary>FMSPC, 6 bytes.</summary>
    public byte[] Fmspc { get; init; } = [0x90, 0xC0, 0x6F, 0, 0, 0];

    /// <summary>PCE-ID, 2 bytes.</summary>
    public byte[] PceId { get; init; } = [0, 0];

    /// <summary>PPID, 16 bytes; random when null.</summary>
    public byte[]? Ppid { get; init; }

    /// <summary>The 16 SGX TCB component SVNs.</summary>
    public byte[] Components { get; init; } = [4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>PCESVN.</summary>
    public int PceSvn { get; init; } = 13;

    /// <summary>SGX type: 0 Standard, 1 Scalable, 2 Scalable with Integrity.</summary>
    public int SgxType { get; init; } = 1;

    /// <summary>Whether the extension has the platform instance id and the configuration; as the CA demands when null.</summary>
    public bool? WithPlatformElements { get; init; }

    /// <summary>Dynamic platform, cached keys, SMT enabled.</summary>
    public (bool Dynamic, bool CachedKeys, bool Smt) Configuration { get; init; } = (true, true, false);

    /// <summary>Changes the PCK certificate before it is signed.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeLeaf { get; init; }
}
