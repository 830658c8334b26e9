// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;

namespace Coco;

/// <summary>An X.509 certificate revocation list read from DER. Immutable, thread-safe; finding a serial number takes constant time.</summary>
/// <remarks>Source: RFC 5280 section 5.1. Delta and indirect lists are refused (their critical extensions are not understood here).</remarks>
public sealed class CertificateRevocationList
{
    /// <summary>Longest list that is read, in bytes.</summary>
    public const int MaximumLength = 8 * 1024 * 1024;

    private readonly FrozenDictionary<string, DateTimeOffset> _revoked;

    private CertificateRevocationList(FrozenDictionary<string, DateTimeOffset> revoked) => _revoked = revoked;

    /// <summary>The whole list, DER.</summary>
    public ReadOnlyMemory<byte> Raw { get; private init; }

    /// <summary>The signed part (tbsCertList), DER with its header.</summary>
    public ReadOnlyMemory<byte> SignedBytes { get; private init; }

    /// <summary>The issuer's signature.</summary>
    public CertificateSignature Signature { get; private init; } = null!;

    /// <summary>Issuer name, DER.</summary>
    public ReadOnlyMemory<byte> Issuer { get; private init; }

    /// <summary>The last common name in the issuer; empty when it has none.</summary>
    public string IssuerCommonName { get; private init; } = string.Empty;

    /// <summary>When it was issued (UTC).</summary>
    public DateTimeOffset ThisUpdate { get; private init; }

    /// <summary>When the next one comes (UTC); null when it does not say.</summary>
    public DateTimeOffset? NextUpdate { get; private init; }

    /// <summary>All extensions of the list.</summary>
    public ImmutableArray<CertificateExtension> Extensions { get; private init; } = [];

    /// <summary>Number of revoked certificates.</summary>
    public int Count => _revoked.Count;

    /// <summary>Serial numbers (lower-case hexadecimal without leading zeros) and times of revocation.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> Revoked => _revoked;

    /// <summary>Reads DER, PEM (label <c>X509 CRL</c>), or hexadecimal text of DER (Intel's caching service sends that).</summary>
    public static Result<CertificateRevocationList> ParseAny(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> text = bytes.Span.Trim(" \r\n\t\0\""u8);
        if (text.Length > 2 * MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"revocation list of {text.Length} bytes");
        }

