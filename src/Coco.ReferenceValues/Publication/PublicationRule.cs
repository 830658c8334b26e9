// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues;

/// <summary>Who may publish names that begin so. Of several rules that fit a name, the longest prefix decides.</summary>
/// <param name="Prefix">The beginning of the names; empty for all.</param>
/// <param name="Signers">
/// Identities one of which must have signed, or be the authenticated caller: <c>spki:&lt;SHA-256 hexadecimal&gt;</c>,
/// <c>pgp:&lt;fingerprint&gt;</c>, <c>caller:&lt;name&gt;</c>.
/// </param>
/// <param name="AllowUnsigned">Let everybody publish these names.</param>
public sealed record PublicationRule(string Prefix, ImmutableArray<string> Signers, bool AllowUnsigned = false);
