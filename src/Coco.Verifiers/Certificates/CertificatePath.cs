// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;

namespace Coco.Verifiers.Certificates;

/// <summary>Checks a path of certificates that came with evidence, leaf first, up to a trusted key.</summary>
/// <remarks>Source: RFC 5280 section 6.1, without policies and name constraints (certificates with either, marked critical, are refused).</remarks>
public sealed class CertificatePath
{
    private const string BasicConstraints = "2.5.29.19";
    private const string KeyUsage = "2.5.29.15";

    private static readonly string[] Understood = [BasicConstraints, KeyUsage];

    /// <summary>Roots that are trusted.</summary>
    public required IReadOnlyList<TrustedKey> Roots { get; init; }

    /// <summary>Algorithms that certificates may be signed with.</summary>
    public required CertificateSignatureAlgorithms Algorithms { get; init; }

    /// <summary>Critical extensions that whoever uses the leaf checks himself, by object identifier. Default: none.</summary>
    public IReadOnlyList<string> CheckedElsewhere { get; init; } = [];

    /// <summary>Whether the last certificate of the path has to be a root itself, or may be one that a root signed. Default: may be signed.</summary>
    public bool RootIncluded { get; init; }

    /// <summary>Longest path. Default 8.</summary>
    public int Longest { get; init; } = 8;

    /// <summary>Checks names, signatures, dates, CA flags and path lengths; the root that the path leads to. Each certificate used is written down.</summary>
    /// <param name="path">Leaf first; each next one issued the one before.</param>
    /// <param name="now">The time at which all have to be valid (UTC).</param>
    /// <param name="record">Gets the certificates; null when nobody asks.</param>
    public Result<TrustedKey> Check(IReadOnlyList<DerCertificate> path, DateTimeOffset now, VerificationRecord? record)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Count == 0 || path.Count > Longest)
        {
            return new Refusal(RefusalCode.Untrusted, $"a path of {path.Count} certificates; 1 to {Longest} accepted");
        }

        for (int i = 0; i < path.Count; i++)
        {
            DerCertificate certificate = path[i];
            record?.Used(new CollateralUse(
                "certificate", certificate.SubjectCommonName, certificate.NotBefore, certificate.NotAfter, Convert.ToHexStringLower(SHA256.HashData(certificate.Raw.Span))));
            if ((certificate.CheckDates(now) ?? CheckExtensions(certificate, i, i == path.Count - 1)) is { } refusal)
            {
                return refusal;
            }

            if (i + 1 < path.Count && CheckIssuedBy(certificate, path[i + 1].Subject.Span, path[i + 1].SubjectPublicKeyInfo.Span) is { } unsigned)
            {
                return unsigned;
            }
        }

        return FindAnchor(path[^1]);
    }

    private Result<TrustedKey> FindAnchor(DerCertificate last)
    {
        foreach (TrustedKey root in Roots)
        {
            if (root.SubjectPublicKeyInfo.Span.SequenceEqual(last.SubjectPublicKeyInfo.Span))
            {
                return root;
            }
        }

        if (!RootIncluded)
        {
            foreach (TrustedKey root in Roots)
            {
                if (last.CheckSignature(root.SubjectPublicKeyInfo.Span, Algorithms) is null)
                {
                    return root;
                }
            }
        }

        return new Refusal(RefusalCode.Untrusted, $"'{last.SubjectCommonName}' (issuer '{last.IssuerCommonName}') leads to no trusted root");
    }

    private Refusal? CheckIssuedBy(DerCertificate certificate, ReadOnlySpan<byte> issuerName, ReadOnlySpan<byte> issuerKey)
    {
        if (!certificate.Issuer.Span.SequenceEqual(issuerName))
        {
            return new Refusal(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' was not issued by the certificate that follows it");
        }

        return certificate.CheckSignature(issuerKey, Algorithms)?.Within($"'{certificate.SubjectCommonName}'");
    }

    private Refusal? CheckExtensions(DerCertificate certificate, int depth, bool last)
    {
        foreach (CertificateExtension extension in certificate.Extensions)
        {
            if (extension.IsCritical && !Understood.Contains(extension.Oid, StringComparer.Ordinal) && (depth > 0 || !CheckedElsewhere.Contains(extension.Oid, StringComparer.Ordinal)))
            {
                return new Refusal(RefusalCode.Unsupported, $"'{certificate.SubjectCommonName}' has the critical extension {extension.Oid}, which is not understood");
            }
        }

        if (depth == 0)
        {
            return null;
        }

        try
        {
            return CheckAuthority(certificate, depth, last);
        }
        catch (AsnContentException e)
        {
            return new Refusal(RefusalCode.Malformed, $"'{certificate.SubjectCommonName}': an extension is not DER: {e.Message}");
        }
    }

    private static Refusal? CheckAuthority(DerCertificate certificate, int depth, bool last)
    {
        if (certificate.FindExtension(KeyUsage) is { } usage)
        {
            System.Collections.BitArray bits = AsnDecoder.ReadNamedBitList(usage.Span, AsnEncodingRules.DER, out _);
            if (bits.Length <= 5 || !bits[5])
            {
                return new Refusal(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' may not sign certificates (key usage)");
            }
        }

        if (certificate.FindExtension(BasicConstraints) is not { } constraints)
        {
            // A self-signed root without the extension is an old root; anything else without it is no CA.
            return last ? null : new Refusal(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' is no certificate authority (basic constraints)");
        }

        AsnReader sequence = new AsnReader(constraints, AsnEncodingRules.DER).ReadSequence();
        bool authority = sequence.HasData && sequence.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && sequence.ReadBoolean();
        if (!authority)
        {
            return new Refusal(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' is no certificate authority (basic constraints)");
        }

        // depth - 1 intermediate certificates stand between this one and the leaf.
        return sequence.HasData && (!sequence.TryReadInt32(out int length) || length < depth - 1)
            ? new Refusal(RefusalCode.Untrusted, string.Create(CultureInfo.InvariantCulture, $"'{certificate.SubjectCommonName}' does not allow a path that long"))
            : null;
    }
}
