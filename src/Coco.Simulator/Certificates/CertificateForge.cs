// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Simulator.Certificates;

/// <summary>Makes the certificates and revocation lists of simulated vendors. Every field is the caller's choice, wrong ones too.</summary>
public static class CertificateForge
{
    /// <summary>Makes a certificate.</summary>
    /// <param name="request">What it says.</param>
    /// <param name="subjectKey">DER SubjectPublicKeyInfo of the subject.</param>
    /// <param name="issuer">Issuer name.</param>
    /// <param name="issuerKey">The issuer's key, RSA or EC.</param>
    /// <param name="hash">Hash of the signature; with an RSA key also of MGF1, the salt being as long.</param>
    /// <param name="rsaPadding">Padding when the issuer's key is RSA; RSASSA-PSS when null.</param>
    /// <returns>DER.</returns>
    public static byte[] MakeCertificate(
        CertificateContent request,
        ReadOnlySpan<byte> subjectKey,
        X500DistinguishedName issuer,
        AsymmetricAlgorithm issuerKey,
        HashAlgorithmName hash,
        RSASignaturePadding? rsaPadding = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(issuer);
        var csr = new CertificateRequest(request.Subject, PublicKey.CreateFromSubjectPublicKeyInfo(subjectKey, out _), hash);
        foreach (X509Extension extension in request.Extensions)
        {
            csr.CertificateExtensions.Add(extension);
        }

        X509SignatureGenerator generator = GeneratorOf(issuerKey, rsaPadding);
        using X509Certificate2 made = csr.Create(issuer, generator, request.NotBefore, request.NotAfter, request.SerialNumber.Span);
        return made.RawData;
    }

    /// <summary>Makes a revocation list.</summary>
    /// <param name="issuer">Issuer name.</param>
    /// <param name="issuerKey">The issuer's key, RSA or EC.</param>
    /// <param name="issuerKeyInfo">DER SubjectPublicKeyInfo of the issuer, for the authority key identifier.</param>
    /// <param name="hash">Hash of the signature.</param>
    /// <param name="thisUpdate">Issued at (UTC).</param>
    /// <param name="nextUpdate">Next one at (UTC).</param>
    /// <param name="revokedSerials">Serial numbers, big-endian.</param>
    /// <param name="rsaPadding">Padding when the issuer's key is RSA; RSASSA-PSS when null.</param>
    /// <returns>DER.</returns>
    public static byte[] MakeRevocationList(
        X500DistinguishedName issuer,
        AsymmetricAlgorithm issuerKey,
        ReadOnlySpan<byte> issuerKeyInfo,
        HashAlgorithmName hash,
        DateTimeOffset thisUpdate,
        DateTimeOffset nextUpdate,
        IEnumerable<ReadOnlyMemory<byte>> revokedSerials,
        RSASignaturePadding? rsaPadding = null)
    {
        ArgumentNullException.ThrowIfNull(revokedSerials);
        var builder = new CertificateRevocationListBuilder();
        foreach (ReadOnlyMemory<byte> serial in revokedSerials)
        {
            builder.AddEntry(serial.Span, thisUpdate);
        }

        var keyIdentifier = new X509SubjectKeyIdentifierExtension(PublicKey.CreateFromSubjectPublicKeyInfo(issuerKeyInfo, out _), critical: false);
        return builder.Build(
            issuer,
            GeneratorOf(issuerKey, rsaPadding),
            crlNumber: 1,
            nextUpdate,
            hash,
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(keyIdentifier),
            thisUpdate);
    }

    private static X509SignatureGenerator GeneratorOf(AsymmetricAlgorithm key, RSASignaturePadding? rsaPadding) => key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, rsaPadding ?? RSASignaturePadding.Pss),
        ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
        _ => throw new ArgumentException("the issuer's key must be RSA or EC", nameof(key)),
    };
}

/// <summary>What a simulated certificate says.</summary>
/// <param name="Subject">Subject name.</param>
/// <param name="SerialNumber">Serial number, big-endian; AMD's VCEKs have 0.</param>
/// <param name="NotBefore">Begin of validity (UTC).</param>
/// <param name="NotAfter">End of validity (UTC).</param>
/// <param name="Extensions">Extensions in their order.</param>
public sealed record CertificateContent(
    X500DistinguishedName Subject,
    ReadOnlyMemory<byte> SerialNumber,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    IReadOnlyList<X509Extension> Extensions);
