// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;

namespace Coco.Conformance;

/// <summary>Judges SNP reports, certificates, certificate tables, chains and evidence by the real roots.</summary>
public sealed class SnpJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["snp"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        foreach (VectorEntry entry in manifest.Entries)
        {
            yield return new ConformanceCase(entry.File, ct => JudgeAsync(manifest, entry, ct));
            if (!entry.IsNegative && IsReport(entry))
            {
                yield return new ConformanceCase(entry.File + " (every bit flipped)", ct => JudgeFlipsAsync(manifest, entry, ct));
            }
        }
    }

    private static bool IsReport(VectorEntry entry) =>
        entry.File.EndsWith(".bin", StringComparison.Ordinal) && File.Exists(entry.FullPath) && new FileInfo(entry.FullPath).Length == SnpReport.Length;

    private static Task<CaseVerdict> JudgeAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        switch (Path.GetExtension(entry.File))
        {
            case ".bin" when entry.Member("expected") is { ValueKind: JsonValueKind.Object } e && e.TryGetProperty("entries", out _):
                return JudgeTableAsync(manifest, entry, ct);
            case ".bin":
                return JudgeReportAsync(manifest, entry, entry.Bytes(), ct);
            case ".der":
                return Task.FromResult(JudgeCertificate(entry));
            case ".pem":
                return Task.FromResult(JudgeChainText(entry));
            case ".json":
                return JudgeJsonAsync(manifest, entry, ct);
            default:
                return Task.FromResult(CaseVerdict.Skipped("no judge for files of this kind"));
        }
    }

    private static async Task<CaseVerdict> JudgeReportAsync(VectorManifest manifest, VectorEntry entry, byte[] bytes, CancellationToken ct)
    {
        ImmutableArray<SnpCertificateEntry> certificates = CertificatesOf(manifest, entry);
        Result<SnpReport> parsed = SnpReport.Parse(bytes);
        if (entry.IsNegative)
        {
            if (parsed.Refusal is { } malformed)
            {
                return ReasonFits(entry, malformed);
            }

            Refusal? why = await RefusalOfAsync(parsed.Require(), certificates, InstantOf(manifest, entry), strict: true, null, ct).ConfigureAwait(false);
            return why is null ? CaseVerdict.Failed("accepted") : ReasonFits(entry, why);
        }

        if (!parsed.TryGet(out SnpReport? report, out Refusal? refusal))
        {
            return CaseVerdict.Failed("does not parse: " + refusal);
        }

        if (entry.Member("fields") is { } fields && FieldsDiffer(report, fields) is { } difference)
        {
            return CaseVerdict.Failed(difference);
        }

        return await JudgeVerdictAsync(entry, report, certificates, InstantsOf(manifest, entry), ct).ConfigureAwait(false);
    }

    private static async Task<CaseVerdict> JudgeVerdictAsync(
        VectorEntry entry, SnpReport report, ImmutableArray<SnpCertificateEntry> certificates, DateTimeOffset[] instants, CancellationToken ct)
    {
        string? signature = null, upstream = null;
        if (entry.Member("expected") is { ValueKind: JsonValueKind.Object } expected)
        {
            signature = expected.TryGetProperty("signature", out JsonElement s) ? s.GetString() : null;
            upstream = expected.TryGetProperty("upstream_evaluate", out JsonElement u) ? u.GetString() : null;
        }

        foreach (DateTimeOffset at in instants)
        {
            var record = new VerificationRecord();
            Refusal? lenient = await RefusalOfAsync(report, certificates, at, strict: false, record, ct).ConfigureAwait(false);
            if (signature == "valid" && !record.Checks.Any(c => c.Check == "snp.report-signature" && c.Held == true))
            {
                return CaseVerdict.Failed($"the signature is valid, but: {lenient}");
            }

            Refusal? strict = await RefusalOfAsync(report, certificates, at, strict: true, null, ct).ConfigureAwait(false);
            if (upstream?.StartsWith("accepted", StringComparison.Ordinal) == true && strict is not null)
            {
                return CaseVerdict.Failed($"to be accepted at {at:u}, but: {strict}");
            }

            if (upstream?.StartsWith("rejected", StringComparison.Ordinal) == true)
            {
                if (strict is null)
                {
                    return CaseVerdict.Failed("to be rejected, but was accepted");
                }

                if (upstream.Contains("VMPL", StringComparison.Ordinal) && lenient?.Check != "snp.vmpl")
                {
                    return CaseVerdict.Failed($"to be rejected for its VMPL, but: {lenient?.ToString() ?? "accepted"}");
                }

                if (upstream.Contains("version 2", StringComparison.Ordinal) && strict.Check != "snp.version")
                {
                    return CaseVerdict.Failed($"to be rejected for its version, but: {strict}");
                }

                if (!upstream.Contains("VMPL", StringComparison.Ordinal) && lenient is not null)
                {
                    return CaseVerdict.Failed($"genuine but for its version, but: {lenient}");
                }
            }
        }

        return CaseVerdict.Passed;
    }

    private static async Task<CaseVerdict> JudgeFlipsAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        byte[] bytes = entry.Bytes();
        ImmutableArray<SnpCertificateEntry> certificates = CertificatesOf(manifest, entry);
        DateTimeOffset at = InstantOf(manifest, entry);
        SnpVerifier verifier = NewVerifier(at, strict: false);
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (SnpReport.Parse(bytes).TryGet(out SnpReport? report, out _)
                && (await verifier.VerifyReportAsync(new SnpEvidence(report, certificates), null, ct).ConfigureAwait(false)).Refusal is null)
            {
                return CaseVerdict.Failed($"accepted with bit {bit % 8} of byte 0x{bit / 8:x} flipped");
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        return CaseVerdict.Passed;
    }

    private static async Task<CaseVerdict> JudgeTableAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        Result<ImmutableArray<SnpCertificateEntry>> parsed = SnpCertificateTable.Parse(entry.Bytes());
        if (!parsed.TryGet(out ImmutableArray<SnpCertificateEntry> entries, out Refusal? refusal))
        {
            return entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal.ToString());
        }

        string[] wanted = [.. entry.Member("expected")!.Value.GetProperty("entries").EnumerateArray().Select(e => e.GetString()!)];
        string[] got = [.. entries.Select(e => e.Id.ToString())];
        if (!wanted.SequenceEqual(got, StringComparer.Ordinal))
        {
            return CaseVerdict.Failed("entries are " + string.Join(", ", got));
        }

        foreach (VectorEntry sibling in SiblingsOf(manifest, entry).Where(s => !s.IsNegative && IsReport(s)))
        {
            SnpReport report = SnpReport.Parse(sibling.Bytes()).Require();
            CaseVerdict verdict = await JudgeVerdictAsync(sibling, report, entries, InstantsOf(manifest, sibling), ct).ConfigureAwait(false);
            if (verdict.Outcome != CaseOutcome.Passed)
            {
                return CaseVerdict.Failed($"{sibling.File} with this table: {verdict.Detail}");
            }
        }

        return CaseVerdict.Passed;
    }

    private static CaseVerdict JudgeCertificate(VectorEntry entry)
    {
        if (!DerCertificate.Parse(entry.Bytes()).TryGet(out DerCertificate? certificate, out Refusal? refusal))
        {
            return entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal.ToString());
        }

        if (entry.Member("extensions") is { } extensions)
        {
            foreach (JsonProperty wanted in extensions.EnumerateObject())
            {
                string? got = certificate.FindExtension(wanted.Name) is { } v ? Convert.ToHexStringLower(v.Span) : null;
                if (got != wanted.Value.GetString())
                {
                    return CaseVerdict.Failed($"extension {wanted.Name} is {got ?? "absent"}");
                }
            }
        }

        SnpCertificateType type = certificate.SubjectCommonName == "SEV-VLEK" ? SnpCertificateType.Vlek : SnpCertificateType.Vcek;
        AmdTrustAnchor[] anchors = SnpGenerations.TryParse(entry.Text("generation"), out SnpGeneration generation)
            ? [.. AmdTrustAnchor.BuiltIn.Where(a => a.Generation == generation)]
            : [.. AmdTrustAnchor.BuiltIn];
        Result<SnpChain> chained = SnpChain.Verify([SnpCertificateEntry.Of(type, certificate.Raw)], anchors);
        if (entry.IsNegative)
        {
            return chained.Refusal is { } why ? ReasonFits(entry, why) : CaseVerdict.Failed("its chain verifies");
        }

        if (!chained.TryGet(out SnpChain? chain, out refusal))
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        string authority = $"{(chain.Ca.Role == AmdKeyRole.Asvk ? "ASVK" : "ASK")}-{chain.Ca.Generation.ProductName()}";
        if (entry.Text("expected") is { } expected && expected.StartsWith("valid under ", StringComparison.Ordinal) && expected != "valid under " + authority)
        {
            return CaseVerdict.Failed("it is valid under " + authority);
        }

        return entry.EvaluateAt is { } window && (certificate.CheckDates(window.From) ?? certificate.CheckDates(window.To)) is { } expired
            ? CaseVerdict.Failed(expired.ToString())
            : CaseVerdict.Passed;
    }

    private static CaseVerdict JudgeChainText(VectorEntry entry)
    {
        if (!DerCertificate.ParseAll(entry.Bytes()).TryGet(out ImmutableArray<DerCertificate> chain, out Refusal? refusal))
        {
            return entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal.ToString());
        }

        AmdTrustAnchor? anchor = AmdTrustAnchor.BuiltIn.FirstOrDefault(a => a.Ark.SubjectPublicKeyInfo.Span.SequenceEqual(chain[^1].SubjectPublicKeyInfo.Span));
        bool holds = chain.Length == 2
            && anchor is not null
            && chain.All(c => c.CheckSignature(anchor.Ark.SubjectPublicKeyInfo.Span, SnpChain.Algorithms) is null)
            && chain[0].SubjectCommonName is { } name && name.StartsWith("SEV-", StringComparison.Ordinal)
            && chain[1].SubjectCommonName == anchor.Ark.Name;
        return holds != entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(holds ? "it verifies" : "it is not ASK (or ASVK), then ARK, both signed by a built-in ARK");
    }

    private static async Task<CaseVerdict> JudgeJsonAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        using JsonDocument document = JsonDocument.Parse(entry.Bytes());
        JsonElement json = document.RootElement;
        if (json.TryGetProperty("report", out JsonElement reportName) && json.TryGetProperty("certificate", out JsonElement certificateName))
        {
            SnpReport report = SnpReport.Parse(File.ReadAllBytes(entry.Resolve(reportName.GetString()!))).Require();
            DerCertificate certificate = DerCertificate.Parse(File.ReadAllBytes(entry.Resolve(certificateName.GetString()!))).Require();
            DateTimeOffset at = certificate.NotBefore + ((certificate.NotAfter - certificate.NotBefore) / 2);
            Refusal? why = await RefusalOfAsync(report, [EntryOf(certificate)], at, strict: false, null, ct).ConfigureAwait(false);
            return (why is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(why?.ToString() ?? "accepted");
        }

        DateTimeOffset when = InstantOf(manifest, entry);
        string? reportData = entry.Text("expected_report_data") ?? entry.Text("report_data");
        Binding binding = reportData is null ? Binding.NotChecked : Binding.ToRaw(Convert.FromHexString(reportData));
        var evidence = new BoundEvidence(new Evidence(TeeType.Snp, json), binding, Binding.NotChecked);
        Result<ImmutableArray<VerifiedClaims>> result = await NewVerifier(when, strict: true).VerifyAsync(evidence, null, ct).ConfigureAwait(false);
        string upstream = entry.Member("expected") is { ValueKind: JsonValueKind.Object } e && e.TryGetProperty("upstream_evaluate", out JsonElement u) ? u.GetString()! : string.Empty;
        bool refuse = entry.IsNegative || upstream.StartsWith("rejected", StringComparison.Ordinal);
        if (refuse)
        {
            return result.Refusal is { } why
                ? upstream.Contains("deserialise", StringComparison.Ordinal) && why.Check != "snp.format" ? CaseVerdict.Failed($"for another reason: {why}") : CaseVerdict.Passed
                : CaseVerdict.Failed("accepted");
        }

        return result.Refusal is { } refused ? CaseVerdict.Failed(refused.ToString()) : CaseVerdict.Passed;
    }

    private static CaseVerdict ReasonFits(VectorEntry entry, Refusal why)
    {
        string expected = entry.Text("expected") ?? string.Empty;
        bool fits = true;
        if (expected.Contains("report signature", StringComparison.Ordinal))
        {
            fits = why.Check == "snp.report-signature";
        }
        else if (expected.Contains("certificate signature", StringComparison.Ordinal))
        {
            fits = why.Check == "snp.chain";
        }

        return fits ? CaseVerdict.Passed : CaseVerdict.Failed($"expected '{expected}', refused with {why}");
    }

    private static SnpVerifier NewVerifier(DateTimeOffset at, bool strict) =>
        new(new SnpVerifierOptions { Clock = new FixedClock(at), AcceptVersion2 = !strict });

    private static async Task<Refusal?> RefusalOfAsync(
        SnpReport report, ImmutableArray<SnpCertificateEntry> certificates, DateTimeOffset at, bool strict, VerificationRecord? record, CancellationToken ct) =>
        (await NewVerifier(at, strict).VerifyReportAsync(new SnpEvidence(report, certificates), record, ct).ConfigureAwait(false)).Refusal;

    private static IEnumerable<VectorEntry> SiblingsOf(VectorManifest manifest, VectorEntry entry) =>
        entry.Text("group") is { } group ? manifest.Group(group) : [];

    private static ImmutableArray<SnpCertificateEntry> CertificatesOf(VectorManifest manifest, VectorEntry entry)
    {
        IEnumerable<string> named = entry.Text("collateral") is { } collateral ? [entry.Resolve(collateral)] : [];
        IEnumerable<string> files = named.Concat(SiblingsOf(manifest, entry).Where(s => s.File.EndsWith(".der", StringComparison.Ordinal)).Select(s => s.FullPath));
        return [.. files.Where(File.Exists).Select(f => EntryOf(DerCertificate.Parse(File.ReadAllBytes(f)).Require()))];
    }

    private static SnpCertificateEntry EntryOf(DerCertificate certificate)
    {
        string name = certificate.SubjectCommonName;
        SnpCertificateType type = name == "SEV-VLEK" ? SnpCertificateType.Vlek
            : name == "SEV-VCEK" ? SnpCertificateType.Vcek
            : name.StartsWith("ARK-", StringComparison.Ordinal) ? SnpCertificateType.Ark
            : SnpCertificateType.Ask;
        return SnpCertificateEntry.Of(type, certificate.Raw);
    }

    private static DateTimeOffset InstantOf(VectorManifest manifest, VectorEntry entry) => InstantsOf(manifest, entry)[0];

    /// <summary>The middle of the window first, then its ends; of a sibling when the entry has none.</summary>
    private static DateTimeOffset[] InstantsOf(VectorManifest manifest, VectorEntry entry)
    {
        (DateTimeOffset From, DateTimeOffset To)? window = entry.EvaluateAt
            ?? SiblingsOf(manifest, entry).Select(s => s.EvaluateAt).FirstOrDefault(w => w is not null);
        return window is { } w ? [w.From + ((w.To - w.From) / 2), w.From, w.To] : throw new FormatException("no instant to evaluate at");
    }

    private static string? FieldsDiffer(SnpReport report, JsonElement fields)
    {
        foreach (JsonProperty field in fields.EnumerateObject())
        {
            string? got = field.Name switch
            {
                "version" => Text(report.Version),
                "guest_svn" => Text(report.GuestSvn),
                "policy" => "0x" + report.Policy.Value.ToString("x", CultureInfo.InvariantCulture),
                "vmpl" => Text(report.Vmpl),
                "plat_info" => Text(report.PlatformInfo.Value),
                "key_info" => Text(report.KeyInfo.Value),
                "reported_tcb" => Convert.ToHexStringLower(report.Raw.Span.Slice(0x180, 8)),
                "report_data" => Convert.ToHexStringLower(report.ReportData.Span),
                "measurement" => Convert.ToHexStringLower(report.Measurement.Span),
                "host_data" => Convert.ToHexStringLower(report.HostData.Span),
                "chip_id" => Convert.ToHexStringLower(report.ChipId.Span),
                "cpuid" => $"[{report.CpuFamily},{report.CpuModel},{report.CpuStepping}]",
                _ => null,
            };
            string wanted = field.Value.ValueKind == JsonValueKind.Array
                ? "[" + string.Join(',', field.Value.EnumerateArray().Select(e => e.GetRawText())) + "]"
                : field.Value.ToString();
            if (got is not null && !string.Equals(got, wanted, StringComparison.OrdinalIgnoreCase))
            {
                return $"{field.Name} is {got}, expected {wanted}";
            }
        }

        return null;
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
