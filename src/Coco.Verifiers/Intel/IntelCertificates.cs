// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Asn1;

namespace Coco.Verifiers.Intel;

/// <summary>Rules that all certificates and lists of Intel's hierarchy share: P-256, ECDSA with SHA-256, names, CA flags.</summary>
internal static class IntelCertificates
{
    public const string RootName = "SGX Root CA";
    public const string AuthorityName = "CA";
    public const string PckName = "SGX PCK Certificate";
    public const string SignerName = "SGX TCB Signing";

    private const string BasicConstraints = "2.5.29.19";
    private const string KeyUsage = "2.5.29.15";
    private const string CrlNumber = "2.5.29.20";
    private const string AuthorityKeyIdentifier = "2.5.29.35";
    private const string CrlDistributionPoints = "2.5.29.31";
    private const int KeyCertSign = 5;

    /// <summary>The root of a chain: trusted key, right name, self-issued and self-signed.</summary>
    public static Result<IntelRootKey> CheckRoot(DerCertificate root, ImmutableArray<IntelRootKey> trusted, DcapError error)
    {
        if (!root.SubjectCommonName.Contains(RootName, StringComparison.Ordinal) || !root.Issuer.Span.SequenceEqual(root.Subject.Span))
        {
            return error.Refuse(RefusalCode.Untrusted, $"'{root.SubjectCommonName}' is not a self-issued '{RootName}'");
        }

        IntelRootKey? key = null;
        foreach (IntelRootKey one in trusted)
        {
            if (one.PublicKeyInfo.Span.SequenceEqual(root.SubjectPublicKeyInfo.Span))
            {
                key = one;
            }
        }

        if (key is null)
        {
            return error.Refuse(RefusalCode.Untrusted, $"the key of '{root.SubjectCommonName}' is not a trusted root key");
        }

        if (!IsAuthority(root))
        {
            return error.Refuse(RefusalCode.Untrusted, $"'{root.SubjectCommonName}' is not marked as a certificate authority");
        }

        return CheckSignature(root, key.Key, error) is { } refusal ? refusal : key;
    }

    /// <summary>A certificate below another: name, issuer, algorithm, signature, and whether it may be an authority.</summary>
    public static Refusal? CheckIssued(DerCertificate certificate, string name, bool isAuthority, DerCertificate issuer, P256VerifyingKey issuerKey, DcapError error)
    {
        if (!certificate.SubjectCommonName.Contains(name, StringComparison.Ordinal))
        {
            return error.Refuse(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' is not a '{name}'");
        }

        if (!certificate.Issuer.Span.SequenceEqual(issuer.Subject.Span))
        {
            return error.Refuse(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' was issued by '{certificate.IssuerCommonName}', not by '{issuer.SubjectCommonName}'");
        }

        if (IsAuthority(certificate) != isAuthority)
        {
            return error.Refuse(RefusalCode.Untrusted, $"'{certificate.SubjectCommonName}' is {(isAuthority ? "not " : string.Empty)}marked as a certificate authority");
        }

        return CheckSignature(certificate, issuerKey, error);
    }

    /// <summary>A revocation list: issuer, extensions that Intel demands, signature.</summary>
    public static Refusal? CheckList(CertificateRevocationList list, DerCertificate issuer, P256VerifyingKey issuerKey)
    {
        if (!list.Issuer.Span.SequenceEqual(issuer.Subject.Span))
        {
            return DcapError.PckChainError.Refuse(RefusalCode.Untrusted, $"the list was issued by '{list.IssuerCommonName}', not by '{issuer.SubjectCommonName}'");
        }

        if (NumberOf(list) is null || !list.Extensions.Any(static e => e.Oid == AuthorityKeyIdentifier))
        {
            return DcapError.CrlUnsupportedFormat.Refuse(RefusalCode.Malformed, "the list has no CRL number or no authority key identifier");
        }

        return list.Signature.Algorithm == CertificateSignatureAlgorithms.EcdsaSha256 && issuerKey.VerifyDer(list.SignedBytes.Span, list.Signature.Bits.Span)
            ? null
            : DcapError.InvalidSignature.Refuse(RefusalCode.BadSignature, $"the signature of '{issuer.SubjectCommonName}' over its revocation list does not verify");
    }

    /// <summary>The CRL number; null when absent, malformed or out of range.</summary>
    public static ulong? NumberOf(CertificateRevocationList list)
    {
        foreach (CertificateExtension one in list.Extensions)
        {
            if (one.Oid == CrlNumber)
            {
                try
                {
                    var reader = new AsnReader(one.Value, AsnEncodingRules.DER);
                    return reader.TryReadUInt64(out ulong number) && !reader.HasData && number <= long.MaxValue ? number : null;
                }
                catch (AsnContentException)
                {
                    return null;
                }
            }
        }

        return null;
    }

    /// <summary>The URIs at which a certificate says that its issuer's list is (RFC 5280 4.2.1.13); empty when it says none.</summary>
    public static IReadOnlyList<string> DistributionPoints(DerCertificate certificate)
    {
        var found = new List<string>();
        if (certificate.FindExtension(CrlDistributionPoints) is not { } value)
        {
            return found;
        }

        try
        {
            AsnReader points = new AsnReader(value, AsnEncodingRules.DER).ReadSequence();
            while (points.HasData)
            {
                AsnReader point = points.ReadSequence();
                var zero = new Asn1Tag(TagClass.ContextSpecific, 0);
                if (!point.HasData || !point.PeekTag().HasSameClassAndValue(zero))
                {
                    continue;
                }

                AsnReader name = point.ReadSequence(zero);
                if (!name.HasData || !name.PeekTag().HasSameClassAndValue(zero))
                {
                    continue;
                }

                AsnReader names = name.ReadSequence(zero);
                var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
                while (names.HasData)
                {
                    if (names.PeekTag().HasSameClassAndValue(uri))
                    {
                        found.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
                    }
                    else
                    {
                        names.ReadEncodedValue();
                    }
                }
            }
        }
        catch (AsnContentException)
        {
            return [];
        }

        return found;
    }

    private static Refusal? CheckSignature(DerCertificate certificate, P256VerifyingKey issuerKey, DcapError error)
    {
        if (certificate.Signature.Algorithm != CertificateSignatureAlgorithms.EcdsaSha256)
        {
            return error.Refuse(RefusalCode.Unsupported, $"'{certificate.SubjectCommonName}' is signed with {certificate.Signature.Oid}, not with ECDSA and SHA-256");
        }

        return issuerKey.VerifyDer(certificate.SignedBytes.Span, certificate.Signature.Bits.Span)
            ? null
            : error.Refuse(RefusalCode.BadSignature, $"the signature over '{certificate.SubjectCommonName}' does not verify");
    }

    private static bool IsAuthority(DerCertificate certificate)
    {
        if (certificate.FindExtension(BasicConstraints) is not { } value)
        {
            return false;
        }

        try
        {
            AsnReader constraints = new AsnReader(value, AsnEncodingRules.DER).ReadSequence();
            bool authority = constraints.HasData && constraints.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && constraints.ReadBoolean();
            return authority && MaySignCertificates(certificate);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static bool MaySignCertificates(DerCertificate certificate)
    {
        if (certificate.FindExtension(KeyUsage) is not { } value)
        {
            return true;
        }

        var reader = new AsnReader(value, AsnEncodingRules.DER);
        return reader.TryReadPrimitiveBitString(out _, out ReadOnlyMemory<byte> bits) && bits.Length > 0 && (bits.Span[0] & (0x80 >> KeyCertSign)) != 0;
    }
}
