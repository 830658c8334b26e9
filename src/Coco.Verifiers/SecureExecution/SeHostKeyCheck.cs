// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.SecureExecution;

/// <summary>Checks host key documents: root &gt; intermediate &gt; IBM Z signing key &gt; host key, with revocation lists of every step.</summary>
/// <remarks>Source: tee-evidence.md 10.2; IBM, Introducing IBM Secure Execution for Linux, "Verifying host key documents".</remarks>
public sealed class SeHostKeyCheck
{
    private const string CurveP521 = "1.3.132.0.35";
    private const string Ibm = "International Business Machines Corporation";
    private const int LongestChain = 4;

    private const CertificateSignatureAlgorithms Algorithms = CertificateSignatureAlgorithms.RsaPkcs1Sha256 | CertificateSignatureAlgorithms.RsaPkcs1Sha384
        | CertificateSignatureAlgorithms.RsaPkcs1Sha512 | CertificateSignatureAlgorithms.RsaPssSha256 | CertificateSignatureAlgorithms.RsaPssSha384
        | CertificateSignatureAlgorithms.RsaPssSha512 | CertificateSignatureAlgorithms.EcdsaSha256 | CertificateSignatureAlgorithms.EcdsaSha384
        | CertificateSignatureAlgorithms.EcdsaSha512;

    private readonly SeHostKeyOptions _options;
    private readonly ImmutableArray<DerCertificate> _certificates;
    private readonly ImmutableArray<CertificateRevocationList> _lists;

    private SeHostKeyCheck(SeHostKeyOptions options, ImmutableArray<DerCertificate> certificates, ImmutableArray<CertificateRevocationList> lists)
    {
        _options = options;
        _certificates = certificates;
        _lists = lists;
    }

    /// <summary>Reads certificates and lists; one that cannot be read refuses them all.</summary>
    public static Result<SeHostKeyCheck> Create(SeHostKeyOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var certificates = ImmutableArray.CreateBuilder<DerCertificate>();
        foreach (ReadOnlyMemory<byte> one in options.Certificates)
        {
            if (!DerCertificate.ParseAll(one).TryGet(out ImmutableArray<DerCertificate> some, out Refusal? refusal))
            {
                return refusal.Within("host key authority");
            }

            certificates.AddRange(some);
        }

        var lists = ImmutableArray.CreateBuilder<CertificateRevocationList>();
        foreach (ReadOnlyMemory<byte> one in options.RevocationLists)
        {
            if (!CertificateRevocationList.ParseAny(one).TryGet(out CertificateRevocationList? list, out Refusal? refusal))
            {
                return refusal.Within("revocation list");
            }

            lists.Add(list);
        }

        return new SeHostKeyCheck(options, certificates.ToImmutable(), lists.ToImmutable());
    }

    /// <summary>Checks one host key document; the host key (P-521).</summary>
    /// <param name="document">DER or PEM.</param>
    /// <param name="record">Gets the checks; null when nobody asks.</param>
    /// <param name="ct">Ends waiting for revocation lists.</param>
    /// <exception cref="CollateralUnavailableException">A revocation list could not be fetched.</exception>
    public async ValueTask<Result<ECParameters>> CheckAsync(ReadOnlyMemory<byte> document, VerificationRecord? record, CancellationToken ct)
    {
        if (!DerCertificate.ParseAll(document).TryGet(out ImmutableArray<DerCertificate> all, out Refusal? refusal))
        {
            return record.Note("se.host-key-form", refusal)!;
        }

        DerCertificate host = all[0];
        Result<ECParameters> key = ReadKey(host);
        if (record.Note("se.host-key-form", key.Refusal) is { } bad)
        {
            return bad;
        }

        if (_options.InsecureSkipVerification)
        {
            record?.Skipped("se.host-key-signature", "the options skip it: anybody's host key is taken");
            return key;
        }

        if (!FindSigner().TryGet(out DerCertificate? signer, out refusal))
        {
            return record.Note("se.signing-key", refusal)!;
        }

        record?.Passed("se.signing-key");
        DateTimeOffset now = _options.Clock.GetUtcNow();
        ImmutableArray<DerCertificate> chain = ChainOf(signer);
        var path = new CertificatePath { Roots = _options.Roots, Algorithms = Algorithms, Longest = LongestChain };
        refusal = record.Note("se.signing-key-chain", CheckChain(path, chain, now, record))
            ?? record.Note("se.host-key-issuer", CheckIssuer(host, signer))
            ?? record.Note("se.host-key-signature", host.CheckSignature(signer.SubjectPublicKeyInfo.Span, Algorithms))
            ?? record.Note("se.host-key-dates", host.CheckDates(now));
        if (refusal is not null)
        {
            return refusal;
        }

        refusal = record.Note("se.host-key-revocation", await CheckRevocationAsync(host, signer, now, record, ct).ConfigureAwait(false));
        for (int i = 0; refusal is null && i < chain.Length; i++)
        {
            // The root's own certificate is what is trusted; nothing could revoke it.
            if (IsRoot(chain[i]))
            {
                continue;
            }

            DerCertificate? issuer = i + 1 < chain.Length ? chain[i + 1] : null;
            refusal = record.Note(
                "se.signing-key-revocation",
                issuer is null
                    ? await CheckRevocationByRootsAsync(chain[i], now, record, ct).ConfigureAwait(false)
                    : await CheckRevocationAsync(chain[i], issuer, now, record, ct).ConfigureAwait(false));
        }

        return refusal is null ? key : refusal;
    }

