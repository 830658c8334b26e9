// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>
/// Verifies quotes of SGX and TDX: PCK chain, collateral, QE report and identity, TDX module, the quote's signature, and the TCB. A singleton;
/// thread-safe. Chains, key objects and collateral that held once are kept (bounded, by the digest of their bytes); what depends on the time,
/// on a revocation list or on the quote is looked at each time.
/// </summary>
/// <remarks>Source: tee-evidence.md 3.7 to 3.10. The table of checks is in README.md of this folder.</remarks>
public sealed class DcapVerifier
{
    private const int KeyLength = 64;
    private const int Ppid = 16;

    private readonly DcapOptions _options;
    private readonly ICollateralProvider _provider;
    private readonly BoundedCache<Sha256Digest, PckChain> _chains;
    private readonly BoundedCache<IntelCollateralDigest, VerifiedCollateral> _collateral;
    private readonly BoundedCache<Sha256Digest, P256VerifyingKey> _attestationKeys;

    /// <summary>Begins with empty caches.</summary>
    /// <param name="options">Clock, roots and what is accepted.</param>
    /// <param name="provider">Where collateral comes from.</param>
    public DcapVerifier(DcapOptions options, ICollateralProvider provider)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(provider);
        _options = options;
        _provider = provider;
        _chains = new(options.CacheCapacity);
        _collateral = new(options.CacheCapacity);
        _attestationKeys = new(options.CacheCapacity);
    }

    /// <summary>Verifies a quote. The bindings of its report data are the caller's to check afterwards.</summary>
    /// <param name="quote">The quote.</param>
    /// <param name="evidenceCollateral">Collateral that came with the evidence (single-object form); used only as <see cref="DcapOptions.AcceptEvidenceCollateral"/> says.</param>
    /// <param name="record">Gets each check; may be null.</param>
    /// <param name="ct">Ends waiting for collateral.</param>
    /// <exception cref="CollateralUnavailableException">No source of collateral could be reached.</exception>
    public async ValueTask<Result<DcapAppraisal>> VerifyAsync(IntelQuote quote, JsonElement? evidenceCollateral, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(quote);
        if (record.Note("dcap.qe-vendor", quote.VendorId.SequenceEqual(IntelQuote.IntelVendorId)
            ? null
            : new Refusal(RefusalCode.Unsupported, "the quoting enclave is not Intel's") { Field = "QE vendor id", Offset = 12 }) is { } foreign)
        {
            return foreign;
        }

        Result<PckChain> chainResult = quote.CertificationType == CertificationDataType.PckChain
            ? ChainOf(quote.CertificationData, record)
            : await FetchChainAsync(quote, record, ct).ConfigureAwait(false);
        if (!chainResult.TryGet(out PckChain? chain, out Refusal? refusal))
        {
            return refusal;
        }

        if (_options.InsecureSkipCollateral)
        {
            record?.Skipped("dcap.collateral", "the caller asked for no collateral");
            return CheckSignatures(quote, chain, null, record) is { } bad ? bad : new DcapAppraisal(chain, null, null, null, null, false);
        }

        Result<(IntelCollateralSet Set, bool FromEvidence)> setResult = await FetchAsync(quote.Tee, chain, evidenceCollateral, ct).ConfigureAwait(false);
        if (record.Note("dcap.collateral", setResult.Refusal) is { } missing || !setResult.TryGet(out (IntelCollateralSet Set, bool FromEvidence) found, out missing))
        {
            return missing;
        }

        if (!CollateralOf(found.Set, chain, record).TryGet(out VerifiedCollateral? collateral, out refusal))
        {
            return refusal;
        }

        return Appraise(quote, chain, collateral, found.FromEvidence, record);
    }

    private Result<DcapAppraisal> Appraise(IntelQuote quote, PckChain chain, VerifiedCollateral collateral, bool fromEvidence, VerificationRecord? record)
    {
        if (record is not null)
        {
            foreach (CollateralUse use in collateral.Uses)
            {
                record.Used(use);
            }

            foreach (DerCertificate one in (ReadOnlySpan<DerCertificate>)[chain.Leaf, chain.Intermediate, chain.Root])
            {
                record.Used(new CollateralUse("certificate", one.SubjectCommonName, one.NotBefore, one.NotAfter, Sha256Digest.Of(one.Raw.Span).ToString()));
            }
        }

        if (record.Note("dcap.pck-leaf-revocation", VerifiedCollateral.CheckRevocation(chain.Leaf, collateral.PckCrl)) is { } revoked)
        {
            return revoked;
        }

        DateTimeOffset end = chain.EarliestExpiry < collateral.EarliestExpiry ? chain.EarliestExpiry : collateral.EarliestExpiry;
        DateTimeOffset now = _options.Clock.GetUtcNow();
        bool expired = now > end;
        TimeSpan? grace = fromEvidence ? TimeSpan.Zero : _options.ExpiryGrace;
        if (record.Note("dcap.collateral-expiry", CheckExpiry(chain, collateral, now, grace), expired ? "over its time; accepted, the claim says so" : null) is { } old)
        {
            return old;
        }

        if (record.Note("dcap.tcb-info-tee", CheckTee(quote, collateral.TcbInfo)) is { } wrongTee)
        {
            return wrongTee;
        }

        if (record.Note("dcap.tcb-info-platform", CheckPlatform(chain.Extension, collateral.TcbInfo)) is { } wrongPlatform)
        {
            return wrongPlatform;
        }

        TdxModule? module = null;
        TdxModule? currentModule = null;
        if (quote.TrustDomain is { } td)
        {
            Refusal? wrongModule = ChooseModule(collateral.TcbInfo, td.TeeTcbSvn, out module) ?? CheckModule(td, module!)
                ?? (td.Is15 ? ChooseModule(collateral.TcbInfo, td.TeeTcbSvn2, out currentModule) : null);
            if (record.Note("dcap.tdx-module", wrongModule, module?.Id) is { } mismatch)
            {
                return mismatch;
            }
        }

        if (CheckSignatures(quote, chain, collateral.QeIdentity, record) is { } badSignature)
        {
            return badSignature;
        }

        ReadOnlySpan<byte> svn = quote.TrustDomain is null ? default : quote.TrustDomain.TeeTcbSvn;
        Result<TcbOutcome> launchResult = TcbEvaluation.Evaluate(
            chain.Extension, collateral.TcbInfo, collateral.QeIdentity, quote.QeReport.IsvSvn, svn, module?.Id.Length > 0 ? module : null);
        if (record.Note("dcap.tcb-level", launchResult.Refusal) is { } unsupported || !launchResult.TryGet(out TcbOutcome? launch, out unsupported))
        {
            return unsupported;
        }

        TcbOutcome current = launch;
        TcbStatus status = launch.Status;
        if (quote.TrustDomain is { Is15: true } newer)
        {
            Result<TcbOutcome> currentResult = TcbEvaluation.Evaluate(
                chain.Extension, collateral.TcbInfo, collateral.QeIdentity, quote.QeReport.IsvSvn, newer.TeeTcbSvn2, currentModule?.Id.Length > 0 ? currentModule : null);
            if (record.Note("dcap.tcb-level-current", currentResult.Refusal) is { } bad || !currentResult.TryGet(out TcbOutcome? evaluated, out bad))
            {
                return bad;
            }

            current = evaluated;
            status = TcbEvaluation.AdviseRelaunch(launch.Status, current.Status);
        }

        Refusal? notAccepted = CheckStatus(launch.Status) ?? CheckStatus(current.Status) ?? CheckStatus(status, _options.AcceptedStatuses);
        return record.Note("dcap.tcb-status", notAccepted, status.ToWireName()) is { } denied
            ? denied
            : new DcapAppraisal(chain, collateral, launch, current, status, expired);
    }

    private Result<PckChain> ChainOf(ReadOnlyMemory<byte> pem, VerificationRecord? record)
    {
        Sha256Digest digest = Sha256Digest.Of(pem.Span);
        if (_chains.TryGet(digest, out PckChain? known))
        {
            if (record is not null)
            {
                known.NoteCached(record);
            }

            return known;
        }

        // The bytes are copied: what is kept must not hold on to, or change with, the caller's buffer.
        Result<ImmutableArray<DerCertificate>> parsed = DerCertificate.LooksLikePem(pem.Span)
            ? DerCertificate.ParseAll(pem.ToArray())
            : new Refusal(RefusalCode.Malformed, "not PEM text");
        if (!parsed.TryGet(out ImmutableArray<DerCertificate> certificates, out Refusal? refusal))
        {
            return record.Note("dcap.pck-chain-form", DcapError.PckCertificateUnsupportedFormat.With(refusal with { Field = "certification data" }))!;
        }

        Result<PckChain> chain = PckChain.Check(certificates, _options.Roots, record);
        if (chain.TryGet(out PckChain? held, out _))
        {
            _chains.Put(digest, held);
        }

        return chain;
    }

    // Certification data of types 1 to 4 name the platform, or bring its leaf; the rest of the chain is collateral then.
    private async ValueTask<Result<PckChain>> FetchChainAsync(IntelQuote quote, VerificationRecord? record, CancellationToken ct)
    {
        ReadOnlyMemory<byte> data = quote.CertificationData;
        CollateralKey key;
        switch (quote.CertificationType)
        {
            case CertificationDataType.PckLeaf:
                return await CompleteChainAsync(data, record, ct).ConfigureAwait(false);
            case CertificationDataType.PpidPlain when data.Length is Ppid + 18 or Ppid + 20:
                key = PckKey(data, Ppid);
                break;
            case CertificationDataType.PpidRsa2048 when data.Length == 256 + 20:
                key = PckKey(data, 256);
                break;
            case CertificationDataType.PpidRsa3072 when data.Length == 384 + 20:
                key = PckKey(data, 384);
                break;
            default:
                return record.Note("dcap.certification-data", DcapError.CertificationDataUnsupported.Refuse(
                    RefusalCode.Unsupported, $"certification data of type {(int)quote.CertificationType} and {data.Length} bytes are not supported", "certification data"))!;
        }

        Result<CollateralItem> fetched = await _provider.GetAsync(key, ct).ConfigureAwait(false);
        if (record.Note("dcap.certification-data", fetched.Refusal is { } none ? DcapError.NoCollateral.With(none) : null, "the PCK certificate is collateral") is { } missing
            || !fetched.TryGet(out CollateralItem? item, out missing))
        {
            return missing;
        }

        if (!DerCertificate.ParseAll(item.Body).TryGet(out ImmutableArray<DerCertificate> leaf, out Refusal? refusal)
            || !DerCertificate.ParseAll(item.IssuerChain).TryGet(out ImmutableArray<DerCertificate> issuers, out refusal))
        {
            return record.Note("dcap.pck-chain-form", DcapError.PckCertificateUnsupportedFormat.With(refusal))!;
        }

        return PckChain.Check([.. leaf, .. InOrder(issuers)], _options.Roots, record);
    }

    // The certificates above a leaf come with the revocation list of its authority.
    private async ValueTask<Result<PckChain>> CompleteChainAsync(ReadOnlyMemory<byte> data, VerificationRecord? record, CancellationToken ct)
    {
        if (!DerCertificate.ParseAll(data.ToArray()).TryGet(out ImmutableArray<DerCertificate> leaf, out Refusal? refusal))
        {
            return record.Note("dcap.pck-chain-form", DcapError.PckCertificateUnsupportedFormat.With(refusal with { Field = "certification data" }))!;
        }

        string authority = leaf[0].IssuerCommonName.Contains("Processor CA", StringComparison.Ordinal) ? "processor" : "platform";
        Result<CollateralItem> fetched = await _provider.GetAsync(new CollateralKey(CollateralKinds.IntelPckCrl, authority), ct).ConfigureAwait(false);
        if (record.Note("dcap.certification-data", fetched.Refusal is { } none ? DcapError.NoCollateral.With(none) : null, "the authorities are collateral") is { } missing
            || !fetched.TryGet(out CollateralItem? item, out missing))
        {
            return missing;
        }

        return DerCertificate.ParseAll(item.IssuerChain).TryGet(out ImmutableArray<DerCertificate> issuers, out refusal)
            ? PckChain.Check([.. leaf, .. InOrder(issuers)], _options.Roots, record)
            : record.Note("dcap.pck-chain-form", DcapError.PckChainError.With(refusal))!;
    }

    private static ImmutableArray<DerCertificate> InOrder(ImmutableArray<DerCertificate> issuers) =>
        issuers.Length == 2 && issuers[0].SubjectCommonName.Contains(IntelCertificates.RootName, StringComparison.Ordinal) ? [issuers[1], issuers[0]] : issuers;

    private static CollateralKey PckKey(ReadOnlyMemory<byte> data, int ppidLength)
    {
        string all = Convert.ToHexString(data.Span);
        int cpuSvn = 2 * ppidLength, pceSvn = cpuSvn + 32, pceId = pceSvn + 4;
        string id = all.Length > pceId ? all[pceId..] : "0000";
        return new CollateralKey(CollateralKinds.IntelPck, $"{all[..cpuSvn]}/{all[cpuSvn..pceSvn]}/{all[pceSvn..pceId]}/{id}");
    }

    private async ValueTask<Result<(IntelCollateralSet Set, bool FromEvidence)>> FetchAsync(IntelTee tee, PckChain chain, JsonElement? evidenceCollateral, CancellationToken ct)
    {
        Refusal? refusal;
        try
        {
            Result<IntelCollateralSet> fetched = await FetchAllAsync(_provider, tee, chain, ct).ConfigureAwait(false);
            if (fetched.TryGet(out IntelCollateralSet? set, out refusal))
            {
                return (set, false);
            }
        }
        catch (CollateralUnavailableException) when (_options.AcceptEvidenceCollateral && evidenceCollateral is not null)
        {
            refusal = null;
        }

        if (_options.AcceptEvidenceCollateral && evidenceCollateral is { } own)
        {
            if (!IntelCollateralFile.FromSingleObject(own).TryGet(out IntelCollateralFile? file, out refusal))
            {
                return refusal;
            }

            Result<IntelCollateralSet> fromEvidence = await FetchAllAsync(file, tee, chain, ct).ConfigureAwait(false);
            if (fromEvidence.TryGet(out IntelCollateralSet? set, out refusal))
            {
                return (set, true);
            }
        }

        return DcapError.NoCollateral.With(refusal!.Within("collateral not available"));
    }

    private async ValueTask<Result<IntelCollateralSet>> FetchAllAsync(ICollateralProvider provider, IntelTee tee, PckChain chain, CancellationToken ct)
    {
        IntelCollateralKeys keys = chain.KeysFor(tee, _options.UpdateSeries);
        ValueTask<Result<CollateralItem>> tcbInfo = provider.GetAsync(keys.TcbInfo, ct);
        ValueTask<Result<CollateralItem>> identity = provider.GetAsync(keys.QeIdentity, ct);
        ValueTask<Result<CollateralItem>> pckCrl = provider.GetAsync(keys.PckCrl, ct);
        ValueTask<Result<CollateralItem>> rootCrl = provider.GetAsync(keys.RootCrl, ct);

        // All four are awaited before any is looked at, so that none is left behind when one fails.
        Result<CollateralItem>[] all = tcbInfo.IsCompletedSuccessfully && identity.IsCompletedSuccessfully && pckCrl.IsCompletedSuccessfully && rootCrl.IsCompletedSuccessfully
            ? [await tcbInfo.ConfigureAwait(false), await identity.ConfigureAwait(false), await pckCrl.ConfigureAwait(false), await rootCrl.ConfigureAwait(false)]
            : await Task.WhenAll(tcbInfo.AsTask(), identity.AsTask(), pckCrl.AsTask(), rootCrl.AsTask()).ConfigureAwait(false);
        if (!all[0].TryGet(out CollateralItem? a, out Refusal? refusal))
        {
            return refusal.Within("TCB info");
        }

        if (!all[1].TryGet(out CollateralItem? b, out refusal))
        {
            return refusal.Within("QE identity");
        }

        if (!all[2].TryGet(out CollateralItem? c, out refusal))
        {
            return refusal.Within("PCK CRL");
        }

        return all[3].TryGet(out CollateralItem? d, out refusal) ? new IntelCollateralSet(a, b, c, d) : refusal.Within("root CRL");
    }

    private Result<VerifiedCollateral> CollateralOf(IntelCollateralSet set, PckChain chain, VerificationRecord? record)
    {
        IntelCollateralDigest digest = set.Digest(chain.IntermediateDigest);
        if (_collateral.TryGet(digest, out VerifiedCollateral? known))
        {
            if (record is not null)
            {
                VerifiedCollateral.NoteCached(record);
            }

            return known;
        }

        Result<VerifiedCollateral> result = VerifiedCollateral.Check(set, chain, record);
        if (result.TryGet(out VerifiedCollateral? verified, out _))
        {
            _collateral.Put(digest, verified);
        }

        return result;
    }

    private Refusal? CheckSignatures(IntelQuote quote, PckChain chain, QeIdentity? identity, VerificationRecord? record)
    {
        bool holds = chain.LeafKey.VerifyRaw(quote.QeReport.Raw.Span, quote.QeReportSignature.Span);
        if (record.Note("dcap.qe-report-signature", holds
            ? null
            : DcapError.QeReportInvalidSignature.Refuse(RefusalCode.BadSignature, "the PCK's signature over the QE report does not verify", "QE report signature")) is { } badReport)
        {
            return badReport;
        }

        if (record.Note("dcap.qe-report-data", CheckKeyBinding(quote)) is { } unbound)
        {
            return unbound;
        }

        if (identity is null)
        {
            record?.Skipped("dcap.qe-identity-match", "no QE identity: the caller asked for no collateral");
        }
        else if (record.Note("dcap.qe-identity-match", CheckQuotingEnclave(quote, identity)) is { } wrongEnclave)
        {
            return wrongEnclave;
        }

        Result<P256VerifyingKey> key = AttestationKeyOf(quote.AttestationKey.Span);
        Refusal? refusal = !key.TryGet(out P256VerifyingKey? held, out Refusal? badKey)
            ? DcapError.QuoteFormatUnsupported.With(badKey with { Field = "attestation key" })
            : held.VerifyRaw(quote.SignedBytes.Span, quote.Signature.Span)
                ? null
                : DcapError.InvalidSignature.Refuse(RefusalCode.BadSignature, "the attestation key's signature over the quote does not verify", "signature");
        return record.Note("dcap.quote-signature", refusal);
    }

    // Only keys that a verified QE report binds get here, so strangers cannot fill the cache.
    private Result<P256VerifyingKey> AttestationKeyOf(ReadOnlySpan<byte> point)
    {
        Sha256Digest digest = Sha256Digest.Of(point);
        if (_attestationKeys.TryGet(digest, out P256VerifyingKey? known))
        {
            return known;
        }

        Result<P256VerifyingKey> key = P256VerifyingKey.FromPoint(point);
        if (key.TryGet(out P256VerifyingKey? made, out _))
        {
            _attestationKeys.Put(digest, made);
        }

        return key;
    }

    private static Refusal? CheckKeyBinding(IntelQuote quote)
    {
        Span<byte> digest = stackalloc byte[32];
        ReadOnlySpan<byte> auth = quote.AuthenticationData.Span;
        const int OnStack = 512;
        Span<byte> both = KeyLength + auth.Length <= OnStack ? stackalloc byte[OnStack] : new byte[KeyLength + auth.Length];
        both = both[..(KeyLength + auth.Length)];
        quote.AttestationKey.Span.CopyTo(both);
        auth.CopyTo(both[KeyLength..]);
        SHA256.HashData(both, digest);
        ReadOnlySpan<byte> reportData = quote.QeReport.ReportData;
        bool holds = CryptographicOperations.FixedTimeEquals(digest, reportData[..32]) & !reportData[32..].ContainsAnyExcept((byte)0);
        return holds
            ? null
            : DcapError.QeReportInvalidSignature.Refuse(RefusalCode.Mismatch, "the QE report's data do not bind attestation key and authentication data", "QE report REPORTDATA");
    }

    private static Refusal? CheckQuotingEnclave(IntelQuote quote, QeIdentity identity)
    {
        string expected = quote.Tee == IntelTee.TrustDomain ? "TD_QE" : "QE";
        SgxReportBody report = quote.QeReport;
        string? wrong =
            identity.Id != expected ? $"the identity is that of {identity.Id}, not of {expected}"
            : !EqualsMasked(report.MiscSelect, identity.MiscSelect.Span, identity.MiscSelectMask.Span) ? "MISCSELECT differs"
            : !EqualsMasked(report.Attributes, identity.Attributes.Span, identity.AttributesMask.Span) ? "ATTRIBUTES differ"
            : !report.MrSigner.SequenceEqual(identity.MrSigner.Span) ? "MRSIGNER differs"
            : report.IsvProdId != identity.IsvProdId ? "ISVPRODID differs"
            : null;
        return wrong is null ? null : DcapError.QeIdentityMismatch.Refuse(RefusalCode.Mismatch, "quoting enclave: " + wrong, "QE report");
    }

    private static bool EqualsMasked(ReadOnlySpan<byte> value, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < value.Length; i++)
        {
            if ((value[i] & mask[i]) != expected[i])
            {
                return false;
            }
        }

        return true;
    }

    private static Refusal? CheckTee(IntelQuote quote, TcbInfo info)
    {
        // Version 2 does not say what it is for: it is from the time before TDX.
        IntelTee tee = info.Tee ?? IntelTee.SgxEnclave;
        return tee == quote.Tee ? null : DcapError.TcbInfoMismatch.Refuse(RefusalCode.Mismatch, "the TCB info is for another TEE than the quote");
    }

    private static Refusal? CheckPlatform(PckExtension pck, TcbInfo info)
    {
        if (!pck.Fmspc.Span.SequenceEqual(info.Fmspc.Span))
        {
            return DcapError.TcbInfoMismatch.Refuse(
                RefusalCode.Mismatch, $"the TCB info is for FMSPC {Convert.ToHexString(info.Fmspc.Span)}, the platform has {Convert.ToHexString(pck.Fmspc.Span)}", "FMSPC");
        }

        return pck.PceId.Span.SequenceEqual(info.PceId.Span)
            ? null
            : DcapError.TcbInfoMismatch.Refuse(RefusalCode.Mismatch, "the TCB info is for another PCE-ID than the platform's", "PCE-ID");
    }

    private static Refusal? ChooseModule(TcbInfo info, ReadOnlySpan<byte> teeTcbSvn, out TdxModule? module)
    {
        byte version = teeTcbSvn[1];
        if (version == 0)
        {
            module = info.Module;
            return module is null ? DcapError.TcbInfoMismatch.Refuse(RefusalCode.Mismatch, "the TCB info has no 'tdxModule'") : null;
        }

        module = null;
        if (info.ModuleIdentities is not { } identities)
        {
            return DcapError.TcbInfoMismatch.Refuse(RefusalCode.Mismatch, "the TCB info has no 'tdxModuleIdentities'");
        }

        string id = $"TDX_{version:X2}";
        foreach (TdxModule one in identities)
        {
            if (string.Equals(one.Id, id, StringComparison.OrdinalIgnoreCase))
            {
                module = one;
                return null;
            }
        }

        return DcapError.TdxModuleMismatch.Refuse(RefusalCode.Mismatch, $"the TCB info does not know the module {id}");
    }

    private static Refusal? CheckModule(TdReportBody td, TdxModule module)
    {
        if (!td.MrSignerSeam.SequenceEqual(module.MrSigner.Span))
        {
            return DcapError.TdxModuleMismatch.Refuse(RefusalCode.Mismatch, "MRSIGNERSEAM is not the signer of the module", "MRSIGNERSEAM");
        }

        return !td.SeamAttributes.ContainsAnyExcept((byte)0) && td.SeamAttributes.SequenceEqual(module.Attributes.Span)
            ? null
            : DcapError.TdxModuleMismatch.Refuse(RefusalCode.Mismatch, "SEAMATTRIBUTES are not zero or not those of the module", "SEAMATTRIBUTES");
    }

    private static Refusal? CheckExpiry(PckChain chain, VerifiedCollateral collateral, DateTimeOffset now, TimeSpan? grace)
    {
        if (grace is not { } allowed)
        {
            return null;
        }

        foreach (DerCertificate one in (ReadOnlySpan<DerCertificate>)[chain.Root, chain.Intermediate, chain.Leaf])
        {
            if (now - one.NotAfter > allowed)
            {
                return DcapError.PckChainExpired.Refuse(RefusalCode.Expired, $"'{one.SubjectCommonName}' was valid until {one.NotAfter:u}, the time is {now:u}");
            }
        }

        foreach (CollateralUse use in collateral.Uses)
        {
            if (use.NotAfter is not { } end || now - end > allowed)
            {
                DcapError error = use.Kind switch
                {
                    CollateralKinds.IntelPckCrl or CollateralKinds.IntelRootCrl => DcapError.CrlExpired,
                    CollateralKinds.IntelTcbInfo => DcapError.TcbInfoExpired,
                    CollateralKinds.IntelQeIdentity => DcapError.EnclaveIdentityExpired,
                    _ => DcapError.SigningChainExpired,
                };
                return error.Refuse(RefusalCode.Expired, $"{use.Kind} '{use.Name}' ended {use.NotAfter:u}, the time is {now:u}");
            }
        }

        return null;
    }

    private static Refusal? CheckStatus(TcbStatus status) =>
        status == TcbStatus.Revoked ? DcapError.TcbRevoked.Refuse(RefusalCode.Revoked, "the TCB level is revoked") : null;

    private static Refusal? CheckStatus(TcbStatus status, ImmutableArray<TcbStatus> accepted) =>
        accepted.Contains(status) ? null : new Refusal(RefusalCode.Untrusted, $"TCB status {status.ToWireName()} is not accepted here");
}
