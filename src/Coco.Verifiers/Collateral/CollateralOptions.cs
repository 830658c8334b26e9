// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Verifiers;

/// <summary>Settings of a <see cref="CollateralService"/>.</summary>
public sealed record CollateralOptions
{
    /// <summary>Asked in this order; those that do not serve the kind are passed over. Default: none.</summary>
    public ImmutableArray<ICollateralSource> Sources { get; init; } = [];

    /// <summary>Keeps what was fetched across processes; in memory only when null (default).</summary>
    public ICollateralCache? Cache { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>How long collateral is kept that has no end of its own. Default 24 hours.</summary>
    public TimeSpan DefaultLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Longest time for which anything but a certificate is kept, whatever its issuer says. Default 168 hours, as the reference.</summary>
    public TimeSpan MaximumLifetime { get; init; } = TimeSpan.FromHours(168);

    /// <summary>Collateral is fetched anew in the background once this share of its time in the cache is over. Default 0.8.</summary>
    public double RefreshAfter { get; init; } = 0.8;

    /// <summary>After "there is none", no source is asked again for so long. Default 60 seconds.</summary>
    public TimeSpan NotFoundLifetime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Attempts with each source that cannot be reached. Default 3.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Wait after the first failed attempt; doubled after each further one. Default 250 milliseconds.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest wait between attempts, also when the source asks for a longer one. Default 5 seconds.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>End of one attempt. Default 20 seconds.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Most items kept in memory. Default 1024.</summary>
    public int Capacity { get; init; } = 1024;
}
