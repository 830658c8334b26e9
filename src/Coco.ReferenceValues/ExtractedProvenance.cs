// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues;

/// <summary>What a provenance says, and who vouches for it.</summary>
/// <param name="Records">The reference values; may be empty.</param>
/// <param name="Signers">
/// Identities whose signatures over the provenance were verified: <c>spki:&lt;SHA-256 of the SubjectPublicKeyInfo, hexadecimal&gt;</c> or
/// <c>pgp:&lt;fingerprint&gt;</c>. Empty for formats without signatures.
/// </param>
public sealed record ExtractedProvenance(ImmutableArray<ReferenceValueRecord> Records, ImmutableArray<string> Signers);
