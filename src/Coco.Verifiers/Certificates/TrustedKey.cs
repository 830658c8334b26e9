// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Verifiers.Certificates;

/// <summary>A root that is trusted: its public key. A certificate counts as this root when it carries this key.</summary>
/// <param name="Name">Whose it is, for reports.</param>
/// <param name="SubjectPublicKeyInfo">The key, DER.</param>
public sealed record TrustedKey(string Name, ReadOnlyMemory<byte> SubjectPublicKeyInfo)
{
    /// <summary>Whether no hardware stands behind it: claims of evidence that hangs from it say so. Default false.</summary>
    public bool IsSimulated { get; init; }

    /// <summary>SHA-256 of the key, lower-case hexadecimal.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(SubjectPublicKeyInfo.Span));

    /// <summary>The key of a certificate that the caller chose to trust.</summary>
    public static TrustedKey Of(DerCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new TrustedKey(certificate.SubjectCommonName, certificate.SubjectPublicKeyInfo);
    }
}
