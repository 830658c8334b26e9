// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;

namespace Coco;

/// <summary>An X.509 v3 certificate read from DER: fields and slices of the received bytes, nothing judged. Immutable, thread-safe.</summary>
/// <remarks>
/// Source: RFC 5280 section 4.1. Made for vendor certificates that general readers refuse or treat leniently (serial number 0, RSASSA-PSS,
/// extensions that are not DER). What is signed is a slice of what came, never a re-encoding.
/// </remarks>
public sealed class DerCertificate
{
    /// <summary>Longest certificate that is read, in bytes.</summary>
    public const int MaximumLength = 64 * 1024;

    private const int MaximumExtensions = 128;
    private const int MaximumPemCertificates = 32;

    private DerCertificate()
    {
    }

    /// <summary>The whole certificate, DER.</summary>
    public ReadOnlyMemory<byte> Raw { get; private init; }

    /// <summary>The signed part (tbsCertificate), DER with its header.</summary>
    public ReadOnlyMemory<byte> SignedBytes { get; private init; }

    /// <summary>The issuer's signature.</summary>
    public CertificateSignature Signature { get; private init; } = null!;

    /// <summary>Serial number as the content of its INTEGER (big-endian, two's complement).</summary>
    public ReadOnlyMemory<byte> SerialNumber { get; private init; }

    /// <summary>Issuer name, DER.</summary>
    public ReadOnlyMemory<byte> Issuer { get; private init; }

    /// <summary>Subject name, DER.</summary>
    public ReadOnlyMemory<byte> Subject { get; private init; }

    /// <summary>The last common name in the issuer; empty when it has none.</summary>
    public string IssuerCommonName { get; private init; } = string.Empty;

    /// <summary>The last common name in the subject; empty when it has none.</summary>
    public string SubjectCommonName { get; private init; } = string.Empty;

    /// <summary>Begin of validity (UTC).</summary>
    public DateTimeOffset NotBefore { get; private init; }

    /// <summary>End of validity (UTC), inclusive.</summary>
    public DateTimeOffset NotAfter { get; private init; }

    /// <summary>The subject's key, DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; private init; }

    /// <summary>Object identifier of the key's algorithm.</summary>
    public string KeyAlgorithm { get; private init; } = string.Empty;

    /// <summary>Object identifier of the curve for an EC key; null for other keys.</summary>
    public string? KeyCurve { get; private init; }

    /// <summary>All extensions in their order; no identifier occurs twice.</summary>
    public ImmutableArray<CertificateExtension> Extensions { get; private init; } = [];

