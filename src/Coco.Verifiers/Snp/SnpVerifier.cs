// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Coco.Protocol;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>Verifies AMD SEV-SNP evidence. A singleton; thread-safe. The README lists every check with its source and its test.</summary>
/// <remarks>
/// A chip that was seen before costs one P-384 verification: its certificate, verified once up to the root, is kept with its key objects. What changes
/// with time (dates, revocation) is looked at every time.
/// </remarks>
public sealed class SnpVerifier : IVerifier
{
    private const int DigestLength = 48;

    private readonly SnpVerifierOptions _options;
    private readonly SnpRevocation _revocation;
    private readonly BoundedCache<ChainId, SnpChain> _chains;
    private readonly AmdTrustAnchor[] _anchors;

    /// <summary>Begins with nothing seen.</summary>
    public SnpVerifier(SnpVerifierOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Roots.Any(r => r.IsSimulated) || options.SimulatedRoots.Any(r => !r.IsSimulated))
        {
            throw new ArgumentException("simulated roots go into SimulatedRoots, real ones into Roots", nameof(options));
        }

        _options = options;
        _revocation = new SnpRevocation(options);
        _chains = new(options.ChipCapacity);
        _anchors = [.. options.Roots, .. options.SimulatedRoots];
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Snp;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<SnpEvidence> read = _options.AcceptLegacyJson && SnpEvidence.IsLegacy(evidence.Evidence.Body)
            ? SnpEvidence.ParseLegacy(evidence.Evidence.Body)
            : SnpEvidence.Parse(evidence.Evidence.Body);
        if (!read.TryGet(out SnpEvidence? parsed, out Refusal? refusal))
        {
            return record.Note(SnpCheck.Format, refusal)!;
        }

        if (!(await VerifyReportAsync(parsed, record, ct).ConfigureAwait(false)).TryGet(out SnpGenuineReport? genuine, out refusal))
        {
            return refusal;
        }

