// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia.SignedXml;

/// <summary>An XML document with one enveloped signature over all of it (XML Signature 1.1), by a key whose certificate came with it.</summary>
/// <remarks>
/// Everything that makes XML signatures dangerous is refused: document types, more than one reference, references to a part, other transforms
/// than "enveloped" and canonicalisation, other algorithms than ECDSA with SHA-384.
/// </remarks>
internal static class SignedDocument
{
    private const int Longest = 4 << 20;
    private const int DeepestElement = 64;
    private const string EcdsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
    private const string Sha384Digest = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    private const string Enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

    private static readonly XNamespace Ds = "http://www.w3.org/2000/09/xmldsig#";

    /// <summary>Verifies digest, signature and certificates; the document's root, of which every part but the signature itself is signed.</summary>
    public static Result<XElement> Verify(ReadOnlyMemory<byte> xml, IReadOnlyList<TrustedKey> roots, DateTimeOffset now)
    {
        if (!Load(xml).TryGet(out XElement? root, out Refusal? refusal))
        {
            return refusal;
        }

        XElement[] signatures = [.. root.DescendantsAndSelf(Ds + "Signature")];
        if (signatures.Length != 1 || signatures[0].Parent != root)
        {
            return Bad("one signature, right below the root, is wanted");
        }

        XElement signature = signatures[0];
        if (signature.Element(Ds + "SignedInfo") is not { } info || info.Elements(Ds + "Reference").Count() != 1)
        {
            return Bad("SignedInfo with one reference is wanted");
        }

        refusal = CheckDigest(root, signature, info.Element(Ds + "Reference")!);
        if (refusal is not null)
        {
            return refusal;
        }

        if (!ReadCertificates(signature).TryGet(out ImmutableArray<DerCertificate> chain, out refusal))
        {
            return refusal;
        }

        refusal = CheckSignature(signature, info, chain[0])
            ?? new CertificatePath { Roots = roots, Algorithms = CertificateSignatureAlgorithms.EcdsaSha384 | CertificateSignatureAlgorithms.EcdsaSha256 }.Check(chain, now, null).Refusal;
        return refusal is null ? root : refusal;
    }

    private static Result<XElement> Load(ReadOnlyMemory<byte> xml)
    {
        if (xml.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"XML of {xml.Length} bytes, at most {Longest} accepted");
        }

        try
        {
            using var stream = new MemoryStream(xml.ToArray(), writable: false);
            using var reader = XmlReader.Create(stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = Longest });
            var document = XDocument.Load(reader, LoadOptions.PreserveWhitespace);
            foreach (XElement element in document.Descendants())
            {
                if (element.Ancestors().Take(DeepestElement + 1).Count() > DeepestElement)
                {
                    return new Refusal(RefusalCode.TooLarge, "XML is nested too deeply");
                }

                if (element.Attributes().Any(a => a.Name.Namespace == XNamespace.Xml && a.Name.LocalName is "base" or "space"))
                {
                    return Bad("attributes of the namespace xml are not understood");
                }
            }

            return document.Root!;
        }
        catch (XmlException e)
        {
            return Bad("not XML: " + e.Message);
        }
    }

    private static Refusal? CheckDigest(XElement root, XElement signature, XElement reference)
    {
        if (reference.Attribute("URI") is not { Value: "" })
        {
            return Bad("the reference is not to the whole document");
        }

        bool enveloped = false, exclusive = false;
        foreach (XElement transform in reference.Element(Ds + "Transforms")?.Elements(Ds + "Transform") ?? [])
        {
            string algorithm = transform.Attribute("Algorithm")?.Value ?? string.Empty;
            if (algorithm == Enveloped)
            {
                enveloped = true;
            }
            else if (transform.HasElements || !TryReadCanonicalization(algorithm, out exclusive))
            {
                return Bad("transform " + algorithm + " is not accepted");
            }
        }

        if (!enveloped || reference.Element(Ds + "DigestMethod")?.Attribute("Algorithm")?.Value != Sha384Digest)
        {
            return Bad("an enveloped signature with SHA-384 is wanted");
        }

        byte[] digest = SHA384.HashData(CanonicalXml.Write(root, exclusive, signature));
        return TryReadBase64(reference.Element(Ds + "DigestValue"), out byte[] given) && CryptographicOperations.FixedTimeEquals(digest, given)
            ? null
            : new Refusal(RefusalCode.BadSignature, "the digest is not that of the document");
    }

    private static Refusal? CheckSignature(XElement signature, XElement info, DerCertificate signer)
    {
        string canonicalization = info.Element(Ds + "CanonicalizationMethod")?.Attribute("Algorithm")?.Value ?? string.Empty;
        if (!TryReadCanonicalization(canonicalization, out bool exclusive) || info.Element(Ds + "CanonicalizationMethod")!.HasElements)
        {
            return Bad("canonicalisation " + canonicalization + " is not accepted");
        }

        if (info.Element(Ds + "SignatureMethod")?.Attribute("Algorithm")?.Value != EcdsaSha384)
        {
            return Bad("ECDSA with SHA-384 is wanted");
        }

        if (!VerificationKey.FromCertificate(signer).TryGet(out VerificationKey? key, out Refusal? refusal))
        {
            return refusal;
        }

        using (key)
        {
            return TryReadBase64(signature.Element(Ds + "SignatureValue"), out byte[] value)
                && key.VerifyEcdsa(HashAlgorithmName.SHA384, CanonicalXml.Write(info, exclusive, null), value, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                    ? null
                    : new Refusal(RefusalCode.BadSignature, "the signature does not verify");
        }
    }

    private static Result<ImmutableArray<DerCertificate>> ReadCertificates(XElement signature)
    {
        var list = ImmutableArray.CreateBuilder<DerCertificate>();
        foreach (XElement text in signature.Element(Ds + "KeyInfo")?.Element(Ds + "X509Data")?.Elements(Ds + "X509Certificate") ?? [])
        {
            if (!TryReadBase64(text, out byte[] der))
            {
                return Bad("a certificate is not base64");
            }

            if (!DerCertificate.Parse(der).TryGet(out DerCertificate? certificate, out Refusal? refusal))
            {
                return refusal;
            }

            list.Add(certificate);
        }

        return list.Count == 0 ? Bad("no certificate") : list.ToImmutable();
    }

    private static bool TryReadCanonicalization(string algorithm, out bool exclusive)
    {
        exclusive = algorithm == "http://www.w3.org/2001/10/xml-exc-c14n#";
        return exclusive || algorithm is "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" or "http://www.w3.org/2006/12/xml-c14n11";
    }

    private static bool TryReadBase64(XElement? element, out byte[] bytes)
    {
        bytes = [];
        if (element is null)
        {
            return false;
        }

        byte[] buffer = new byte[(element.Value.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(element.Value, buffer, out int written))
        {
            return false;
        }

        bytes = buffer[..written];
        return true;
    }

    private static Refusal Bad(string what) => new(RefusalCode.Malformed, "signed XML: " + what);
}
