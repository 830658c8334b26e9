// SPDX-License-Identifier: Apache-2.0
namespace Coco;

/// <summary>An extension of a certificate or revocation list (RFC 5280 section 4.2).</summary>
/// <param name="Oid">Dotted object identifier.</param>
/// <param name="IsCritical">Whether a reader that does not know it must refuse.</param>
/// <param name="Value">Content of the extnValue octet string; mostly DER, but not always (AMD's hwID is raw).</param>
public sealed record CertificateExtension(string Oid, bool IsCritical, ReadOnlyMemory<byte> Value);