        refusal = CheckBindings(genuine, evidence, record);
        return refusal is null ? ImmutableArray.Create(new VerifiedClaims(TeeType.Snp, "cpu", SnpClaims.Of(genuine))) : refusal;
    }

    /// <summary>Compares what a genuine report's registers hold with what they must hold; null when both fit.</summary>
    public static Refusal? CheckBindings(SnpGenuineReport genuine, BoundEvidence expected, VerificationRecord? record)
    {
        ArgumentNullException.ThrowIfNull(genuine);
        ArgumentNullException.ThrowIfNull(expected);
        return NoteBinding(record, SnpCheck.ReportData, expected.ReportData, expected.CheckReportData(genuine.Report.ReportData.Span), "Report Data Mismatch", "REPORT_DATA")
            ?? NoteBinding(record, SnpCheck.InitData, expected.InitDataHash, expected.InitDataHash.Check(genuine.Report.HostData.Span), "Host Data Mismatch", "HOST_DATA");
    }

    /// <summary>
    /// Verifies everything but the bindings, for evidence that carries a report inside something else. Whoever calls it compares REPORT_DATA and
    /// HOST_DATA.
    /// </summary>
    /// <exception cref="CollateralUnavailableException">A VCEK, or a required revocation list, could not be fetched.</exception>
    public async ValueTask<Result<SnpGenuineReport>> VerifyReportAsync(SnpEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        SnpReport report = evidence.Report;
        DateTimeOffset now = _options.Clock.GetUtcNow();
        record?.Passed(SnpCheck.Format, $"version {report.Version}");

        Refusal? refusal = record.Note(SnpCheck.Version, CheckVersion(report), $"version {report.Version}")
            ?? record.Note(SnpCheck.Algorithm, CheckAlgorithm(report), "ECDSA P-384 with SHA-384");
        if (refusal is not null)
        {
            return refusal;
        }

        if (!GenerationsOf(report).TryGet(out ImmutableArray<SnpGeneration> generations, out refusal))
        {
            return record.Note(SnpCheck.Generation, refusal)!;
        }

        record?.Passed(SnpCheck.Generation, string.Join(" or ", generations.Select(SnpGenerations.ProductName)));
        Result<SnpChain> chained = evidence.Certificates is { } brought
            ? FindChain(brought, generations, null)
            : await FetchChainAsync(report, generations, ct).ConfigureAwait(false);
        if (!chained.TryGet(out SnpChain? chain, out refusal))
        {
            return record.Note(refusal.Check ?? SnpCheck.Chain, refusal)!;
        }

        if (record is not null)
        {
            NoteChain(record, chain);
        }

        refusal = CheckDates(chain, now, record)
            ?? await _revocation.CheckAsync(chain, evidence.Certificates ?? [], now, record, ct).ConfigureAwait(false)
            ?? record.Note(SnpCheck.SigningKey, CheckSigningKey(report, chain.Vek))
            ?? record.Note(SnpCheck.Signature, CheckSignature(report, chain))
            ?? record.Note(SnpCheck.Tcb, CheckTcb(report, chain.Vek), record is null ? null : report.ReportedTcb.ToString())
            ?? CheckChipId(report, chain.Vek, record)
            ?? record.Note(SnpCheck.Vmpl, CheckVmpl(report));
        if (refusal is not null)
        {
            return refusal;
        }

        if (record is not null)
        {
            NoteProduct(record, chain);
        }

        return new SnpGenuineReport(report, chain.Vek, chain.Anchor.Generation, chain.Anchor.IsSimulated);
    }

    private static Refusal? NoteBinding(VerificationRecord? record, string check, Binding binding, Refusal? outcome, string words, string field)
    {
        if (outcome is null && binding.IsNotChecked)
        {
            record?.Skipped(check, "the caller expects no value");
            return null;
        }

        return record.Note(check, outcome is null ? null : outcome.Within(words) with { Field = field });
    }

    private Refusal? CheckVersion(SnpReport report) => report.Version < 3 && !_options.AcceptVersion2
        ? new Refusal(RefusalCode.Unsupported, $"Attestation Report version is too old: {report.Version}, at least 3 is accepted") { Field = "VERSION", Offset = 0 }
        : null;

    private static Refusal? CheckAlgorithm(SnpReport report) => report.SignatureAlgorithm == 1
        ? null
        : new Refusal(RefusalCode.Unsupported, $"SIGNATURE_ALGO is {report.SignatureAlgorithm}, 1 (ECDSA P-384 with SHA-384) is accepted") { Field = "SIGNATURE_ALGO", Offset = 0x34 };

    /// <summary>From CPUID; a version 2 report has none: Turin shows by its chip id, Milan and Genoa are told apart by the root that the VCEK hangs from.</summary>
    private static Result<ImmutableArray<SnpGeneration>> GenerationsOf(SnpReport report)
    {
        if (report.CpuFamily is { } family && report.CpuModel is { } model)
        {
            return SnpGenerations.Of(family, model).TryGet(out SnpGeneration one, out Refusal? refusal) ? ImmutableArray.Create(one) : refusal;
        }

        return report.HasTurinLayout ? ImmutableArray.Create(SnpGeneration.Turin) : ImmutableArray.Create(SnpGeneration.Milan, SnpGeneration.Genoa);
    }

    private async ValueTask<Result<SnpChain>> FetchChainAsync(SnpReport report, ImmutableArray<SnpGeneration> generations, CancellationToken ct)
    {
        Refusal? last = null;
        CollateralUnavailableException? outage = null;
        foreach (SnpGeneration generation in generations)
        {
            if (!AmdCollateral.VcekKey(report, generation).TryGet(out CollateralKey? key, out Refusal? refusal))
            {
                return refusal with { Check = SnpCheck.Vek };
            }

            IEnumerable<(ICollateralProvider? Provider, AmdTrustAnchor? Only)> places =
                _options.SimulatedRoots.Where(r => r.Generation == generation && r.Collateral is not null)
                    .Select(r => (r.Collateral, (AmdTrustAnchor?)r))
                    .Prepend((_options.Collateral, null));
            foreach ((ICollateralProvider? provider, AmdTrustAnchor? only) in places)
            {
                if (provider is null)
                {
                    continue;
                }

                try
                {
                    if ((await provider.GetAsync(key, ct).ConfigureAwait(false)).TryGet(out CollateralItem? item, out refusal))
                    {
                        ImmutableArray<SnpCertificateEntry> entries = [SnpCertificateEntry.Of(SnpCertificateType.Vcek, item.Body)];
                        Result<SnpChain> chained = FindChain(entries, [generation], only);
                        if (chained.Refusal is null)
                        {
                            return chained;
                        }

                        refusal = chained.Refusal;
                    }
                }
                catch (CollateralUnavailableException e)
                {
                    outage = e;
                    continue;
                }

                last ??= refusal;
            }
        }

        if (outage is not null && last is null)
        {
            throw outage;
        }

        return last is { Code: not RefusalCode.NotFound }
            ? last
            : new Refusal(RefusalCode.Untrusted, "Failed to fetch VCEK from any configured source" + (last is null ? string.Empty : ": " + last.Detail)) { Check = SnpCheck.Vek };
    }

    private Result<SnpChain> FindChain(ImmutableArray<SnpCertificateEntry> certificates, ImmutableArray<SnpGeneration> generations, AmdTrustAnchor? only)
    {
        ChainId id = ChainId.Of(certificates, generations, only is null ? -1 : Array.IndexOf(_anchors, only));
        if (_chains.TryGet(id, out SnpChain? known))
        {
            return known;
        }

        // What a simulated root's own service gave must hang from that root.
        AmdTrustAnchor[] anchors = only is not null ? [only] : [.. _anchors.Where(a => generations.Contains(a.Generation))];
        Result<SnpChain> verified = SnpChain.Verify(certificates, anchors);
        if (verified.TryGet(out SnpChain? chain, out _))
        {
            _chains.Put(id, chain);
        }

        return verified;
    }

    private Refusal? CheckDates(SnpChain chain, DateTimeOffset now, VerificationRecord? record)
    {
        Refusal? refusal = chain.Vek.Certificate.CheckDates(now) ?? CheckDates(chain.Ca, now) ?? CheckDates(chain.Anchor.Ark, now);
        if (refusal is not null && _options.AcceptExpiredCertificates)
        {
            record?.Skipped(SnpCheck.Dates, "accepted by configuration: " + refusal.Detail);
            return null;
        }

        return record.Note(SnpCheck.Dates, refusal);
    }

    private static Refusal? CheckDates(AmdKey key, DateTimeOffset now) => now < key.NotBefore || now > key.NotAfter
        ? new Refusal(RefusalCode.Expired, $"{key.Name} is valid from {key.NotBefore:u} to {key.NotAfter:u}, the time is {now:u}")
        : null;

    private static Refusal? CheckSigningKey(SnpReport report, SnpVek vek)
    {
        SnpSigningKey signed = report.KeyInfo.SigningKey;
        SnpSigningKey wanted = vek.Kind == SnpCertificateType.Vlek ? SnpSigningKey.Vlek : SnpSigningKey.Vcek;
        return signed == wanted
            ? null
            : new Refusal(RefusalCode.Mismatch, $"KEY_INFO says signing key {(int)signed}, the certificate is a {vek.Certificate.SubjectCommonName}") { Field = "KEY_INFO", Offset = 0x48 };
    }

    private static Refusal? CheckSignature(SnpReport report, SnpChain chain)
    {
        Span<byte> digest = stackalloc byte[DigestLength];
        Span<byte> signature = stackalloc byte[2 * DigestLength];
        SHA384.HashData(report.SignedBytes.Span, digest);
        report.CopySignatureTo(signature);
        return chain.Keys.VerifyHash(digest, signature)
            ? null
            : new Refusal(RefusalCode.BadSignature, $"the report's signature does not verify with the key of its {chain.Vek.Certificate.SubjectCommonName}") { Field = "SIGNATURE", Offset = 0x2A0 };
    }

    private static Refusal? CheckTcb(SnpReport report, SnpVek vek)
    {
        SnpTcb tcb = report.ReportedTcb;
        return Compare("Microcode", tcb.Microcode, vek.MicrocodeSpl)
            ?? Compare("SNP", tcb.Snp, vek.SnpSpl)
            ?? Compare("TEE", tcb.Tee, vek.TeeSpl)
            ?? Compare("Boot loader", tcb.BootLoader, vek.BootLoaderSpl)
            ?? (tcb.Fmc == vek.FmcSpl
                ? null
                : new Refusal(RefusalCode.Mismatch, $"FMC version mismatch: report {tcb.Fmc?.ToString() ?? "none"}, certificate {vek.FmcSpl?.ToString() ?? "none"}") { Field = "REPORTED_TCB", Offset = 0x180 });

        static Refusal? Compare(string name, byte reported, byte certified) => reported == certified
            ? null
            : new Refusal(RefusalCode.Mismatch, $"{name} version mismatch: report {reported}, certificate {certified}") { Field = "REPORTED_TCB", Offset = 0x180 };
    }

    private Refusal? CheckChipId(SnpReport report, SnpVek vek, VerificationRecord? record)
    {
        if (vek.HardwareId is not { } hardwareId)
        {
            record?.Skipped(SnpCheck.ChipId, "a VLEK is of no chip");
            return null;
        }

        if (report.IsChipIdMasked)
        {
            bool accepted = _options.MaskedChipId == MaskedChipIdRule.Accept
                || (_options.MaskedChipId == MaskedChipIdRule.WhenReportSaysSo && report.KeyInfo.MaskChipKey);
            if (accepted)
            {
                record?.Skipped(SnpCheck.ChipId, "warning: the host masks CHIP_ID; the VCEK alone names the chip");
                return null;
            }

            return record.Note(SnpCheck.ChipId, new Refusal(RefusalCode.Mismatch, "CHIP_ID is masked, which is not accepted here") { Field = "CHIP_ID", Offset = 0x1A0 });
        }

        ReadOnlySpan<byte> chip = report.ChipId.Span;
        ReadOnlySpan<byte> certified = hardwareId.Span;
        bool same = chip[..certified.Length].SequenceEqual(certified) && !chip[certified.Length..].ContainsAnyExcept((byte)0);
        return record.Note(
            SnpCheck.ChipId,
            same ? null : new Refusal(RefusalCode.Mismatch, $"CHIP_ID {Convert.ToHexStringLower(chip)} is not the hwID {Convert.ToHexStringLower(certified)} of the VCEK") { Field = "CHIP_ID", Offset = 0x1A0 });
    }

    private static Refusal? CheckVmpl(SnpReport report) => report.Vmpl == 0
        ? null
        : new Refusal(RefusalCode.Mismatch, $"VMPL Check Failed: {report.Vmpl}, must be 0") { Field = "VMPL", Offset = 0x30 };

    private static void NoteChain(VerificationRecord record, SnpChain chain)
    {
        DerCertificate vek = chain.Vek.Certificate;
        record.Passed(SnpCheck.Vek, vek.SubjectCommonName);
        record.Passed(SnpCheck.Ark, chain.Anchor.Ark.Name + (chain.Anchor.IsSimulated ? " (simulated root)" : " (built in)"));
        record.Passed(SnpCheck.Ca, chain.Ca.Name + (chain.CaCertificateSha256 is null ? " (built in)" : " (came with the evidence)"));
        record.Passed(SnpCheck.Chain, $"{chain.Anchor.Ark.Name} > {chain.Ca.Name} > {vek.SubjectCommonName}");
        record.Used(new CollateralUse("certificate", chain.Ca.Name, chain.Ca.NotBefore, chain.Ca.NotAfter, chain.CaCertificateSha256));
        record.Used(new CollateralUse("certificate", vek.SubjectCommonName, vek.NotBefore, vek.NotAfter, chain.VekSha256));
    }

    private static void NoteProduct(VerificationRecord record, SnpChain chain)
    {
        bool agrees = SnpGenerations.TryParse(chain.Vek.ProductName, out SnpGeneration named) && named == chain.Anchor.Generation;
        if (agrees)
        {
            record.Passed(SnpCheck.Product, chain.Vek.ProductName);
        }
        else
        {
            record.Skipped(SnpCheck.Product, $"warning: productName is '{chain.Vek.ProductName}', the chain is of {chain.Anchor.Generation.ProductName()}");
        }
    }

    /// <summary>SHA-256 over the certificates and generations, so that exactly what was verified is found again.</summary>
    private readonly record struct ChainId(ulong A, ulong B, ulong C, ulong D)
    {
        internal static ChainId Of(ImmutableArray<SnpCertificateEntry> certificates, ImmutableArray<SnpGeneration> generations, int anchor)
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> head = stackalloc byte[32];
            head.Clear();
            foreach (SnpGeneration generation in generations)
            {
                head[(int)generation] = 1;
            }

            BinaryPrimitives.WriteInt32LittleEndian(head[28..], anchor);
            hash.AppendData(head);
            foreach (SnpCertificateEntry entry in certificates)
            {
                if (entry.Type is SnpCertificateType.Ark or SnpCertificateType.Ask or SnpCertificateType.Vcek or SnpCertificateType.Vlek)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(head, (int)entry.Type);
                    BinaryPrimitives.WriteInt32LittleEndian(head[4..], entry.Data.Length);
                    hash.AppendData(head[..8]);
                    hash.AppendData(entry.Data.Span);
                }
            }

            hash.GetHashAndReset(head);
            return new ChainId(
                BinaryPrimitives.ReadUInt64LittleEndian(head),
                BinaryPrimitives.ReadUInt64LittleEndian(head[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(head[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(head[24..]));
        }
    }
}
