// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>X.509 certificates as the objects that Go makes of them, with <c>URIStrings</c> added.</summary>
internal sealed class CertificateDescription
{
    /// <summary>Extended key usages in the order of Go's numbers for them.</summary>
    internal static readonly string[] ExtendedUsages =
    [
        "2.5.29.37.0", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.5",
        "1.3.6.1.5.5.7.3.6", "1.3.6.1.5.5.7.3.7", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9", "1.3.6.1.4.1.311.10.3.3",
        "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.2.1.22", "1.3.6.1.4.1.311.61.1.1",
    ];

    private static readonly string[] NullMembers =
    [
        "SubjectKeyId", "AuthorityKeyId", "OCSPServer", "IssuingCertificateURL", "CRLDistributionPoints", "DNSNames", "EmailAddresses",
        "IPAddresses", "URIs", "URIStrings", "PolicyIdentifiers", "Policies", "ExtKeyUsage", "UnknownExtKeyUsage", "ExtraExtensions",
        "UnhandledCriticalExtensions", "PermittedDNSDomains", "ExcludedDNSDomains", "PermittedIPRanges", "ExcludedIPRanges",
        "PermittedEmailAddresses", "ExcludedEmailAddresses", "PermittedURIDomains", "ExcludedURIDomains",
    ];

    private readonly Dictionary<string, RegoValue> _members = new(StringComparer.Ordinal);

    private CertificateDescription()
    {
    }

    /// <summary>Describes one certificate in DER; false where it is none.</summary>
    public static bool TryDescribe(ReadOnlyMemory<byte> der, [NotNullWhen(true)] out RegoObject? description)
    {
        try
        {
            description = new CertificateDescription().Describe(der);
            return true;
        }
        catch (Exception e) when (e is AsnContentException or FormatException or ArgumentException or InvalidOperationException)
        {
            description = null;
            return false;
        }
    }

    /// <summary>Describes a certificate request in DER; false where it is none.</summary>
    public static bool TryDescribeRequest(ReadOnlyMemory<byte> der, [NotNullWhen(true)] out RegoObject? description)
    {
        try
        {
            description = new CertificateDescription().DescribeRequest(der);
            return true;
        }
        catch (Exception e) when (e is AsnContentException or FormatException or ArgumentException or InvalidOperationException)
        {
            description = null;
            return false;
        }
    }

    /// <summary>Cuts DER certificates that stand one behind the other; null where something else does.</summary>
    public static List<byte[]>? CutDer(ReadOnlyMemory<byte> bytes)
    {
        var result = new List<byte[]>();
        try
        {
            var reader = new AsnReader(bytes, AsnEncodingRules.DER);
            while (reader.HasData)
            {
                result.Add(reader.ReadEncodedValue().ToArray());
            }
        }
        catch (AsnContentException)
        {
            return null;
        }

        return result;
    }

    private RegoObject Build() => RegoObject.Adopt([.. _members.Keys.Select(static key => (RegoValue)RegoString.Of(key))], [.. _members.Values]);

    private void Set(string name, RegoValue value) => _members[name] = value;

    private RegoObject DescribeRequest(ReadOnlyMemory<byte> der)
    {
        foreach (var name in (ReadOnlySpan<string>)["Attributes", "Extensions", "ExtraExtensions", "DNSNames", "EmailAddresses", "IPAddresses", "URIs"])
        {
            Set(name, RegoValue.Null);
        }

        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var request = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        Set("Raw", Convert.ToBase64String(der.Span));
        var info = request.PeekEncodedValue();
        Set("RawTBSCertificateRequest", Convert.ToBase64String(info.Span));
        var body = request.ReadSequence();
        Set("Version", RegoNumber.Of(body.ReadInteger()));
        Set("RawSubject", Convert.ToBase64String(body.PeekEncodedValue().Span));
        Set("Subject", DerNames.Describe(body.ReadSequence()));
        PublicKey(body.ReadEncodedValue());
        if (body.HasData)
        {
            var attributes = body.ReadSetOf(skipSortOrderValidation: true, new Asn1Tag(TagClass.ContextSpecific, 0));
            while (attributes.HasData)
            {
                var attribute = attributes.ReadSequence();
                if (attribute.ReadObjectIdentifier() == "1.2.840.113549.1.9.14")
                {
                    Extensions(attribute.ReadSetOf().ReadSequence());
                }
            }
        }

        SignatureAlgorithm(request.ReadSequence());
        Set("Signature", Convert.ToBase64String(request.ReadBitString(out _)));
        foreach (var name in (ReadOnlySpan<string>)["KeyUsage", "BasicConstraintsValid", "IsCA", "MaxPathLen", "MaxPathLenZero", "URIStrings"])
        {
            _members.Remove(name);
        }

        return Build();
    }

