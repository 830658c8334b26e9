// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance;

/// <summary>A clock that stands still at the instant for which a case gives its verdict.</summary>
internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => now;
}
