// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Attestation;

/// <summary>Where appraisal gets reference values from. Thread-safe.</summary>
public interface IReferenceValueSource
{
    /// <summary>The values of those names that are known; a name that is missing in the answer is unknown.</summary>
    /// <exception cref="Exception">It could not be reached: the appraisal fails, nothing is assumed.</exception>
    ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct);

    /// <summary>All values, for the Simple tokens whose policies see them as <c>data.reference</c>.</summary>
    /// <exception cref="NotSupportedException">The provider cannot list.</exception>
    ValueTask<ImmutableDictionary<string, JsonElement>> GetAllAsync(CancellationToken ct) =>
        throw new NotSupportedException("this reference value provider cannot list its values");

    /// <summary>Names cost a call each, so that only those that a policy really asks for should be fetched.</summary>
    bool IsRemote => false;
}