    private static Result<ECParameters> ReadKey(DerCertificate host)
    {
        if (host.KeyCurve != CurveP521)
        {
            return new Refusal(RefusalCode.Unsupported, "the host key is not on P-521");
        }

        try
        {
            using ECDiffieHellman key = ECDiffieHellman.Create();
            key.ImportSubjectPublicKeyInfo(host.SubjectPublicKeyInfo.Span, out _);
            return key.ExportParameters(includePrivateParameters: false);
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, "the host key is not valid: " + e.Message);
        }
    }

    private static Refusal? CheckChain(CertificatePath path, ImmutableArray<DerCertificate> chain, DateTimeOffset now, VerificationRecord? record) =>
        path.Check(chain, now, record).Refusal;

    private static Refusal? CheckIssuer(DerCertificate host, DerCertificate signer)
    {
        if (!DistinguishedNames.SameAuthority(host.Issuer, signer.Subject))
        {
            return new Refusal(RefusalCode.Untrusted, "the host key was not issued by the IBM Z signing key");
        }

        ReadOnlyMemory<byte>? authority = KeyIdentifier(host.FindExtension("2.5.29.35"), isAuthority: true);
        ReadOnlyMemory<byte>? subject = KeyIdentifier(signer.FindExtension("2.5.29.14"), isAuthority: false);
        return authority is { } a && subject is { } s && !a.Span.SequenceEqual(s.Span)
            ? new Refusal(RefusalCode.Untrusted, "the host key names another signing key (authority key identifier)")
            : null;
    }

    private static ReadOnlyMemory<byte>? KeyIdentifier(ReadOnlyMemory<byte>? extension, bool isAuthority)
    {
        if (extension is not { } value)
        {
            return null;
        }

        try
        {
            var reader = new AsnReader(value, AsnEncodingRules.DER);
            if (!isAuthority)
            {
                return reader.ReadOctetString();
            }

            AsnReader sequence = reader.ReadSequence();
            var tag = new Asn1Tag(TagClass.ContextSpecific, 0);
            return sequence.HasData && sequence.PeekTag().HasSameClassAndValue(tag) ? sequence.ReadOctetString(tag) : null;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>The one certificate whose subject is IBM's key signing service.</summary>
    private Result<DerCertificate> FindSigner()
    {
        DerCertificate[] signers = [.. _certificates.Where(IsSigningKey)];
        return signers.Length == 1
            ? signers[0]
            : new Refusal(RefusalCode.Untrusted, signers.Length == 0 ? "there is no IBM Z signing key among the certificates" : "there are several IBM Z signing keys among the certificates");
    }

    private static bool IsSigningKey(DerCertificate certificate)
    {
        IReadOnlyList<(string Oid, string Value)> name = DistinguishedNames.Attributes(certificate.Subject);
        return name.Count == 6
            && name.Contains(("2.5.4.6", "US"))
            && name.Contains(("2.5.4.8", "New York"))
            && (name.Contains(("2.5.4.7", "Poughkeepsie")) || name.Contains(("2.5.4.7", "Armonk")))
            && name.Contains(("2.5.4.10", Ibm))
            && name.Contains(("2.5.4.3", Ibm))
            && name.Any(a => a.Oid == "2.5.4.11" && a.Value.EndsWith("Key Signing Service", StringComparison.Ordinal));
    }

    /// <summary>The signing key's certificate, then its issuers among those at hand.</summary>
    private ImmutableArray<DerCertificate> ChainOf(DerCertificate signer)
    {
        var chain = ImmutableArray.CreateBuilder<DerCertificate>();
        DerCertificate? at = signer;
        while (at is not null && chain.Count < LongestChain)
        {
            chain.Add(at);
            if (IsRoot(at) || at.Issuer.Span.SequenceEqual(at.Subject.Span))
            {
                break;
            }

            ReadOnlyMemory<byte> wanted = at.Issuer;
            at = _certificates.FirstOrDefault(c => c.Subject.Span.SequenceEqual(wanted.Span) && !IsSigningKey(c));
        }

        return chain.ToImmutable();
    }

    private bool IsRoot(DerCertificate certificate) => _options.Roots.Any(r => r.SubjectPublicKeyInfo.Span.SequenceEqual(certificate.SubjectPublicKeyInfo.Span));

    private async ValueTask<Refusal?> CheckRevocationAsync(
        DerCertificate certificate, DerCertificate issuer, DateTimeOffset now, VerificationRecord? record, CancellationToken ct)
    {
        Refusal? none = null;
        await foreach (CertificateRevocationList list in ListsForAsync(certificate, ct).ConfigureAwait(false))
        {
            if (!DistinguishedNames.SameAuthority(list.Issuer, issuer.Subject))
            {
                continue;
            }

            if ((list.CheckSignature(issuer.SubjectPublicKeyInfo.Span, Algorithms) ?? list.CheckDates(now)) is { } unusable)
            {
                none = unusable;
                continue;
            }

            return Judge(certificate, list, record);
        }

        return new Refusal(RefusalCode.Untrusted, $"no valid revocation list says whether '{certificate.SubjectCommonName}' is revoked{(none is null ? string.Empty : ": " + none.Detail)}");
    }

    private async ValueTask<Refusal?> CheckRevocationByRootsAsync(DerCertificate certificate, DateTimeOffset now, VerificationRecord? record, CancellationToken ct)
    {
        await foreach (CertificateRevocationList list in ListsForAsync(certificate, ct).ConfigureAwait(false))
        {
            if (list.Issuer.Span.SequenceEqual(certificate.Issuer.Span)
                && _options.Roots.Any(r => list.CheckSignature(r.SubjectPublicKeyInfo.Span, Algorithms) is null) && list.CheckDates(now) is null)
            {
                return Judge(certificate, list, record);
            }
        }

        return new Refusal(RefusalCode.Untrusted, $"no valid revocation list says whether '{certificate.SubjectCommonName}' is revoked");
    }

    private static Refusal? Judge(DerCertificate certificate, CertificateRevocationList list, VerificationRecord? record)
    {
        record?.Used(new CollateralUse(
            CollateralKinds.IbmCrl, list.IssuerCommonName, list.ThisUpdate, list.NextUpdate, Convert.ToHexStringLower(SHA256.HashData(list.Raw.Span))));
        return list.FindRevocation(certificate.SerialNumber.Span) is { } when
            ? new Refusal(RefusalCode.Revoked, $"'{certificate.SubjectCommonName}' was revoked on {when:u}")
            : null;
    }

    /// <summary>The lists at hand, then those of the certificate's distribution points.</summary>
    private async IAsyncEnumerable<CertificateRevocationList> ListsForAsync(
        DerCertificate certificate, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        foreach (CertificateRevocationList list in _lists)
        {
            yield return list;
        }

        if (_options.Collateral is not { } collateral)
        {
            yield break;
        }

        foreach (string point in DistributionPoints.Of(certificate))
        {
            Result<CollateralItem> fetched = await collateral.GetAsync(new CollateralKey(CollateralKinds.IbmCrl, point), ct).ConfigureAwait(false);
            if (fetched.TryGet(out CollateralItem? item, out _) && CertificateRevocationList.ParseAny(item.Body).TryGet(out CertificateRevocationList? list, out _))
            {
                yield return list;
            }
        }
    }
}
