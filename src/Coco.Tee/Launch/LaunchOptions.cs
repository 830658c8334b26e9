// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>The virtual machine monitor: each starts processors with somewhat other registers.</summary>
public enum LaunchMonitor
{
    /// <summary>QEMU.</summary>
    Qemu,

    /// <summary>Amazon EC2.</summary>
    Ec2,

    /// <summary>Google Compute Engine.</summary>
    Gce,
}

/// <summary>What the host's kernel puts into the floating-point fields of a processor's save area.</summary>
public enum VmsaGeneration
{
    /// <summary>Linux before 6.10: MXCSR and FCW are zero.</summary>
    BeforeLinux610,

    /// <summary>Linux 6.10 and later: MXCSR is 0x1f80, FCW 0x37f.</summary>
    Linux610,
}

/// <summary>What a guest is launched with, apart from the firmware.</summary>
public sealed record LaunchOptions
{
    /// <summary>Number of virtual processors, at least 1.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>CPUID signature of the virtual processors, see <see cref="VcpuModel"/>. Default: EPYC-v4.</summary>
    public uint VcpuSignature { get; init; } = VcpuModel.Encode(23, 1, 2);

    /// <summary>SEV_FEATURES of SNP guests: 0x1, or 0x21 on hosts with DebugSwap. Default 0x1.</summary>
    public ulong GuestFeatures { get; init; } = 1;

    /// <summary>The monitor. Default: QEMU.</summary>
    public LaunchMonitor Monitor { get; init; } = LaunchMonitor.Qemu;

    /// <summary>The host's kernel. Default: 6.10 and later. Only QEMU's processors depend on it.</summary>
    public VmsaGeneration Generation { get; init; } = VmsaGeneration.Linux610;

    /// <summary>Hashes of kernel, initrd and command line; null when the guest boots from disk.</summary>
    public SevKernelHashes? Kernel { get; init; }
}