    /// <summary>Reads one certificate; trailing bytes are refused.</summary>
    public static Result<DerCertificate> Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"certificate of {der.Length} bytes, at most {MaximumLength} are read");
        }

        try
        {
            return Read(der);
        }
        catch (Exception e) when (e is AsnContentException or OverflowException or ArgumentException or CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "certificate is not DER as RFC 5280 wants it: " + e.Message) { Field = "certificate" };
        }
    }

    /// <summary>Reads DER or PEM: one certificate, or in PEM a list of them in their order. NUL bytes at the end of PEM text are ignored.</summary>
    public static Result<ImmutableArray<DerCertificate>> ParseAll(ReadOnlyMemory<byte> derOrPem)
    {
        ReadOnlySpan<byte> bytes = derOrPem.Span;
        if (!LooksLikePem(bytes))
        {
            return Parse(derOrPem).TryGet(out DerCertificate? one, out Refusal? why) ? ImmutableArray.Create(one) : why;
        }

        if (bytes.Length > MaximumPemCertificates * 2 * MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"PEM text of {bytes.Length} bytes");
        }

        return ParsePem(Encoding.Latin1.GetString(bytes));
    }

    /// <summary>Reads the certificates of a PEM text in their order; refused when there is none, or more than 32.</summary>
    public static Result<ImmutableArray<DerCertificate>> ParsePem(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        ImmutableArray<DerCertificate>.Builder found = ImmutableArray.CreateBuilder<DerCertificate>();
        ReadOnlySpan<char> rest = pem;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (rest[fields.Label] is "CERTIFICATE")
            {
                if (found.Count == MaximumPemCertificates)
                {
                    return new Refusal(RefusalCode.TooLarge, $"more than {MaximumPemCertificates} certificates");
                }

                byte[] der = new byte[fields.DecodedDataLength];
                if (!Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out int written) || written != der.Length)
                {
                    return new Refusal(RefusalCode.Malformed, "PEM text is not base64");
                }

                if (!Parse(der).TryGet(out DerCertificate? one, out Refusal? why))
                {
                    return why;
                }

                found.Add(one);
            }

            rest = rest[fields.Location.End..];
        }

        return found.Count == 0 ? new Refusal(RefusalCode.Malformed, "no certificate in the PEM text") : found.ToImmutable();
    }

    /// <summary>Whether bytes begin like PEM text (white space, then dashes).</summary>
    public static bool LooksLikePem(ReadOnlySpan<byte> bytes) => bytes.TrimStart(" \r\n\t"u8).StartsWith("-----BEGIN"u8);

    /// <summary>The value of an extension; null when the certificate has none of this identifier.</summary>
    public ReadOnlyMemory<byte>? FindExtension(string oid)
    {
        foreach (CertificateExtension e in Extensions)
        {
            if (e.Oid == oid)
            {
                return e.Value;
            }
        }

        return null;
    }

    /// <summary>Verifies the issuer's signature; null when it holds.</summary>
    /// <param name="issuerPublicKeyInfo">The issuer's key, DER SubjectPublicKeyInfo.</param>
    /// <param name="allowed">The algorithms that this kind of certificate may be signed with.</param>
    public Refusal? CheckSignature(ReadOnlySpan<byte> issuerPublicKeyInfo, CertificateSignatureAlgorithms allowed) =>
        Signature.Check(SignedBytes.Span, issuerPublicKeyInfo, allowed);

    /// <summary>Checks the time of validity; null when <paramref name="now"/> lies in it.</summary>
    public Refusal? CheckDates(DateTimeOffset now) => now < NotBefore
        ? new Refusal(RefusalCode.Expired, $"certificate '{SubjectCommonName}' is not valid before {NotBefore:u}, the time is {now:u}")
        : now > NotAfter
            ? new Refusal(RefusalCode.Expired, $"certificate '{SubjectCommonName}' was valid until {NotAfter:u}, the time is {now:u}")
            : null;

    internal static string ReadCommonName(ReadOnlyMemory<byte> name)
    {
        string found = string.Empty;
        AsnReader rdns = new AsnReader(name, AsnEncodingRules.DER).ReadSequence();
        while (rdns.HasData)
        {
            AsnReader set = rdns.ReadSetOf(skipSortOrderValidation: true);
            while (set.HasData)
            {
                AsnReader pair = set.ReadSequence();
                string oid = pair.ReadObjectIdentifier();
                if (oid == "2.5.4.3")
                {
                    Asn1Tag tag = pair.PeekTag();
                    found = pair.ReadCharacterString((UniversalTagNumber)tag.TagValue);
                }
            }
        }

        return found;
    }

    internal static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().TagValue == (int)UniversalTagNumber.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    internal static ImmutableArray<CertificateExtension> ReadExtensions(AsnReader list)
    {
        ImmutableArray<CertificateExtension>.Builder found = ImmutableArray.CreateBuilder<CertificateExtension>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (list.HasData)
        {
            AsnReader one = list.ReadSequence();
            string oid = one.ReadObjectIdentifier();
            bool critical = one.PeekTag().TagValue == (int)UniversalTagNumber.Boolean && one.ReadBoolean();
            ReadOnlyMemory<byte> value = one.ReadPrimitiveOctetStringOrCopy();
            one.ThrowIfNotEmpty();
            if (!seen.Add(oid) || found.Count == MaximumExtensions)
            {
                throw new AsnContentException($"extension {oid} occurs twice, or there are too many");
            }

            found.Add(new CertificateExtension(oid, critical, value));
        }

        return found.ToImmutable();
    }

    private static Result<DerCertificate> Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        AsnReader certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> tbs = certificate.ReadEncodedValue();
        ReadOnlyMemory<byte> algorithm = certificate.ReadEncodedValue();
        ReadOnlyMemory<byte> bits = certificate.ReadPrimitiveBitString(out int unused);
        certificate.ThrowIfNotEmpty();
        if (unused != 0)
        {
            return new Refusal(RefusalCode.Malformed, "signature is not whole bytes") { Field = "signatureValue" };
        }

        AsnReader body = new AsnReader(tbs, AsnEncodingRules.DER).ReadSequence();
        var versionTag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        int version = 0;
        if (body.PeekTag().HasSameClassAndValue(versionTag))
        {
            AsnReader v = body.ReadSequence(versionTag);
            if (!v.TryReadInt32(out version) || version is < 1 or > 2)
            {
                return new Refusal(RefusalCode.Malformed, "certificate version must be 1 to 3") { Field = "version" };
            }
        }

        ReadOnlyMemory<byte> serial = body.ReadIntegerBytes();
        if (!body.ReadEncodedValue().Span.SequenceEqual(algorithm.Span))
        {
            return new Refusal(RefusalCode.Malformed, "the signed and the outer signature algorithm differ") { Field = "signatureAlgorithm" };
        }

        ReadOnlyMemory<byte> issuer = body.ReadEncodedValue();
        AsnReader validity = body.ReadSequence();
        DateTimeOffset notBefore = ReadTime(validity);
        DateTimeOffset notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> subject = body.ReadEncodedValue();
        ReadOnlyMemory<byte> spki = body.ReadEncodedValue();
        ImmutableArray<CertificateExtension> extensions = [];
        while (body.HasData)
        {
            Asn1Tag tag = body.PeekTag();
            if (tag.TagClass == TagClass.ContextSpecific && tag.TagValue == 3)
            {
                AsnReader wrapper = body.ReadSequence(tag);
                extensions = ReadExtensions(wrapper.ReadSequence());
                wrapper.ThrowIfNotEmpty();
                body.ThrowIfNotEmpty();
            }
            else if (tag.TagClass == TagClass.ContextSpecific && tag.TagValue is 1 or 2)
            {
                body.ReadEncodedValue();
            }
            else
            {
                return new Refusal(RefusalCode.Malformed, "unknown member after the public key") { Field = "tbsCertificate" };
            }
        }

        AsnReader key = new AsnReader(spki, AsnEncodingRules.DER).ReadSequence();
        AsnReader keyAlgorithm = key.ReadSequence();
        string keyOid = keyAlgorithm.ReadObjectIdentifier();
        string? curve = keyOid == "1.2.840.10045.2.1" && keyAlgorithm.HasData && keyAlgorithm.PeekTag().TagValue == (int)UniversalTagNumber.ObjectIdentifier
            ? keyAlgorithm.ReadObjectIdentifier()
            : null;
        return new DerCertificate
        {
            Raw = der,
            SignedBytes = tbs,
            Signature = CertificateSignature.Read(algorithm, bits),
            SerialNumber = serial,
            Issuer = issuer,
            Subject = subject,
            IssuerCommonName = ReadCommonName(issuer),
            SubjectCommonName = ReadCommonName(subject),
            NotBefore = notBefore,
            NotAfter = notAfter,
            SubjectPublicKeyInfo = spki,
            KeyAlgorithm = keyOid,
            KeyCurve = curve,
            Extensions = extensions,
        };
    }
}
