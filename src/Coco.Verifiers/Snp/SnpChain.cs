// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>A VCEK or VLEK whose chain was verified up to a trusted root key. Says nothing about dates and revocation: those change with time.</summary>
internal sealed class SnpChain
{
    /// <summary>Every signature in AMD's chains (publication 57230): RSASSA-PSS, SHA-384, salt 48.</summary>
    internal const CertificateSignatureAlgorithms Algorithms = CertificateSignatureAlgorithms.RsaPssSha384;

    private const string P384 = "1.3.132.0.34";

    private SnpChain(SnpVek vek, AmdTrustAnchor anchor, AmdKey ca, DerCertificate? caCertificate, EcdsaKeyPool keys)
    {
        Vek = vek;
        Anchor = anchor;
        Ca = ca;
        Keys = keys;
        CaCertificateSha256 = caCertificate is null ? null : Convert.ToHexStringLower(SHA256.HashData(caCertificate.Raw.Span));
        VekSha256 = Convert.ToHexStringLower(SHA256.HashData(vek.Certificate.Raw.Span));
    }

    /// <summary>The certificate that signs reports.</summary>
    internal SnpVek Vek { get; }

    /// <summary>The root that it hangs from.</summary>
    internal AmdTrustAnchor Anchor { get; }

    /// <summary>The key that signed it: ASK or ASVK.</summary>
    internal AmdKey Ca { get; }

    /// <summary>Key objects of the VCEK or VLEK.</summary>
    internal EcdsaKeyPool Keys { get; }

    /// <summary>Digest of the ASK or ASVK certificate that came with the evidence; null when the built-in key was used.</summary>
    internal string? CaCertificateSha256 { get; }

    /// <summary>Digest of the VCEK or VLEK certificate.</summary>
    internal string VekSha256 { get; }

    /// <summary>Verifies; the refusal names the check.</summary>
    /// <param name="certificates">Entries as they came.</param>
    /// <param name="anchors">The trusted roots of the generation (or generations) in question, real ones first.</param>
    internal static Result<SnpChain> Verify(ImmutableArray<SnpCertificateEntry> certificates, IReadOnlyList<AmdTrustAnchor> anchors)
    {
        if (!FindVek(certificates).TryGet(out SnpVek? vek, out Refusal? refusal))
        {
            return refusal with { Check = SnpCheck.Vek };
        }

        if (!AtMostOne(certificates, SnpCertificateType.Ask, "ASK").TryGet(out ImmutableArray<DerCertificate> asks, out refusal)
            || !AtMostOne(certificates, SnpCertificateType.Ark, "ARK").TryGet(out ImmutableArray<DerCertificate> arks, out refusal))
        {
            return refusal with { Check = SnpCheck.Chain };
        }

        Refusal? first = null;
        foreach (AmdTrustAnchor anchor in anchors)
        {
            if (VerifyUnder(anchor, vek, asks, arks).TryGet(out SnpChain? chain, out refusal))
            {
                return chain;
            }

            // Of several roots, the reason of the one that it seems to belong to is the one that helps.
            if (first is null or { Check: SnpCheck.Ark, Code: RefusalCode.Untrusted })
            {
                first = refusal;
            }
        }

        return first ?? new Refusal(RefusalCode.Untrusted, "no root is trusted for this processor") { Check = SnpCheck.Ark };
    }

