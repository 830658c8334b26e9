// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Snp;
using Coco.Verifiers.Tpm;

namespace Coco.Conformance;

/// <summary>Judges evidence of Azure guests and its parts: paravisor reports, vTPM quotes, TD quotes, keys, chains. What a file is, is told by its content.</summary>
public sealed class AzureJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["az-snp-vtpm", "az-tdx-vtpm", "az-cvm-tooling"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => new OneCase(manifest, e).JudgeAsync(ct)));
    }

    private sealed class OneCase(VectorManifest manifest, VectorEntry entry)
    {
        public async Task<CaseVerdict> JudgeAsync(CancellationToken ct)
        {
            byte[] bytes = entry.Bytes();
            if (bytes.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{"u8))
            {
                using JsonDocument document = JsonDocument.Parse(bytes);
                JsonElement json = document.RootElement;
                return json.TryGetProperty("keys", out _) ? JudgeVariableData(json)
                    : json.TryGetProperty("signature", out _) ? JudgeQuote(TpmQuoteEvidence.ParseHex(json))
                    : await JudgeEvidenceAsync(json, ct).ConfigureAwait(false);
            }

            if (bytes.AsSpan().StartsWith("HCLA"u8))
            {
                return JudgeReport(HclReport.Parse(bytes));
            }

            if (DerCertificate.LooksLikePem(bytes))
            {
                return JudgePem(System.Text.Encoding.Latin1.GetString(bytes));
            }

            if (bytes is [0xFF, 0x54, 0x43, 0x47, ..])
            {
                return Expect(TpmQuote.Parse(bytes).Refusal);
            }

            if (bytes is [4 or 5, 0, 2, 0, 0x81, ..])
            {
                return await JudgeTdQuoteAsync(bytes, ct).ConfigureAwait(false);
            }

            return bytes.Length == 256 ? JudgeSignature(bytes) : JudgeQuote(ReadBincode(bytes));
        }

        private CaseVerdict Expect(Refusal? refusal) => (refusal is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal?.ToString() ?? "accepted");

        private IEnumerable<HclReport> Reports() => manifest.Entries
            .Where(e => !e.IsNegative && File.Exists(e.FullPath))
            .SelectMany(e => e.Bytes() is { } b && b.AsSpan().StartsWith("HCLA"u8) && HclReport.Parse(b).TryGet(out HclReport? r, out _) ? [r] : Array.Empty<HclReport>());

        private static Refusal? CheckReport(HclReport report)
        {
            ReadOnlySpan<byte> held = report.ReportType == HclReportType.Snp ? SnpReport.Parse(report.HardwareReport).Require().ReportData.Span : report.TdReportData.Span;
            return Binding.ToDigest(report.HashVariableData()).Check(held);
        }

        private CaseVerdict JudgeReport(Result<HclReport> parsed) => Expect(parsed.TryGet(out HclReport? report, out Refusal? refusal) ? CheckReport(report) : refusal);

        private CaseVerdict JudgeVariableData(JsonElement json)
        {
            // Stand-alone variable data: put into a report's frame, they have to read as they do there.
            byte[] frame = new byte[1236 + entry.Bytes().Length];
            "HCLA"u8.CopyTo(frame);
            frame[4] = 1;
            frame[1224] = 2;
            frame[1228] = 1;
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(1232), entry.Bytes().Length);
            entry.Bytes().CopyTo(frame, 1236);
            if (!HclReport.Parse(frame).TryGet(out HclReport? report, out Refusal? refusal))
            {
                return Expect(refusal);
            }

            bool keys = json.GetProperty("keys").EnumerateArray().Any(k => k.GetProperty("kid").GetString() == "HCLAkPub"
                && k.GetProperty("n").GetString() == System.Buffers.Text.Base64Url.EncodeToString(report.AkModulus.Span));
            return keys ? CaseVerdict.Passed : CaseVerdict.Failed("the attestation key is another");
        }

        private CaseVerdict JudgeSignature(byte[] signature)
        {
            // A bare signature belongs to a message beside it; whose key made it, the entry does not always say.
            bool anyMessage = manifest.Entries.Any(e => File.Exists(e.FullPath) && e.Bytes() is [0xFF, 0x54, 0x43, 0x47, ..]);
            return anyMessage && new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, signature).Value.Length == 256
                ? CaseVerdict.Passed
                : CaseVerdict.Failed("no message beside it");
        }

        private CaseVerdict JudgeQuote(Result<TpmQuoteEvidence> parsed)
        {
            if (!parsed.TryGet(out TpmQuoteEvidence? quote, out Refusal? refusal))
            {
                return Expect(refusal);
            }

            foreach (TpmAttestationKey key in Keys())
            {
                using (key)
                {
                    Result<TpmQuote> verified = TpmQuoteCheck.Verify("tpm", quote, key, null);
                    if (verified.Refusal is not { Check: "tpm.quote-signature" } other)
                    {
                        return Expect(verified.Refusal);
                    }

                    refusal = other;
                }
            }

            return Expect(refusal ?? new Refusal(RefusalCode.NotFound, "no key beside it"));
        }

        private IEnumerable<TpmAttestationKey> Keys()
        {
            foreach (HclReport report in Reports())
            {
                yield return TpmAttestationKey.FromRsa(report.AkModulus, report.AkExponent).Require();
            }

            foreach (VectorEntry e in manifest.Entries.Where(e => File.Exists(e.FullPath) && DerCertificate.LooksLikePem(e.Bytes())))
            {
                if (File.ReadAllText(e.FullPath) is { } pem && pem.Contains("PUBLIC KEY", StringComparison.Ordinal))
                {
                    yield return TpmAttestationKey.FromSubjectPublicKeyInfo(VerificationKey.FromPem(pem).Require().SubjectPublicKeyInfo).Require();
                }
            }
        }

        /// <summary>A length of 64 bits before signature and message, then 24 registers: what a Rust tool wrote.</summary>
        private static Result<TpmQuoteEvidence> ReadBincode(byte[] bytes)
        {
            var reader = new ByteReader(bytes);
            if (!reader.TryReadUInt64LittleEndian(out ulong signatureLength) || signatureLength > 1024 || !reader.TryRead((int)signatureLength, out ReadOnlySpan<byte> signature)
                || !reader.TryReadUInt64LittleEndian(out ulong messageLength) || messageLength > 1024 || !reader.TryRead((int)messageLength, out ReadOnlySpan<byte> message)
                || !reader.TryReadUInt64LittleEndian(out ulong count) || count != 24)
            {
                reader = new ByteReader(bytes);
                return Refusal.Malformed("quote", reader.Offset, "no form known here");
            }

            var pcrs = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
            while (reader.TryRead(32, out ReadOnlySpan<byte> value))
            {
                pcrs.Add(value.ToArray());
            }

            return new TpmQuoteEvidence(message.ToArray(), new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, signature.ToArray()), pcrs.ToImmutable());
        }

        private CaseVerdict JudgePem(string pem)
        {
            if (pem.Contains("PUBLIC KEY", StringComparison.Ordinal))
            {
                return Expect(VerificationKey.FromPem(pem).Refusal);
            }

            if (!DerCertificate.ParsePem(pem).TryGet(out ImmutableArray<DerCertificate> chain, out Refusal? refusal))
            {
                return Expect(refusal);
            }

            return Expect(SnpChain.Verify([SnpCertificateEntry.Of(SnpCertificateType.Vcek, chain[0].Raw)], [.. AmdTrustAnchor.BuiltIn]).Refusal);
        }

        private async Task<CaseVerdict> JudgeTdQuoteAsync(byte[] bytes, CancellationToken ct)
        {
            if (!IntelQuote.Parse(bytes).TryGet(out IntelQuote? quote, out Refusal? refusal))
            {
                return Expect(refusal);
            }

            DateTimeOffset at = entry.EvaluateAt?.From ?? manifest.Entries.Select(e => e.EvaluateAt).FirstOrDefault(w => w is not null)?.From ?? throw new FormatException("no instant");
            Result<DcapAppraisal> appraisal = await NewDcap(at).VerifyAsync(quote, null, null, ct).ConfigureAwait(false);
            bool beside = Reports().Any(r => r.TdReportData.Span.SequenceEqual(quote.TrustDomain!.ReportData));
            return Expect(appraisal.Refusal ?? (beside ? null : new Refusal(RefusalCode.Mismatch, "no HCL report beside it has its report data")));
        }

        private async Task<CaseVerdict> JudgeEvidenceAsync(JsonElement json, CancellationToken ct)
        {
            VectorEntry origin = entry;
            if (entry.Text("derived") is { } derived)
            {
                // The original is the one whose name the description begins with.
                origin = manifest.Entries
                    .Where(e => derived.StartsWith(Path.GetFileNameWithoutExtension(e.File), StringComparison.Ordinal))
                    .OrderByDescending(e => e.File.Length).FirstOrDefault() ?? entry;
            }

            string? reportData = entry.Text("expected_report_data") ?? origin.Text("expected_report_data");
            (DateTimeOffset from, DateTimeOffset to) = entry.EvaluateAt ?? origin.EvaluateAt ?? throw new FormatException("no instant");
            Binding binding = reportData is null ? Binding.NotChecked : Binding.ToRaw(Convert.FromHexString(reportData));
            foreach (DateTimeOffset at in new[] { from + ((to - from) / 2), from, to })
            {
                IVerifier verifier = json.TryGetProperty("td_quote", out _)
                    ? new AzTdxVtpmVerifier(NewDcap(at))
                    : new AzSnpVtpmVerifier(new SnpVerifier(new SnpVerifierOptions { Clock = new FixedClock(at) }));
                var bound = new BoundEvidence(new Evidence(verifier.Tee, json), binding, Binding.NotChecked);
                Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
                if (entry.IsNegative)
                {
                    return result.Refusal is { } why ? ReasonFits(why) : CaseVerdict.Failed("accepted");
                }

                if (!result.TryGet(out ImmutableArray<VerifiedClaims> claims, out Refusal? refusal))
                {
                    return CaseVerdict.Failed($"at {at:u}: {refusal}");
                }

                JsonNode tpm = claims[0].Claims["tpm"]!;
                foreach (string register in (string[])["pcr00", "pcr08"])
                {
                    if (entry.Text(register) is { } wanted && tpm[register]!.GetValue<string>() != wanted)
                    {
                        return CaseVerdict.Failed($"{register} is {tpm[register]}");
                    }
                }

                // The binding must bite, and so must its absence.
                foreach (Binding other in (Binding[])[Binding.NotChecked, Binding.ToRaw((byte[])[1, .. Convert.FromHexString(reportData!)])])
                {
                    if ((await verifier.VerifyAsync(bound with { ReportData = other }, null, ct).ConfigureAwait(false)).Refusal is null)
                    {
                        return CaseVerdict.Failed("accepted with other report data");
                    }
                }
            }

            return CaseVerdict.Passed;
        }

        private CaseVerdict ReasonFits(Refusal why)
        {
            string expected = entry.Text("expected") ?? string.Empty;
            string? check = expected.Contains("quote signature", StringComparison.Ordinal) ? ".quote-signature"
                : expected.Contains("PCR digest", StringComparison.Ordinal) ? ".pcr-digest"
                : expected.Contains("nonce", StringComparison.Ordinal) ? ".nonce"
                : null;
            return check is null || why.Check?.EndsWith(check, StringComparison.Ordinal) == true ? CaseVerdict.Passed : CaseVerdict.Failed($"expected '{expected}', refused with {why}");
        }

        // The vectors have no collateral: signatures and chain are judged, the TCB level is not.
        private static DcapVerifier NewDcap(DateTimeOffset at) =>
            new(new DcapOptions { Clock = new FixedClock(at), InsecureSkipCollateral = true }, IntelCollateralFile.FromItems(new Dictionary<string, CollateralItem>()));
    }
}