        if (DerCertificate.LooksLikePem(text))
        {
            string pem = Encoding.Latin1.GetString(text);
            if (!PemEncoding.TryFind(pem, out PemFields fields) || pem[fields.Label] != "X509 CRL")
            {
                return new Refusal(RefusalCode.Malformed, "PEM text holds no revocation list");
            }

            byte[] der = new byte[fields.DecodedDataLength];
            return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out int written) && written == der.Length
                ? Parse(der)
                : new Refusal(RefusalCode.Malformed, "PEM text is not base64");
        }

        if (text.Length > 0 && text[0] == (byte)'3' && text.Length % 2 == 0)
        {
            byte[] der = new byte[text.Length / 2];
            if (Convert.FromHexString(text, der, out _, out int written) == System.Buffers.OperationStatus.Done && written == der.Length)
            {
                return Parse(der);
            }
        }

        return Parse(bytes);
    }

    /// <summary>Reads DER; trailing bytes are refused.</summary>
    public static Result<CertificateRevocationList> Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"revocation list of {der.Length} bytes, at most {MaximumLength} are read");
        }

        try
        {
            return Read(der);
        }
        catch (Exception e) when (e is AsnContentException or OverflowException or ArgumentException or CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "revocation list is not DER as RFC 5280 wants it: " + e.Message) { Field = "certificate revocation list" };
        }
    }

    /// <summary>When this serial number was revoked (UTC); null when it is not listed.</summary>
    /// <param name="serialNumber">Content of the INTEGER, as <see cref="DerCertificate.SerialNumber"/> gives it.</param>
    public DateTimeOffset? FindRevocation(ReadOnlySpan<byte> serialNumber) =>
        _revoked.TryGetValue(KeyOf(serialNumber), out DateTimeOffset when) ? when : null;

    /// <summary>Verifies the issuer's signature; null when it holds.</summary>
    public Refusal? CheckSignature(ReadOnlySpan<byte> issuerPublicKeyInfo, CertificateSignatureAlgorithms allowed) =>
        Signature.Check(SignedBytes.Span, issuerPublicKeyInfo, allowed);

    /// <summary>Demands thisUpdate &lt;= <paramref name="now"/> &lt; nextUpdate; a list without nextUpdate is refused.</summary>
    public Refusal? CheckDates(DateTimeOffset now)
    {
        if (NextUpdate is not { } next)
        {
            return new Refusal(RefusalCode.Expired, "revocation list does not say when the next one comes");
        }

        return now < ThisUpdate
            ? new Refusal(RefusalCode.Expired, $"revocation list is of {ThisUpdate:u}, the time is {now:u}")
            : now >= next
                ? new Refusal(RefusalCode.Expired, $"revocation list was to be replaced by {next:u}, the time is {now:u}")
                : null;
    }

    private static string KeyOf(ReadOnlySpan<byte> serial) => Convert.ToHexStringLower(serial.TrimStart((byte)0));

    private static Result<CertificateRevocationList> Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        AsnReader list = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> tbs = list.ReadEncodedValue();
        ReadOnlyMemory<byte> algorithm = list.ReadEncodedValue();
        ReadOnlyMemory<byte> bits = list.ReadPrimitiveBitString(out int unused);
        list.ThrowIfNotEmpty();
        if (unused != 0)
        {
            return new Refusal(RefusalCode.Malformed, "signature is not whole bytes") { Field = "signatureValue" };
        }

        AsnReader body = new AsnReader(tbs, AsnEncodingRules.DER).ReadSequence();
        if (body.PeekTag().HasSameClassAndValue(Asn1Tag.Integer) && (!body.TryReadInt32(out int version) || version != 1))
        {
            return new Refusal(RefusalCode.Malformed, "revocation list version must be 2") { Field = "version" };
        }

        if (!body.ReadEncodedValue().Span.SequenceEqual(algorithm.Span))
        {
            return new Refusal(RefusalCode.Malformed, "the signed and the outer signature algorithm differ") { Field = "signatureAlgorithm" };
        }

        ReadOnlyMemory<byte> issuer = body.ReadEncodedValue();
        DateTimeOffset thisUpdate = DerCertificate.ReadTime(body);
        DateTimeOffset? nextUpdate = null;
        if (body.HasData && body.PeekTag() is { TagClass: TagClass.Universal, TagValue: (int)UniversalTagNumber.UtcTime or (int)UniversalTagNumber.GeneralizedTime })
        {
            nextUpdate = DerCertificate.ReadTime(body);
        }

        var revoked = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        if (body.HasData && body.PeekTag() is { TagClass: TagClass.Universal, TagValue: (int)UniversalTagNumber.Sequence })
        {
            AsnReader entries = body.ReadSequence();
            while (entries.HasData)
            {
                AsnReader entry = entries.ReadSequence();
                string key = KeyOf(entry.ReadIntegerBytes().Span);
                DateTimeOffset when = DerCertificate.ReadTime(entry);
                if (entry.HasData && DerCertificate.ReadExtensions(entry.ReadSequence()).Any(e => e.IsCritical))
                {
                    return new Refusal(RefusalCode.Unsupported, "revocation list has a critical entry extension");
                }

                revoked[key] = when;
            }
        }

        ImmutableArray<CertificateExtension> extensions = [];
        if (body.HasData)
        {
            AsnReader wrapper = body.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true));
            extensions = DerCertificate.ReadExtensions(wrapper.ReadSequence());
            wrapper.ThrowIfNotEmpty();
        }

        body.ThrowIfNotEmpty();

        // 2.5.29.28 says which certificates a list covers: a partial list cannot clear a certificate. 2.5.29.27 marks a delta list.
        foreach (CertificateExtension e in extensions)
        {
            if (e.Oid == "2.5.29.27" || (e.IsCritical && e.Oid is not ("2.5.29.20" or "2.5.29.35")))
            {
                return new Refusal(RefusalCode.Unsupported, $"revocation list has the critical or partial-list extension {e.Oid}");
            }
        }

        return new CertificateRevocationList(revoked.ToFrozenDictionary(StringComparer.Ordinal))
        {
            Raw = der,
            SignedBytes = tbs,
            Signature = CertificateSignature.Read(algorithm, bits),
            Issuer = issuer,
            IssuerCommonName = DerCertificate.ReadCommonName(issuer),
            ThisUpdate = thisUpdate,
            NextUpdate = nextUpdate,
            Extensions = extensions,
        };
    }
}
