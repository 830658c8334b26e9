// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Conformance;

/// <summary>Quotes and collateral of Intel SGX and TDX. What a file is, is told by its content.</summary>
public sealed partial class IntelJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["tdx", "sgx"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        string folder = Path.Combine(root, kind);
        VectorManifest manifest = VectorManifest.TryRead(folder) ?? throw new InvalidOperationException("no manifest");
        var everything = new Lazy<IntelVectorFiles>(() => IntelVectorFiles.Read(folder, recursive: true, Path.Combine(root, "roots")));
        foreach (VectorEntry entry in manifest.Entries)
        {
            var one = new OneCase(manifest, entry, root, everything);
            yield return new ConformanceCase(entry.File, one.JudgeAsync);
        }
    }

    private sealed partial class OneCase(VectorManifest manifest, VectorEntry entry, string root, Lazy<IntelVectorFiles> everything)
    {
        private const string CheckOfTcbInfoSignature = "dcap.tcb-info-signature";

        [GeneratedRegex(@"[\w./-]+\.(?:bin|dat)")]
        private static partial Regex FileNames { get; }

        [GeneratedRegex(@"(\d+) entries")]
        private static partial Regex EntryCount { get; }

        public async Task<CaseVerdict> JudgeAsync(CancellationToken ct)
        {
            byte[] bytes = entry.Bytes();
            if (bytes.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{"u8))
            {
                return await JudgeJsonAsync(bytes, ct).ConfigureAwait(false);
            }

            if (bytes.AsSpan().StartsWith("CCEL"u8))
            {
                return bytes.Length == 56 && bytes[36] == 2 ? CaseVerdict.Passed : CaseVerdict.Failed("not the CCEL table of a TD");
            }

            if (bytes.Length > 4 && bytes[0] is 3 or 4 or 5 && bytes[1] == 0 && bytes[2] is 2 or 3 && bytes[3] == 0)
            {
                return await JudgeQuoteAsync(bytes, ct).ConfigureAwait(false);
            }

            if (bytes.Length == TdReport.Length && bytes[0] == 0x81)
            {
                return JudgeReport(bytes);
            }

            if (DerCertificate.ParseAll(bytes).TryGet(out ImmutableArray<DerCertificate> certificates, out _))
            {
                return Expect(certificates.All(c => everything.Value.IsIssued(c) ?? !entry.IsNegative), "a certificate was issued by none of the others");
            }

            if (CertificateRevocationList.ParseAny(bytes).TryGet(out CertificateRevocationList? list, out _))
            {
                return JudgeList(list);
            }

            return JudgeLogOfQuote(bytes);
        }

        private static CaseVerdict Fail(string why) => CaseVerdict.Failed(why);

        private CaseVerdict Expect(bool holds, string why) =>
            holds == !entry.IsNegative ? CaseVerdict.Passed : Fail(entry.IsNegative ? "accepted" : why);

        private CaseVerdict JudgeReport(byte[] bytes)
        {
            if (!TdReport.Parse(bytes).TryGet(out TdReport? report, out Refusal? refusal))
            {
                return Expect(false, refusal.ToString());
            }

            if (entry.Member("expected") is { ValueKind: JsonValueKind.Object } expected && expected.TryGetProperty("rtmr", out JsonElement registers))
            {
                int i = 0;
                foreach (JsonElement one in registers.EnumerateArray())
                {
                    if (Convert.ToHexStringLower(report.Rtmr(i)) != one.GetString())
                    {
                        return Fail($"RTMR{i} is {Convert.ToHexStringLower(report.Rtmr(i))}");
                    }

                    i++;
                }
            }

            return Expect(true, string.Empty);
        }

        private CaseVerdict JudgeList(CertificateRevocationList list)
        {
            if (entry.Text("what") is { } what && EntryCount.Match(what) is { Success: true } count
                && int.Parse(count.Groups[1].ValueSpan, CultureInfo.InvariantCulture) != list.Count)
            {
                return Fail($"{list.Count} entries");
            }

            if (entry.EvaluateAt is { } window && (list.ThisUpdate > window.From || list.NextUpdate < window.To))
            {
                return Fail("the list does not cover the time in which it is evaluated");
            }

            return Expect(everything.Value.IsIssued(list) ?? !entry.IsNegative, "no certificate here issued the list");
        }

        private CaseVerdict JudgeLogOfQuote(byte[] bytes)
        {
            CaseVerdict log = EventLogJudge.JudgeLog(entry);
            if (log.Outcome != CaseOutcome.Passed || entry.IsNegative
                || entry.Member("expected") is not { ValueKind: JsonValueKind.Object } expected || !expected.TryGetProperty("replay_equals_quote", out JsonElement equal))
            {
                return log;
            }

            CcEventLog parsed = CcEventLog.Parse(bytes).Require();
            TdReportBody? td = GroupQuote()?.TrustDomain;
            if (td is null)
            {
                return Fail("no quote in the group of this log");
            }

            bool same = Enumerable.Range(0, MeasurementRegisters.RtmrCount).All(i => parsed.CheckReplay((uint)i + 1, TcgAlgorithm.Sha384, td.Rtmr(i)) is null);
            return same == equal.GetBoolean() ? CaseVerdict.Passed : Fail("the replay " + (same ? "equals" : "differs from") + " the quote");
        }

        private async Task<CaseVerdict> JudgeJsonAsync(byte[] bytes, CancellationToken ct)
        {
            if (!HostileJson.ParseObject(bytes, 1 << 24).TryGet(out JsonElement json, out Refusal? refusal))
            {
                return Expect(false, refusal.ToString());
            }

            if (json.TryGetProperty("tcbInfo", out _))
            {
                return await JudgeTcbInfoAsync(bytes, ct).ConfigureAwait(false);
            }

            if (json.TryGetProperty("enclaveIdentity", out _))
            {
                return !SignedCollateral.Parse(bytes, QeIdentity.Member).TryGet(out SignedCollateral? identity, out refusal)
                    || !QeIdentity.Parse(identity).TryGet(out _, out refusal)
                    ? Expect(false, refusal.ToString())
                    : Expect(everything.Value.IsSigned(identity) ?? !entry.IsNegative, "no certificate here signed the QE identity");
            }

            if (json.TryGetProperty("tcb_info", out _) || json.TryGetProperty("collaterals", out _))
            {
                return await JudgeCollateralFileAsync(bytes, ct).ConfigureAwait(false);
            }

            if (json.TryGetProperty("quote", out JsonElement quote))
            {
                return quote.ValueKind == JsonValueKind.String
                    ? await JudgeEvidenceAsync(json, ct).ConfigureAwait(false)
                    : await JudgeClaimsAsync(json, ct).ConfigureAwait(false);
            }

            return Fail("JSON of an unknown kind");
        }

        private async Task<CaseVerdict> JudgeCollateralFileAsync(byte[] bytes, CancellationToken ct)
        {
            if (!IntelCollateralFile.Parse(bytes).TryGet(out IntelCollateralFile? file, out Refusal? refusal))
            {
                return Expect(false, refusal.ToString());
            }

            if (GroupQuote() is not { } quote || WindowOf(entry) is not { } window)
            {
                return Expect(true, string.Empty);
            }

            Result<DcapAppraisal> result = await NewVerifier(file, window.From, IntelRootKey.ProductionOnly).VerifyAsync(quote, null, null, ct).ConfigureAwait(false);
            bool notSupported = result.Refusal?.Check is "dcap.tcb-level" or "dcap.tcb-level-current";
            return Expect(result.Refusal is null || notSupported, result.Refusal?.ToString() ?? string.Empty);
        }

        private async Task<CaseVerdict> JudgeTcbInfoAsync(byte[] bytes, CancellationToken ct)
        {
            if (!SignedCollateral.Parse(bytes, TcbInfo.Member).TryGet(out SignedCollateral? info, out Refusal? refusal) || !TcbInfo.Parse(info).TryGet(out _, out refusal))
            {
                return Expect(false, refusal.ToString());
            }

            // Within the collateral of its group, if there is any, so that the verifier itself has the last word.
            if (GroupQuote() is { } quote && CollateralFolder(entry) is { } folder && IntelVectorFiles.Read(folder, recursive: false).ToProvider(bytes) is { } provider
                && WindowOf(entry) is { } window)
            {
                ImmutableArray<IntelRootKey> roots = RootsOf(IntelVectorFiles.Read(folder, recursive: false));
                Result<DcapAppraisal> result = await NewVerifier(provider, window.From, roots).VerifyAsync(quote, null, null, ct).ConfigureAwait(false);
                bool signature = result.Refusal?.Check == CheckOfTcbInfoSignature;
                return signature == entry.IsNegative ? CaseVerdict.Passed : Fail(result.Refusal?.ToString() ?? "accepted");
            }

            return Expect(everything.Value.IsSigned(info) ?? !entry.IsNegative, "no certificate here signed the TCB info");
        }

        private async Task<CaseVerdict> JudgeClaimsAsync(JsonElement expected, CancellationToken ct)
        {
            string[] names = [.. FileNames.Matches(entry.Text("what") ?? string.Empty).Select(m => m.Value)];
            byte[]? quoteBytes = null, logBytes = null;
            foreach (string name in names)
            {
                string path = File.Exists(entry.Resolve(name)) ? entry.Resolve(name) : Path.Combine(root, name);
                byte[] found = File.Exists(path) ? await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false) : [];
                if (IntelQuote.Parse(found).TryGet(out _, out _))
                {
                    quoteBytes = found;
                }
                else
                {
                    logBytes = found;
                }
            }

            if (quoteBytes is null || !IntelQuote.Parse(quoteBytes).TryGet(out IntelQuote? quote, out _))
            {
                return Fail("no quote is named");
            }

            JsonObject claims = quote.TrustDomain is not null ? IntelClaims.OfTrustDomain(quote) : IntelClaims.OfEnclave(quote);
            DcapVerifier verifier = NewVerifier(null, TimeOf(quote), IntelRootKey.ProductionOnly);
            if (!(await verifier.VerifyAsync(quote, null, null, ct).ConfigureAwait(false)).TryGet(out DcapAppraisal? appraisal, out Refusal? refusal))
            {
                return Fail(refusal.ToString());
            }

            appraisal.AddClaims(claims);
            if (logBytes is not null)
            {
                if (!CcEventLog.Parse(logBytes).TryGet(out CcEventLog? log, out refusal) || !log.ToClaims().TryGet(out JsonArray? events, out refusal))
                {
                    return Fail(refusal.ToString());
                }

                claims["uefi_event_logs"] = events;
            }

            foreach (JsonProperty member in expected.EnumerateObject())
            {
                JsonNode? ours = claims[member.Name];
                if (!JsonNode.DeepEquals(JsonNode.Parse(member.Value.GetRawText()), ours))
                {
                    return Fail($"claim {member.Name}: expected {member.Value.GetRawText()}, got {ours?.ToJsonString()}");
                }
            }

            return CaseVerdict.Passed;
        }

        private async Task<CaseVerdict> JudgeEvidenceAsync(JsonElement json, CancellationToken ct)
        {
            if (!json.GetProperty("quote").TryGetBytesFromBase64(out byte[]? bytes) || !IntelQuote.Parse(bytes).TryGet(out IntelQuote? quote, out _))
            {
                return Expect(false, "no quote in the evidence");
            }

            return await JudgeVerificationAsync(json, quote, ct).ConfigureAwait(false);
        }

        private async Task<CaseVerdict> JudgeQuoteAsync(byte[] bytes, CancellationToken ct)
        {
            if (!IntelQuote.Parse(bytes).TryGet(out IntelQuote? quote, out Refusal? refusal))
            {
                return Expect(false, refusal.ToString());
            }

            if (entry.Member("fields") is { } fields && IntelFields.FindDifference(fields, quote) is { } difference)
            {
                return Fail(difference);
            }

            JsonElement json = JsonElement.Parse($$"""{"quote":"{{Convert.ToBase64String(bytes)}}"}""");
            return await JudgeVerificationAsync(json, quote, ct).ConfigureAwait(false);
        }

        private async Task<CaseVerdict> JudgeVerificationAsync(JsonElement json, IntelQuote quote, CancellationToken ct)
        {
            IntelVectorFiles? files = CollateralFolder(entry) is { } folder ? IntelVectorFiles.Read(folder, recursive: false) : null;
            JsonElement? expected = entry.Member("expected");
            if (expected is { ValueKind: JsonValueKind.Object } object1 && object1.TryGetProperty("under_intel_root", out JsonElement underIntel))
            {
                Outcome intel = await VerifyAsync(json, quote, files?.ToProvider(), IntelRootKey.ProductionOnly, ct).ConfigureAwait(false);
                if (CompareRefusal(underIntel.GetString()!, intel) is { } wrong)
                {
                    return Fail("under Intel's root: " + wrong);
                }

                if (object1.TryGetProperty("under_sample_root", out JsonElement underSample))
                {
                    Outcome sample = await VerifyAsync(json, quote, files?.ToProvider(), RootsOf(files), ct).ConfigureAwait(false);
                    string status = underSample.GetString()!.Split(';', ' ')[0];
                    if (sample.Claims?["tcb_status"]?.GetValue<string>() != status)
                    {
                        return Fail($"under the sample root: {sample.Refusal?.ToString() ?? sample.Claims?["tcb_status"]?.ToJsonString()}, expected {status}");
                    }
                }

                return CaseVerdict.Passed;
            }

            Outcome outcome = await VerifyAsync(json, quote, files?.ToProvider(), IntelRootKey.ProductionOnly, ct).ConfigureAwait(false);
            switch (expected)
            {
                case { ValueKind: JsonValueKind.String } text when entry.IsNegative:
                    return CompareRefusal(text.GetString()!, outcome) is { } wrong ? Fail(wrong) : CaseVerdict.Passed;
                case { ValueKind: JsonValueKind.Object } values:
                    return CompareValues(values, outcome);
                default:
                    return Expect(outcome.Refusal is null, outcome.Refusal?.ToString() ?? string.Empty);
            }
        }

        private CaseVerdict CompareValues(JsonElement expected, Outcome outcome)
        {
            if (expected.TryGetProperty("tcb_status", out JsonElement status) && !TcbStatuses.TryParse(status.GetString(), out _))
            {
                return outcome.Refusal?.Check is "dcap.tcb-level" or "dcap.tcb-level-current"
                    ? CaseVerdict.Passed
                    : Fail(outcome.Refusal?.ToString() ?? "accepted, although no level is expected to match");
            }

            if (status.ValueKind == JsonValueKind.String && status.GetString() == "Revoked")
            {
                return outcome.Refusal?.Code == RefusalCode.Revoked ? CaseVerdict.Passed : Fail(outcome.Refusal?.ToString() ?? "accepted");
            }

            if (outcome.Claims is not { } claims || outcome.Appraisal is not { } appraisal)
            {
                return Expect(false, outcome.Refusal?.ToString() ?? "no claims");
            }

            foreach (string name in (string[])["tcb_status", "tcb_date", "advisory_ids", "tcb_status_current", "tcb_date_current", "advisory_ids_current", "init_data", "report_data"])
            {
                if (expected.TryGetProperty(name, out JsonElement value) && !JsonNode.DeepEquals(JsonNode.Parse(value.GetRawText()), claims[name]))
                {
                    return Fail($"{name}: expected {value.GetRawText()}, got {claims[name]?.ToJsonString()}");
                }
            }

            if (expected.TryGetProperty("platform_level", out JsonElement level) && level.GetString() != appraisal.Launch?.Platform.ToWireName())
            {
                return Fail($"platform level {appraisal.Launch?.Platform.ToWireName()}");
            }

            if (expected.TryGetProperty("qe_level", out level) && level.GetString() != appraisal.Launch?.QuotingEnclave.ToWireName())
            {
                return Fail($"QE level {appraisal.Launch?.QuotingEnclave.ToWireName()}");
            }

            if (expected.TryGetProperty("tdx_module", out JsonElement module))
            {
                string? wanted = module.ValueKind == JsonValueKind.Object ? module.GetProperty("status").GetString() : null;
                if (wanted != appraisal.Launch?.Module?.ToWireName())
                {
                    return Fail($"module level {appraisal.Launch?.Module?.ToWireName()}");
                }
            }

            if (expected.TryGetProperty("td_attributes_debug", out JsonElement debug) && debug.GetBoolean() != claims["td_attributes"]?["debug"]?.GetValue<bool>())
            {
                return Fail("td_attributes.debug");
            }

            if (expected.TryGetProperty("event_log_replay", out _) && claims["uefi_event_logs"] is not JsonArray { Count: > 0 })
            {
                return Fail("no claims of the event log");
            }

            return CaseVerdict.Passed;
        }

        // The manifest names the check in words; the check that refused must be that one.
        private static string? CompareRefusal(string expected, Outcome outcome)
        {
            if (outcome.Refusal is not { } refusal)
            {
                return "accepted";
            }

            (string Words, string[] Checks)[] names =
            [
                ("QE report signature", ["dcap.qe-report-signature"]),
                ("does not bind", ["dcap.qe-report-data"]),
                ("QE report data", ["dcap.qe-report-data"]),
                ("QE identity", ["dcap.qe-identity-match", "dcap.qe-identity-signature", "dcap.qe-identity-chain", "dcap.qe-identity-format"]),
                ("quote signature", ["dcap.quote-signature"]),
                ("untrusted root", ["dcap.root-trusted"]),
                ("TCB not supported", ["dcap.tcb-level", "dcap.tcb-level-current"]),
                ("module", ["dcap.tdx-module"]),
                ("replay", ["tdx.event-log-replay"]),
            ];
            foreach ((string words, string[] checks) in names)
            {
                if (expected.Contains(words, StringComparison.OrdinalIgnoreCase))
                {
                    return checks.Contains(refusal.Check, StringComparer.Ordinal) ? null : $"expected '{expected}', got {refusal}";
                }
            }

            return null;
        }

        private async Task<Outcome> VerifyAsync(JsonElement json, IntelQuote quote, ICollateralProvider? collateral, ImmutableArray<IntelRootKey> roots, CancellationToken ct)
        {
            (DateTimeOffset From, DateTimeOffset To) window = WindowOf(entry) ?? (TimeOf(quote), TimeOf(quote));
            Outcome? first = null;
            foreach (DateTimeOffset now in (DateTimeOffset[])[window.From, window.From + ((window.To - window.From) / 2), window.To])
            {
                DcapVerifier dcap = NewVerifier(collateral, now, roots);
                TeeType tee = quote.TrustDomain is null ? TeeType.Sgx : TeeType.Tdx;
                IVerifier verifier = tee == TeeType.Sgx ? new SgxVerifier(dcap) : new TdxVerifier(dcap);
                var bound = new BoundEvidence(new Evidence(tee, json), Binding.ToDigest(ReportDataOf(quote)), Binding.NotChecked);
                Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
                Result<DcapAppraisal> appraised = await dcap.VerifyAsync(quote, null, null, ct).ConfigureAwait(false);
                appraised.TryGet(out DcapAppraisal? appraisal, out _);
                Outcome outcome = result.TryGet(out ImmutableArray<VerifiedClaims> claims, out Refusal? refusal)
                    ? new Outcome(claims[0].Claims, appraisal, null)
                    : new Outcome(null, appraisal, refusal);
                if (first is null && collateral is not null && outcome.Claims is { } c && c["collateral_expiration_status"]?.GetValue<string>() != "0")
                {
                    return new Outcome(null, null, new Refusal(RefusalCode.Expired, $"collateral is expired at {now:u}, the start of the window"));
                }

                if (first is not null && (first.Refusal?.Check != outcome.Refusal?.Check || first.Claims?["tcb_status"]?.ToJsonString() != outcome.Claims?["tcb_status"]?.ToJsonString()))
                {
                    return new Outcome(null, null, new Refusal(RefusalCode.Conflict, "the verdict differs within the window"));
                }

                first ??= outcome;
            }

            return first!;
        }

        private static byte[] ReportDataOf(IntelQuote quote) => (quote.TrustDomain is { } td ? td.ReportData : quote.Enclave!.ReportData).ToArray();

        private static DcapVerifier NewVerifier(ICollateralProvider? collateral, DateTimeOffset now, ImmutableArray<IntelRootKey> roots) => new(
            new DcapOptions { Clock = new StoppedClock(now), Roots = roots, InsecureSkipCollateral = collateral is null },
            collateral ?? IntelCollateralFile.FromItems(new Dictionary<string, CollateralItem>()));

        private static ImmutableArray<IntelRootKey> RootsOf(IntelVectorFiles? files) =>
        [
            IntelRootKey.Production,
            .. (files?.ForeignRoots ?? []).Select(r => IntelRootKey.FromPublicKeyInfo(r.SubjectCommonName, r.SubjectPublicKeyInfo).Require()),
        ];

        // Of a quote without collateral: a time at which its certificates are valid.
        private static DateTimeOffset TimeOf(IntelQuote quote) =>
            DerCertificate.ParseAll(quote.CertificationData).TryGet(out ImmutableArray<DerCertificate> chain, out _)
                ? chain.Max(c => c.NotBefore) + TimeSpan.FromDays(1)
                : DateTimeOffset.UnixEpoch;

        private (DateTimeOffset From, DateTimeOffset To)? WindowOf(VectorEntry one) =>
            one.EvaluateAt ?? Related(one).Select(e => e.EvaluateAt).FirstOrDefault(w => w is not null);

        // The vectors that say more of this one: those of its group, and the one it was derived from.
        private IEnumerable<VectorEntry> Related(VectorEntry one)
        {
            if (one.Text("derived") is { } derived)
            {
                foreach (Match name in FileNames.Matches(derived))
                {
                    foreach (VectorEntry source in manifest.Entries.Where(e => Path.GetFileName(e.File) == Path.GetFileName(name.Value) && e.File != one.File))
                    {
                        yield return source;
                    }
                }
            }

            if (one.Text("group") is { } group)
            {
                foreach (VectorEntry other in manifest.Group(group).Where(e => e.File != one.File))
                {
                    yield return other;
                }
            }
        }

        private string? CollateralFolder(VectorEntry one)
        {
            foreach (VectorEntry e in (IEnumerable<VectorEntry>)[one, .. Related(one)])
            {
                if (e.Text("collateral") is { } named && e.Resolve(named) is { } path)
                {
                    return Directory.Exists(path) ? path : Path.GetDirectoryName(path);
                }
            }

            // Some sets lie together in one folder and name no collateral.
            string own = Path.GetDirectoryName(one.FullPath)!;
            return Path.GetDirectoryName(one.File) is { Length: > 0 } && IntelVectorFiles.Read(own, recursive: false).ToProvider() is not null ? own : null;
        }

        private IntelQuote? GroupQuote()
        {
            foreach (VectorEntry other in Related(entry))
            {
                if (File.Exists(other.FullPath) && IntelQuote.Parse(other.Bytes()).TryGet(out IntelQuote? quote, out _))
                {
                    return quote;
                }
            }

            return null;
        }

        private sealed record Outcome(JsonObject? Claims, DcapAppraisal? Appraisal, Refusal? Refusal);

        private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
        {
            public override DateTimeOffset GetUtcNow() => now;
        }
    }
}
