// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli.EvidenceCommands;

/// <summary>What the command line says about collateral, roots and time.</summary>
internal sealed record EvidenceOptions
{
    /// <summary><c>--at</c>.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary><c>--collateral</c>.</summary>
    public IReadOnlyList<string> Collateral { get; init; } = [];

    /// <summary><c>--trust</c>.</summary>
    public IReadOnlyList<string> Trust { get; init; } = [];

    /// <summary><c>--bundle-key</c>.</summary>
    public IReadOnlyList<string> BundleKeys { get; init; } = [];

    /// <summary><c>--insecure-simulated-root</c>.</summary>
    public IReadOnlyList<string> SimulatedRoots { get; init; } = [];

    /// <summary><c>--event-log</c>.</summary>
    public string? EventLog { get; init; }

    /// <summary><c>--offline</c>.</summary>
    public bool Offline { get; init; }

    /// <summary><c>--accept-version-2</c>.</summary>
    public bool AcceptVersion2 { get; init; }

    /// <summary><c>--accept-expired</c>.</summary>
    public bool AcceptExpired { get; init; }

    /// <summary><c>--require-revocation-list</c>.</summary>
    public bool RequireRevocation { get; init; }

    /// <summary><c>--kds</c>.</summary>
    public Uri? AmdAddress { get; init; }

    /// <summary><c>--pccs</c>.</summary>
    public Uri? IntelAddress { get; init; }
}
