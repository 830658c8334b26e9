// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>Collateral is needed and no source could be reached: an outage of ours or of the vendor, not a fault in the evidence.</summary>
public sealed class CollateralUnavailableException : Exception
{
    /// <summary>Names the collateral.</summary>
    public CollateralUnavailableException(CollateralKey key, string message, Exception? inner = null)
        : base(message, inner) => Key = key;

    /// <summary>What was wanted.</summary>
    public CollateralKey Key { get; }

    /// <summary>How long the source asked to be left alone (HTTP Retry-After); null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
