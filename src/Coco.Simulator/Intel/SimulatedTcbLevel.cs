// SPDX-License-Identifier: Apache-2.0
namespace Coco.Simulator.Intel;

/// <summary>A level of simulated TCB info.</summary>
/// <param name="Sgx">16 SGX component SVNs.</param>
/// <param name="PceSvn">PCESVN.</param>
/// <param name="Tdx">16 TDX component SVNs; ignored in TCB info for SGX.</param>
/// <param name="Status">Any text; Intel's names for one that is understood.</param>
public sealed record SimulatedTcbLevel(byte[] Sgx, int PceSvn, byte[] Tdx, string Status)
{
    /// <summary>Date of the level (UTC).</summary>
    public DateTimeOffset Date { get; init; } = new(2024, 11, 13, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Advisory ids.</summary>
    public string[] Advisories { get; init; } = [];
}

/// <summary>A level of a simulated module or quoting enclave.</summary>
/// <param name="IsvSvn">ISVSVN.</param>
/// <param name="Status">Any text; Intel's names for one that is understood.</param>
public sealed record SimulatedSvnLevel(int IsvSvn, string Status)
{
    /// <summary>Date of the level (UTC).</summary>
    public DateTimeOffset Date { get; init; } = new(2024, 11, 13, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Advisory ids.</summary>
    public string[] Advisories { get; init; } = [];
}
