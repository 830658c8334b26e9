// SPDX-License-Identifier: Apache-2.0
namespace Coco.ReferenceValues;

/// <summary>One digest of a reference value that is a list of digests (rvps.md 4.2).</summary>
/// <param name="Algorithm">For example <c>sha256</c>.</param>
/// <param name="Value">The digest, hexadecimal.</param>
public sealed record HashEntry(string Algorithm, string Value)
{
    /// <summary>The version of the artifact, where the provenance says it.</summary>
    public string? ArtifactVersion { get; init; }
}