    private RegoObject Describe(ReadOnlyMemory<byte> der)
    {
        foreach (var name in NullMembers)
        {
            Set(name, RegoValue.Null);
        }

        Set("PermittedDNSDomainsCritical", false);
        Set("KeyUsage", 0);
        Set("BasicConstraintsValid", false);
        Set("IsCA", false);
        Set("MaxPathLen", 0);
        Set("MaxPathLenZero", false);

        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        Set("Raw", Convert.ToBase64String(der.Span));
        Set("RawTBSCertificate", Convert.ToBase64String(certificate.PeekEncodedValue().Span));
        Body(certificate.ReadSequence());
        SignatureAlgorithm(certificate.ReadSequence());
        Set("Signature", Convert.ToBase64String(certificate.ReadBitString(out _)));
        certificate.ThrowIfNotEmpty();
        return Build();
    }

    private void Body(AsnReader body)
    {
        var version = BigInteger.Zero;
        var versionTag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (body.PeekTag().HasSameClassAndValue(versionTag))
        {
            version = body.ReadSequence(versionTag).ReadInteger();
        }

        Set("Version", RegoNumber.Of(version + 1));
        Set("SerialNumber", RegoNumber.Of(body.ReadInteger()));
        body.ReadSequence();
        Set("RawIssuer", Convert.ToBase64String(body.PeekEncodedValue().Span));
        Set("Issuer", DerNames.Describe(body.ReadSequence()));
        var validity = body.ReadSequence();
        Set("NotBefore", Time(DerNames.ReadTime(validity)));
        Set("NotAfter", Time(DerNames.ReadTime(validity)));
        Set("RawSubject", Convert.ToBase64String(body.PeekEncodedValue().Span));
        Set("Subject", DerNames.Describe(body.ReadSequence()));
        PublicKey(body.ReadEncodedValue());
        while (body.HasData)
        {
            var tag = body.PeekTag();
            if (tag.TagValue == 3)
            {
                Extensions(body.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 3, isConstructed: true)).ReadSequence());
            }
            else
            {
                body.ReadEncodedValue();
            }
        }
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private void PublicKey(ReadOnlyMemory<byte> spki)
    {
        Set("RawSubjectPublicKeyInfo", Convert.ToBase64String(spki.Span));
        var (algorithm, key) = PublicKeyDescription.Describe(spki);
        Set("PublicKeyAlgorithm", algorithm);
        Set("PublicKey", key);
    }

    private void SignatureAlgorithm(AsnReader algorithm)
    {
        var oid = algorithm.ReadObjectIdentifier();
        Set("SignatureAlgorithm", oid switch
        {
            "1.2.840.113549.1.1.2" => 1,
            "1.2.840.113549.1.1.4" => 2,
            "1.2.840.113549.1.1.5" or "1.3.14.3.2.29" => 3,
            "1.2.840.113549.1.1.11" => 4,
            "1.2.840.113549.1.1.12" => 5,
            "1.2.840.113549.1.1.13" => 6,
            "1.2.840.10040.4.3" => 7,
            "2.16.840.1.101.3.4.3.2" => 8,
            "1.2.840.10045.4.1" => 9,
            "1.2.840.10045.4.3.2" => 10,
            "1.2.840.10045.4.3.3" => 11,
            "1.2.840.10045.4.3.4" => 12,
            "1.2.840.113549.1.1.10" => Pss(algorithm),
            "1.3.101.112" => 16,
            _ => 0,
        });
    }

    private static int Pss(AsnReader algorithm)
    {
        var parameters = algorithm.ReadSequence();
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (!parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag))
        {
            return 0;
        }

        return parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier() switch
        {
            "2.16.840.1.101.3.4.2.1" => 13,
            "2.16.840.1.101.3.4.2.2" => 14,
            "2.16.840.1.101.3.4.2.3" => 15,
            _ => 0,
        };
    }

    private void Extensions(AsnReader extensions)
    {
        var list = new List<RegoValue>();
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
            var value = extension.ReadOctetString();
            list.Add(RegoObject.Of(("Id", DerNames.Oid(oid)), ("Critical", critical), ("Value", Convert.ToBase64String(value))));
            Known(oid, critical, new AsnReader(value, AsnEncodingRules.DER));
        }

        Set("Extensions", DerNames.OrNull(list));
    }

    private void Known(string oid, bool critical, AsnReader value)
    {
        if (oid == "2.5.29.14")
        {
            Set("SubjectKeyId", DerNames.Base64(value.ReadOctetString()));
        }
        else if (oid == "2.5.29.15")
        {
            KeyUsage(value.ReadBitString(out _));
        }
        else if (ReaderOf(oid) is { } read)
        {
            read(value.ReadSequence());
        }

        if (oid == "2.5.29.30")
        {
            Set("PermittedDNSDomainsCritical", critical);
        }
    }

    private Action<AsnReader>? ReaderOf(string oid) => oid switch
    {
        "2.5.29.17" => AlternativeNames,
        "2.5.29.19" => BasicConstraints,
        "2.5.29.30" => NameConstraints,
        "2.5.29.31" => DistributionPoints,
        "2.5.29.32" => Policies,
        "2.5.29.35" => AuthorityKey,
        "2.5.29.37" => ExtendedKeyUsage,
        "1.3.6.1.5.5.7.1.1" => AuthorityInformation,
        _ => null,
    };

    private void KeyUsage(byte[] bits)
    {
        var usage = 0;
        for (var i = 0; i < 9 && i / 8 < bits.Length; i++)
        {
            if ((bits[i / 8] & (0x80 >> (i % 8))) != 0)
            {
                usage |= 1 << i;
            }
        }

        Set("KeyUsage", usage);
    }

    private void AlternativeNames(AsnReader names)
    {
        List<RegoValue> dns = [], emails = [], addresses = [], uris = [], uriTexts = [];
        while (names.HasData)
        {
            var tag = names.PeekTag();
            if (tag.TagClass != TagClass.ContextSpecific || tag.TagValue is not (1 or 2 or 6 or 7))
            {
                names.ReadEncodedValue();
                continue;
            }

            var bytes = names.ReadOctetString(tag);
            switch (tag.TagValue)
            {
                case 1:
                    emails.Add(DerNames.Ascii(bytes));
                    break;
                case 2:
                    dns.Add(DerNames.Ascii(bytes));
                    break;
                case 6:
                    uriTexts.Add(DerNames.Ascii(bytes));
                    uris.Add(Url(DerNames.Ascii(bytes)));
                    break;
                default:
                    addresses.Add(Address(bytes));
                    break;
            }
        }

        Set("DNSNames", DerNames.OrNull(dns));
        Set("EmailAddresses", DerNames.OrNull(emails));
        Set("IPAddresses", DerNames.OrNull(addresses));
        Set("URIs", DerNames.OrNull(uris));
        Set("URIStrings", DerNames.OrNull(uriTexts));
    }

    private static string Address(byte[] bytes)
    {
        if (bytes.Length is not (4 or 16))
        {
            throw new FormatException();
        }

        UInt128 number = 0;
        foreach (var b in bytes)
        {
            number = (number << 8) | b;
        }

        return Net.IpNetwork.Format(bytes.Length == 16, number);
    }

    // The parts of a URL as Go names them.
    private static RegoObject Url(string text)
    {
        var fragmentAt = text.IndexOf('#', StringComparison.Ordinal);
        var fragment = fragmentAt < 0 ? "" : text[(fragmentAt + 1)..];
        var rest = fragmentAt < 0 ? text : text[..fragmentAt];
        var queryAt = rest.IndexOf('?', StringComparison.Ordinal);
        var query = queryAt < 0 ? "" : rest[(queryAt + 1)..];
        rest = queryAt < 0 ? rest : rest[..queryAt];
        var colon = rest.IndexOf(':', StringComparison.Ordinal);
        var scheme = colon < 0 ? "" : rest[..colon].ToLowerInvariant();
        rest = rest[(colon + 1)..];
        string host = "", opaque = "", path = rest;
        if (rest.StartsWith("//", StringComparison.Ordinal))
        {
            var slash = rest.IndexOf('/', 2);
            host = slash < 0 ? rest[2..] : rest[2..slash];
            path = slash < 0 ? "" : rest[slash..];
        }
        else if (scheme.Length > 0 && !rest.StartsWith('/'))
        {
            (opaque, path) = (rest, "");
        }

        return RegoObject.Of(
            ("Scheme", scheme), ("Opaque", opaque), ("User", RegoValue.Null), ("Host", host), ("Path", Uri.UnescapeDataString(path)), ("RawPath", ""),
            ("OmitHost", false), ("ForceQuery", queryAt >= 0 && query.Length == 0), ("RawQuery", query), ("Fragment", fragment), ("RawFragment", ""));
    }

    private void BasicConstraints(AsnReader constraints)
    {
        var isCa = constraints.HasData && constraints.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && constraints.ReadBoolean();
        var length = constraints.HasData ? constraints.ReadInteger() : BigInteger.MinusOne;
        Set("BasicConstraintsValid", true);
        Set("IsCA", isCa);
        Set("MaxPathLen", RegoNumber.Of(length));
        Set("MaxPathLenZero", length.IsZero);
    }

    private void DistributionPoints(AsnReader points)
    {
        var uris = new List<RegoValue>();
        var outer = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        while (points.HasData)
        {
            var point = points.ReadSequence();
            if (!point.HasData || !point.PeekTag().HasSameClassAndValue(outer))
            {
                continue;
            }

            var name = point.ReadSequence(outer);
            if (!name.HasData || !name.PeekTag().HasSameClassAndValue(outer))
            {
                continue;
            }

            var fullName = name.ReadSequence(outer);
            while (fullName.HasData)
            {
                var tag = fullName.PeekTag();
                if (tag.TagValue == 6 && !tag.IsConstructed)
                {
                    uris.Add(DerNames.Ascii(fullName.ReadOctetString(tag)));
                }
                else
                {
                    fullName.ReadEncodedValue();
                }
            }
        }

        Set("CRLDistributionPoints", DerNames.OrNull(uris));
    }

    private void Policies(AsnReader policies)
    {
        var identifiers = new List<RegoValue>();
        var texts = new List<RegoValue>();
        while (policies.HasData)
        {
            var oid = policies.ReadSequence().ReadObjectIdentifier();
            identifiers.Add(DerNames.Oid(oid));
            texts.Add(oid);
        }

        Set("PolicyIdentifiers", DerNames.OrNull(identifiers));
        Set("Policies", DerNames.OrNull(texts));
    }

    private void AuthorityKey(AsnReader value)
    {
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0);
        if (value.HasData && value.PeekTag().HasSameClassAndValue(tag))
        {
            Set("AuthorityKeyId", DerNames.Base64(value.ReadOctetString(tag)));
        }
    }

    private void ExtendedKeyUsage(AsnReader usages)
    {
        List<RegoValue> known = [], unknown = [];
        while (usages.HasData)
        {
            var oid = usages.ReadObjectIdentifier();
            var index = Array.IndexOf(ExtendedUsages, oid);
            if (index >= 0)
            {
                known.Add(index);
            }
            else
            {
                unknown.Add(DerNames.Oid(oid));
            }
        }

        Set("ExtKeyUsage", DerNames.OrNull(known));
        Set("UnknownExtKeyUsage", DerNames.OrNull(unknown));
    }

    private void AuthorityInformation(AsnReader access)
    {
        List<RegoValue> ocsp = [], issuers = [];
        while (access.HasData)
        {
            var description = access.ReadSequence();
            var method = description.ReadObjectIdentifier();
            var tag = description.PeekTag();
            if (tag.TagValue != 6 || tag.IsConstructed)
            {
                continue;
            }

            var location = DerNames.Ascii(description.ReadOctetString(tag));
            if (method == "1.3.6.1.5.5.7.48.1")
            {
                ocsp.Add(location);
            }
            else if (method == "1.3.6.1.5.5.7.48.2")
            {
                issuers.Add(location);
            }
        }

        Set("OCSPServer", DerNames.OrNull(ocsp));
        Set("IssuingCertificateURL", DerNames.OrNull(issuers));
    }

    private void NameConstraints(AsnReader constraints)
    {
        while (constraints.HasData)
        {
            var tag = constraints.PeekTag();
            var kind = tag.TagValue == 0 ? "Permitted" : "Excluded";
            var subtrees = constraints.ReadSequence(tag);
            List<RegoValue> dns = [], emails = [], ranges = [], uris = [];
            while (subtrees.HasData)
            {
                var subtree = subtrees.ReadSequence();
                var name = subtree.PeekTag();
                if (name.IsConstructed)
                {
                    continue;
                }

                var bytes = subtree.ReadOctetString(name);
                switch (name.TagValue)
                {
                    case 1:
                        emails.Add(DerNames.Ascii(bytes));
                        break;
                    case 2:
                        dns.Add(DerNames.Ascii(bytes));
                        break;
                    case 6:
                        uris.Add(DerNames.Ascii(bytes));
                        break;
                    case 7:
                        var half = bytes.Length / 2;
                        ranges.Add(RegoObject.Of(("IP", Address(bytes[..half])), ("Mask", Convert.ToBase64String(bytes, half, half))));
                        break;
                }
            }

            Set(kind + "DNSDomains", DerNames.OrNull(dns));
            Set(kind + "EmailAddresses", DerNames.OrNull(emails));
            Set(kind + "IPRanges", DerNames.OrNull(ranges));
            Set(kind + "URIDomains", DerNames.OrNull(uris));
        }
    }
}
