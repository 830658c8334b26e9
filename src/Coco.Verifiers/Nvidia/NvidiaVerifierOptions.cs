// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia;

/// <summary>What local verification of NVIDIA devices trusts.</summary>
public sealed record NvidiaVerifierOptions
{
    /// <summary>The clock that certificates are judged by. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Roots of device certificates. Default: NVIDIA's.</summary>
    public IReadOnlyList<TrustedKey> Roots { get; init; } = [NvidiaRoots.DeviceIdentity];

    /// <summary>
    /// Reference manifests of driver and VBIOS versions, verified when they were read. Devices whose versions they name have to have their
    /// measurements. Default: none, then policy has to judge the measurements.
    /// </summary>
    public IReadOnlyList<NvidiaReferenceManifest> ReferenceManifests { get; init; } = [];

    /// <summary>Whether a device without reference manifests for its versions is refused. Default false.</summary>
    public bool RequireReferenceManifests { get; init; }
}
