// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Nvidia;

/// <summary>Architectures of NVIDIA devices that attest.</summary>
public enum NvidiaArchitecture
{
    /// <summary>GPU, H100 and its kin.</summary>
    Hopper,

    /// <summary>GPU, B100 and its kin.</summary>
    Blackwell,

    /// <summary>NVSwitch.</summary>
    Ls10,
}

/// <summary>Wire names of <see cref="NvidiaArchitecture"/>.</summary>
public static class NvidiaArchitectures
{
    /// <summary>The name as evidence and NVIDIA's service write it.</summary>
    public static string ToWireName(this NvidiaArchitecture architecture) => architecture switch
    {
        NvidiaArchitecture.Hopper => "HOPPER",
        NvidiaArchitecture.Blackwell => "BLACKWELL",
        NvidiaArchitecture.Ls10 => "LS10",
        _ => throw new ArgumentOutOfRangeException(nameof(architecture)),
    };
}
