// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia;

/// <summary>What the DPU verifier trusts.</summary>
public sealed record DpuVerifierOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Roots of device identity certificates; NVIDIA publishes the key to its customers. Default: none, which refuses every DPU.</summary>
    public IReadOnlyList<TrustedKey> Roots { get; init; } = [];

    /// <summary>How old an alias certificate may be: it is made anew at each start of the DPU. Default one hour, as the reference.</summary>
    public TimeSpan LongestAliasAge { get; init; } = TimeSpan.FromHours(1);
}
