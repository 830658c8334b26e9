// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>
/// Collateral after all checks that do not depend on the time or on the quote: chains, signatures over the raw text, revocation of signers,
/// form. Immutable, thread-safe.
/// </summary>
internal sealed class VerifiedCollateral
{
    private const int MaxChain = 8;

    private static readonly string[] CachedChecks =
    [
        "dcap.root-crl", "dcap.pck-crl-issuer-chain", "dcap.pck-crl", "dcap.pck-intermediate-revocation",
        "dcap.tcb-info-chain", "dcap.tcb-info-signer-revocation", "dcap.tcb-info-signature", "dcap.tcb-info-format",
        "dcap.qe-identity-chain", "dcap.qe-identity-signer-revocation", "dcap.qe-identity-signature", "dcap.qe-identity-format",
    ];

    private VerifiedCollateral(
        TcbInfo tcbInfo,
        QeIdentity qeIdentity,
        CertificateRevocationList pckCrl,
        CertificateRevocationList rootCrl,
        ImmutableArray<CollateralUse> uses)
    {
        TcbInfo = tcbInfo;
        QeIdentity = qeIdentity;
        PckCrl = pckCrl;
        PckCrlNumber = IntelCertificates.NumberOf(pckCrl) ?? 0;
        RootCrlNumber = IntelCertificates.NumberOf(rootCrl) ?? 0;
        Uses = uses;
        EarliestIssue = uses.Min(u => u.NotBefore) ?? DateTimeOffset.MinValue;
        LatestIssue = uses.Max(u => u.NotBefore) ?? DateTimeOffset.MaxValue;
        EarliestExpiry = uses.Min(u => u.NotAfter) ?? DateTimeOffset.MinValue;
    }

    public TcbInfo TcbInfo { get; }

    public QeIdentity QeIdentity { get; }

    public CertificateRevocationList PckCrl { get; }

    public ulong PckCrlNumber { get; }

    public ulong RootCrlNumber { get; }

    /// <summary>Every piece with its dates: lists, statements, and the certificates of all chains but the PCK chain.</summary>
    public ImmutableArray<CollateralUse> Uses { get; }

    public DateTimeOffset EarliestIssue { get; }

    public DateTimeOffset LatestIssue { get; }

    public DateTimeOffset EarliestExpiry { get; }

    /// <summary>Makes all the checks for collateral that goes with a PCK chain.</summary>
    public static Result<VerifiedCollateral> Check(IntelCollateralSet set, PckChain chain, VerificationRecord? record)
    {
        var uses = ImmutableArray.CreateBuilder<CollateralUse>();
        ImmutableArray<IntelRootKey> roots = [chain.RootKey];

        Result<CertificateRevocationList> rootResult = ReadList(set.RootCrl, chain.Root, chain.RootKey.Key);
        if (record.Note("dcap.root-crl", rootResult.Refusal) is { } refusal || !rootResult.TryGet(out CertificateRevocationList? rootCrl, out refusal))
        {
            return refusal;
        }

        Use(uses, CollateralKinds.IntelRootCrl, set.RootCrl, rootCrl.IssuerCommonName, rootCrl.ThisUpdate, rootCrl.NextUpdate);

        if (record.Note("dcap.pck-crl-issuer-chain", CheckListChain(set.PckCrl, chain, roots, uses)) is { } badListChain)
        {
            return badListChain;
        }

        Result<CertificateRevocationList> pckResult = ReadList(set.PckCrl, chain.Intermediate, chain.IntermediateKey);
        if (record.Note("dcap.pck-crl", pckResult.Refusal) is { } badList || !pckResult.TryGet(out CertificateRevocationList? pckCrl, out badList))
        {
            return badList;
        }

        Use(uses, CollateralKinds.IntelPckCrl, set.PckCrl, pckCrl.IssuerCommonName, pckCrl.ThisUpdate, pckCrl.NextUpdate);

        if (record.Note("dcap.pck-intermediate-revocation", CheckRevocation(chain.Intermediate, rootCrl)) is { } revoked)
        {
            return revoked;
        }

        if (!CheckStatement(set.TcbInfo, TcbInfo.Member, "dcap.tcb-info", DcapError.TcbInfoChainError, DcapError.TcbInfoUnsupportedFormat, roots, rootCrl, uses, record, TcbInfo.Parse)
            .TryGet(out TcbInfo? tcbInfo, out refusal))
        {
            return refusal;
        }

        Use(uses, CollateralKinds.IntelTcbInfo, set.TcbInfo, Convert.ToHexString(tcbInfo.Fmspc.Span), tcbInfo.IssueDate, tcbInfo.NextUpdate);

        if (!CheckStatement(set.QeIdentity, QeIdentity.Member, "dcap.qe-identity", DcapError.QeIdentityChainError, DcapError.QeIdentityUnsupportedFormat, roots, rootCrl, uses, record, QeIdentity.Parse)
            .TryGet(out QeIdentity? qeIdentity, out refusal))
        {
            return refusal;
        }

        Use(uses, CollateralKinds.IntelQeIdentity, set.QeIdentity, qeIdentity.Id, qeIdentity.IssueDate, qeIdentity.NextUpdate);
        return new VerifiedCollateral(tcbInfo, qeIdentity, pckCrl, rootCrl, uses.DrainToImmutable());
    }

    /// <summary>Whether the list of the certificate's issuer, or of the root, names it.</summary>
    public static Refusal? CheckRevocation(DerCertificate certificate, CertificateRevocationList list) =>
        list.FindRevocation(certificate.SerialNumber.Span) is { } when
            ? DcapError.PckRevoked.Refuse(RefusalCode.Revoked, $"'{certificate.SubjectCommonName}' was revoked {when:u}")
            : null;

