// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Attestation;

/// <summary>Something of the host that the doctor asks: its configuration, its certificates. Any number may be registered. Thread-safe.</summary>
public interface IDoctorSource
{
    /// <summary>What is wrong, and everything that ends, however late: the doctor leaves out what lies beyond its horizon.</summary>
    ValueTask<ImmutableArray<DoctorFinding>> ExamineAsync(CancellationToken ct);
}

/// <summary>A provider of reference values that knows until when they hold. A host registers one where it can.</summary>
public interface IReferenceValueExpirations
{
    /// <summary>All values with their expiration.</summary>
    IAsyncEnumerable<(string Name, DateTimeOffset ExpiresAt)> ListAsync(CancellationToken ct);
}
