// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation;

/// <summary>A configured signing key (attestation-service.md 4).</summary>
/// <param name="KeyPem">PEM of an EC P-256 private key, SEC 1 or PKCS#8 (RSA for Simple tokens). Read at start; zeroed with the process.</param>
public sealed record SignerOptions(Secret KeyPem)
{
    /// <summary>Becomes <c>x5u</c>.</summary>
    public string? CertificateUrl { get; init; }

    /// <summary>PEM chain, leaf first; becomes <c>x5c</c>. Its leaf must hold the signing key.</summary>
    public string? CertificateChainPem { get; init; }
}
