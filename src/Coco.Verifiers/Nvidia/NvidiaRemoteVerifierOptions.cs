// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Nvidia;

/// <summary>How NVIDIA's attestation service is asked.</summary>
public sealed record NvidiaRemoteVerifierOptions
{
    /// <summary>The client; proxy and time limit of a connection are the caller's. Required.</summary>
    public required HttpClient Http { get; init; }

    /// <summary>The service, without <c>/gpu</c> and <c>/switch</c>. Default: NVIDIA's.</summary>
    public Uri Service { get; init; } = new("https://nras.attestation.nvidia.com/v4/attest");

    /// <summary>Where the service's key set is asked for (kind <c>nvidia-jwks</c>). Required.</summary>
    public required ICollateralProvider Collateral { get; init; }

    /// <summary>The clock that tokens are judged by. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Longest wait for one device. Default 60 seconds, as the reference.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How far the service's clock may be off. Default one minute.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromMinutes(1);
}
