// SPDX-License-Identifier: Apache-2.0
namespace Coco.ReferenceValues;

/// <summary>Turns one kind of provenance into reference values. A singleton; thread-safe. Found by its <see cref="ProvenanceType"/>.</summary>
public interface IReferenceValueExtractor
{
    /// <summary>The <c>type</c> of the messages that it takes (rvps.md 3), for example <c>sample</c>.</summary>
    string ProvenanceType { get; }

    /// <summary>Checks the payload and gives what it says, with the identities that vouch for it. Stores nothing.</summary>
    /// <param name="payload">The message's <c>payload</c>, as sent.</param>
    /// <param name="ct">Ends downloads and builds.</param>
    ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct);
}
