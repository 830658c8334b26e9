// SPDX-License-Identifier: Apache-2.0
namespace Coco.Simulator.Amd;

/// <summary>Settings of a <see cref="SimulatedAmd"/>.</summary>
public sealed record SimulatedAmdOptions
{
    /// <summary>The clock from which dates are counted. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Length of the authorities' RSA keys in bits; AMD's have 4096, which takes seconds to make. Default 2048.</summary>
    public int RsaKeySize { get; init; } = 2048;
}
