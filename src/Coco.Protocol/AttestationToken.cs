// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>An attestation result token as text; nothing about it has been checked.</summary>
/// <param name="Compact">JWS in compact serialisation (RFC 7515 section 7.1).</param>
public sealed record AttestationToken(string Compact);