    /// <summary>Notes the checks that were made when these bytes were first seen.</summary>
    public static void NoteCached(VerificationRecord record)
    {
        foreach (string check in CachedChecks)
        {
            record.Passed(check, "verified before, same bytes");
        }
    }

    private static Result<CertificateRevocationList> ReadList(CollateralItem item, DerCertificate issuer, P256VerifyingKey issuerKey)
    {
        if (!CertificateRevocationList.ParseAny(item.Body).TryGet(out CertificateRevocationList? list, out Refusal? refusal))
        {
            return DcapError.CrlUnsupportedFormat.With(refusal);
        }

        if (list.NextUpdate is null)
        {
            return DcapError.CrlUnsupportedFormat.Refuse(RefusalCode.Malformed, "the list does not say when the next one comes");
        }

        return IntelCertificates.CheckList(list, issuer, issuerKey) is { } bad ? bad : list;
    }

    // The chain that came with the list only counts for dates: the list itself is checked with the CA of the PCK chain. Still it has to hold.
    private static Refusal? CheckListChain(CollateralItem item, PckChain chain, ImmutableArray<IntelRootKey> roots, ImmutableArray<CollateralUse>.Builder uses)
    {
        if (item.IssuerChain.IsEmpty)
        {
            UseCertificate(uses, chain.Intermediate);
            UseCertificate(uses, chain.Root);
            return null;
        }

        return CheckChain(item.IssuerChain, chain.Intermediate.SubjectCommonName, isAuthority: true, roots, DcapError.PckChainError, uses).Refusal;
    }

    private static Result<T> CheckStatement<T>(
        CollateralItem item,
        string member,
        string name,
        DcapError chainError,
        DcapError formatError,
        ImmutableArray<IntelRootKey> roots,
        CertificateRevocationList rootCrl,
        ImmutableArray<CollateralUse>.Builder uses,
        VerificationRecord? record,
        Func<SignedCollateral, Result<T>> parse)
        where T : class
    {
        Result<DerCertificate> signerResult = CheckChain(item.IssuerChain, IntelCertificates.SignerName, isAuthority: false, roots, chainError, uses);
        if (record.Note(name + "-chain", signerResult.Refusal) is { } refusal || !signerResult.TryGet(out DerCertificate? signer, out refusal))
        {
            return refusal;
        }

        if (record.Note(name + "-signer-revocation", CheckRevocation(signer, rootCrl)) is { } revoked)
        {
            return revoked;
        }

        if (!SignedCollateral.Parse(item.Body, member).TryGet(out SignedCollateral? statement, out refusal))
        {
            return record.Note(name + "-format", formatError.With(refusal))!;
        }

        bool holds = P256VerifyingKey.FromPublicKeyInfo(signer.SubjectPublicKeyInfo.Span).TryGet(out P256VerifyingKey? key, out _)
            && key.VerifyRaw(statement.Text.Span, statement.Signature.Span);
        if (record.Note(name + "-signature", holds
            ? null
            : chainError.Refuse(RefusalCode.BadSignature, $"the signature over the text of '{member}' does not verify")) is { } badSignature)
        {
            return badSignature;
        }

        Result<T> parsed = parse(statement);
        return record.Note(name + "-format", parsed.Refusal is { } form ? formatError.With(form) : null) is { } badForm ? badForm : parsed;
    }

    // Certificates are taken by their role: services have been seen to send two chains one after the other.
    private static Result<DerCertificate> CheckChain(
        ReadOnlyMemory<byte> pem,
        string name,
        bool isAuthority,
        ImmutableArray<IntelRootKey> roots,
        DcapError error,
        ImmutableArray<CollateralUse>.Builder uses)
    {
        if (!DerCertificate.ParseAll(pem).TryGet(out ImmutableArray<DerCertificate> certificates, out Refusal? refusal))
        {
            return error.With(refusal);
        }

        if (certificates.Length > MaxChain)
        {
            return error.Refuse(RefusalCode.TooLarge, $"the issuer chain has {certificates.Length} certificates, more than {MaxChain}");
        }

        refusal = error.Refuse(RefusalCode.Untrusted, $"the issuer chain has no '{name}' below a '{IntelCertificates.RootName}'");
        foreach (DerCertificate root in certificates)
        {
            if (!root.SubjectCommonName.Contains(IntelCertificates.RootName, StringComparison.Ordinal))
            {
                continue;
            }

            if (!IntelCertificates.CheckRoot(root, roots, error).TryGet(out IntelRootKey? rootKey, out refusal))
            {
                continue;
            }

            refusal = error.Refuse(RefusalCode.Untrusted, $"the issuer chain has no '{name}' below the root");
            foreach (DerCertificate issued in certificates)
            {
                if (!issued.SubjectCommonName.Contains(name, StringComparison.Ordinal))
                {
                    continue;
                }

                if (IntelCertificates.CheckIssued(issued, name, isAuthority, root, rootKey.Key, error) is { } bad)
                {
                    refusal = bad;
                    continue;
                }

                UseCertificate(uses, issued);
                UseCertificate(uses, root);
                return issued;
            }
        }

        return refusal;
    }

    private static void Use(ImmutableArray<CollateralUse>.Builder uses, string kind, CollateralItem item, string name, DateTimeOffset from, DateTimeOffset? until) =>
        uses.Add(new CollateralUse(kind, name, from, until, Sha256Digest.Of(item.Body.Span).ToString()));

    private static void UseCertificate(ImmutableArray<CollateralUse>.Builder uses, DerCertificate certificate) =>
        uses.Add(new CollateralUse("certificate", certificate.SubjectCommonName, certificate.NotBefore, certificate.NotAfter, Sha256Digest.Of(certificate.Raw.Span).ToString()));
}
