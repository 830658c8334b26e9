// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Cca;

/// <summary>How a remote verification service for CCA tokens is asked.</summary>
public sealed record CcaRemoteVerifierOptions
{
    /// <summary>The client; it decides by its TLS settings which service is trusted. Required.</summary>
    public required HttpClient Http { get; init; }

    /// <summary>The service. Required.</summary>
    public required Uri Address { get; init; }

    /// <summary>The clock that results are judged by. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Longest wait for one token. Default 30 seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Wait between questions while the service is at work. Default half a second.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How far the service's clock may be off. Default one minute.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromMinutes(1);
}