    private static Result<SnpChain> VerifyUnder(AmdTrustAnchor anchor, SnpVek vek, ImmutableArray<DerCertificate> asks, ImmutableArray<DerCertificate> arks)
    {
        ReadOnlySpan<byte> rootKey = anchor.Ark.SubjectPublicKeyInfo.Span;
        foreach (DerCertificate ark in arks)
        {
            if (!ark.SubjectPublicKeyInfo.Span.SequenceEqual(rootKey))
            {
                return new Refusal(RefusalCode.Untrusted, $"the ARK that came ('{ark.SubjectCommonName}') is not the trusted {anchor.Ark.Name}") { Check = SnpCheck.Ark };
            }

            if (ark.CheckSignature(rootKey, Algorithms) is { } unsigned)
            {
                return unsigned.Within("ARK") with { Check = SnpCheck.Ark };
            }
        }

        AmdKeyRole role = vek.Kind == SnpCertificateType.Vlek ? AmdKeyRole.Asvk : AmdKeyRole.Ask;
        string caName = NameOf(anchor.Generation, role);
        AmdKey? ca = role == AmdKeyRole.Asvk ? anchor.Asvk : anchor.Ask;
        DerCertificate? caCertificate = null;
        if (asks.Length > 0)
        {
            caCertificate = asks[0];
            if (caCertificate.CheckSignature(rootKey, Algorithms) is { } unsigned)
            {
                return unsigned.Within($"'{caCertificate.SubjectCommonName}' is not signed by {anchor.Ark.Name}") with { Check = SnpCheck.Ca };
            }

            if (caCertificate.SubjectCommonName != caName || caCertificate.IssuerCommonName != anchor.Ark.Name || !IsCertificateAuthority(caCertificate))
            {
                return new Refusal(
                    RefusalCode.Untrusted,
                    $"'{caCertificate.SubjectCommonName}', issued by '{caCertificate.IssuerCommonName}', is not the authority {caName}")
                { Check = SnpCheck.Ca };
            }

            ca = AmdKey.FromCertificate(caCertificate, anchor.Generation, role);
        }

        if (ca is null)
        {
            return new Refusal(RefusalCode.Untrusted, $"the evidence brings no {caName} certificate and its key is not built in") { Check = SnpCheck.Ca };
        }

        if (vek.Certificate.IssuerCommonName != ca.Name)
        {
            return new Refusal(
                RefusalCode.Untrusted,
                $"the {vek.Certificate.SubjectCommonName} names '{vek.Certificate.IssuerCommonName}' as its issuer, not {ca.Name}")
            { Check = SnpCheck.Chain };
        }

        if (vek.Certificate.CheckSignature(ca.SubjectPublicKeyInfo.Span, Algorithms) is { } forged)
        {
            return forged.Within($"the {vek.Certificate.SubjectCommonName} is not signed by {ca.Name}") with { Check = SnpCheck.Chain };
        }

        try
        {
            return new SnpChain(vek, anchor, ca, caCertificate, new EcdsaKeyPool(vek.Certificate.SubjectPublicKeyInfo));
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, "the key of the certificate cannot be read: " + e.Message) { Check = SnpCheck.Vek };
        }
    }

    private static string NameOf(SnpGeneration generation, AmdKeyRole role) =>
        (role == AmdKeyRole.Asvk ? "SEV-VLEK-" : "SEV-") + generation.ProductName();

    private static bool IsCertificateAuthority(DerCertificate certificate)
    {
        if (certificate.FindExtension("2.5.29.19") is not { } value)
        {
            return false;
        }

        try
        {
            AsnReader constraints = new AsnReader(value, AsnEncodingRules.DER).ReadSequence();
            return constraints.HasData && constraints.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && constraints.ReadBoolean();
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static Result<SnpVek> FindVek(ImmutableArray<SnpCertificateEntry> certificates)
    {
        foreach (SnpCertificateEntry entry in certificates)
        {
            if (entry.Type is not (SnpCertificateType.Vcek or SnpCertificateType.Vlek))
            {
                continue;
            }

            if (!Single(entry.Data, entry.Type.ToString()).TryGet(out DerCertificate? certificate, out Refusal? refusal)
                || !SnpVek.Parse(certificate).TryGet(out SnpVek? vek, out refusal))
            {
                return refusal;
            }

            if (vek.Kind != entry.Type)
            {
                return new Refusal(RefusalCode.Mismatch, $"the entry is said to be a {entry.Type}, the certificate is {certificate.SubjectCommonName}");
            }

            return certificate.KeyCurve == P384 ? vek : new Refusal(RefusalCode.Unsupported, "the key of the certificate is not on P-384");
        }

        return new Refusal(RefusalCode.Untrusted, "If a cert chain is provided, it must include a VCEK/VLEK");
    }

    /// <summary>All certificates of a type: an ARK or ASK is given at most once, a second one would leave open which counts.</summary>
    private static Result<ImmutableArray<DerCertificate>> AtMostOne(ImmutableArray<SnpCertificateEntry> certificates, SnpCertificateType type, string name)
    {
        ImmutableArray<DerCertificate>.Builder found = ImmutableArray.CreateBuilder<DerCertificate>(1);
        foreach (SnpCertificateEntry entry in certificates)
        {
            if (entry.Type == type)
            {
                if (found.Count > 0)
                {
                    return new Refusal(RefusalCode.Malformed, $"the evidence brings more than one {name}");
                }

                if (!Single(entry.Data, name).TryGet(out DerCertificate? certificate, out Refusal? refusal))
                {
                    return refusal;
                }

                found.Add(certificate);
            }
        }

        return found.ToImmutable();
    }

    private static Result<DerCertificate> Single(ReadOnlyMemory<byte> bytes, string name)
    {
        if (!DerCertificate.ParseAll(bytes).TryGet(out ImmutableArray<DerCertificate> all, out Refusal? refusal))
        {
            return refusal.Within(name);
        }

        return all.Length == 1 ? all[0] : new Refusal(RefusalCode.Malformed, $"{name}: {all.Length} certificates, one wanted");
    }
}
