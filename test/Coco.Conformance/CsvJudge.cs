// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Csv;
using Coco.Verifiers;
using Coco.Verifiers.Csv;

namespace Coco.Conformance;

/// <summary>Judges Hygon certificates, reports and evidence. What a file is, is told by its length and content.</summary>
public sealed class CsvJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["csv"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => new OneCase(manifest, e).JudgeAsync(ct)));
    }

    private sealed class OneCase(VectorManifest manifest, VectorEntry entry)
    {
        private const int ReportWithSigner = CsvReport.Version1Size + CsvReport.SignerSize;
        private const int Report2WithSigner = CsvReport.Version2Size + CsvReport.SignerSize;

        public Task<CaseVerdict> JudgeAsync(CancellationToken ct)
        {
            byte[] bytes = entry.Bytes();
            if (bytes.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{"u8))
            {
                return JudgeEvidenceAsync(bytes, ct);
            }

            Refusal? refusal = bytes.Length switch
            {
                HygonCaCertificate.Size => CheckCa(bytes),
                CsvCertificate.Size => CheckCertificate(bytes),
                HygonCaCertificate.Size + CsvCertificate.Size => CheckBoth(bytes),
                ReportWithSigner => CheckReport(bytes, 1),
                Report2WithSigner => CheckReport(bytes, 2),
                _ => new Refusal(RefusalCode.Unsupported, $"no form of {bytes.Length} bytes"),
            };
            return Task.FromResult(Expect(refusal));
        }

        private CaseVerdict Expect(Refusal? refusal) => (refusal is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal?.ToString() ?? "accepted");

        private IEnumerable<byte[]> Beside(int size) => manifest.Entries.Where(e => !e.IsNegative && File.Exists(e.FullPath) && new FileInfo(e.FullPath).Length == size).Select(e => e.Bytes());

        private static Refusal? CheckCa(byte[] bytes)
        {
            if (!HygonCaCertificate.Parse(bytes).TryGet(out HygonCaCertificate? certificate, out Refusal? refusal))
            {
                return refusal;
            }

            HygonRoot root = HygonRoot.BuiltIn;
            if (certificate.Key.Usage == HygonKeyUsage.Hrk && !certificate.Key.X.Span.SequenceEqual(root.Key.X.Span))
            {
                return new Refusal(RefusalCode.Untrusted, "another root than the built-in one");
            }

            return certificate.SigningKeyId.Span.SequenceEqual(root.KeyId.Span) && root.Key.Verify(certificate.SignedBytes.Span, certificate.Signature.Span)
                ? null
                : new Refusal(RefusalCode.BadSignature, "not signed by the HRK");
        }

        private Refusal? CheckCertificate(byte[] bytes)
        {
            if (!CsvCertificate.Parse(bytes).TryGet(out CsvCertificate? certificate, out Refusal? refusal))
            {
                return refusal;
            }

            return Beside(HygonCaCertificate.Size).Any(h => certificate.IsSignedBy(HygonCaCertificate.Parse(h).Require().Key))
                ? null
                : new Refusal(RefusalCode.BadSignature, "signed by no HSK beside it");
        }

        private static Refusal? CheckBoth(byte[] bytes) => HygonChain.Parse(bytes).TryGet(out (HygonCaCertificate Hsk, CsvCertificate Cek) both, out Refusal? refusal)
            ? HygonChain.Check("csv", both.Hsk, both.Cek, [HygonRoot.BuiltIn], null).Refusal
            : refusal;

        private Refusal? CheckReport(byte[] bytes, int version)
        {
            if (!CsvReport.Parse(bytes, version).TryGet(out CsvReport? report, out Refusal? refusal) || !report.ReadPek().TryGet(out CsvCertificate? pek, out refusal))
            {
                return refusal;
            }

            if (!Beside(CsvCertificate.Size).Any(c => pek.IsSignedBy(CsvCertificate.Parse(c).Require().Key)))
            {
                return new Refusal(RefusalCode.BadSignature, "the PEK is signed by no CEK beside it");
            }

            if (CsvVerifier.CheckSignature(report, pek.Key) is { } unsigned)
            {
                return unsigned;
            }

            if (!report.HasIntactSigner())
            {
                return new Refusal(RefusalCode.BadSignature, "MAC of the signer part");
            }

            return CheckFields(report, System.Text.Encoding.ASCII.GetString(report.ReadSerialNumber().Span).TrimEnd('\0'));
        }

        private Refusal? CheckFields(CsvReport report, string serial)
        {
            if (entry.Member("expected") is not { ValueKind: JsonValueKind.Object } expected)
            {
                return null;
            }

            foreach (JsonProperty wanted in expected.EnumerateObject())
            {
                string? got = wanted.Name switch
                {
                    "report_data" => Convert.ToHexStringLower(report.ReportData.Span),
                    "mnonce" => Convert.ToHexStringLower(report.Mnonce.Span),
                    "measure" => Convert.ToHexStringLower(report.Measure.Span),
                    "serial_number" => serial,
                    "anonce" => Convert.ToHexStringLower(BitConverter.GetBytes(report.AnonceOrBuild)),
                    _ => null,
                };
                if (got is not null && got != wanted.Value.GetString())
                {
                    return new Refusal(RefusalCode.Mismatch, string.Create(CultureInfo.InvariantCulture, $"{wanted.Name} is {got}"));
                }
            }

            return null;
        }

        private async Task<CaseVerdict> JudgeEvidenceAsync(byte[] bytes, CancellationToken ct)
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            if (!CsvEvidence.Parse(document.RootElement).TryGet(out CsvEvidence? evidence, out Refusal? refusal))
            {
                return Expect(refusal);
            }

            // What can be judged without the chip's certificates: the PEK's signature over the report.
            refusal = CsvVerifier.CheckSignature(evidence.Report, evidence.Pek.Key) ?? CheckFields(evidence.Report, evidence.SerialNumber);
            if (entry.IsNegative || refusal is not null)
            {
                return Expect(refusal);
            }

            (HygonCaCertificate, CsvCertificate)[] chains = [.. Beside(HygonCaCertificate.Size + CsvCertificate.Size).Select(b => HygonChain.Parse(b).Require())];
            bool complete = evidence.Cek is not null || chains.Any(c => evidence.Pek.IsSignedBy(c.Item2.Key));
            var verifier = new CsvVerifier(new CsvVerifierOptions { Collateral = new Chains(Beside(HygonCaCertificate.Size + CsvCertificate.Size)) });
            var bound = new BoundEvidence(new Evidence(TeeType.Csv, document.RootElement), Binding.ToRaw(evidence.Report.ReportData), Binding.NotChecked);
            Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
            return (result.Refusal is null) == complete
                ? CaseVerdict.Passed
                : CaseVerdict.Failed(result.Refusal?.ToString() ?? "accepted, though the chip's certificates are not there");
        }

        /// <summary>Answers with whatever lies beside the evidence, for every chip: the verifier has to find out that it is another's.</summary>
        private sealed class Chains(IEnumerable<byte[]> all) : ICollateralProvider
        {
            public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) =>
                new(all.FirstOrDefault() is { } one ? new CollateralItem(one) : (Result<CollateralItem>)new Refusal(RefusalCode.NotFound, "none"));
        }
    }
}
