// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.Cca;
using Coco.Tee.Csv;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Tee.Launch;
using Coco.Tee.Nvidia;
using Coco.Tee.SecureExecution;
using Coco.Tee.Snp;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Fuzz.Targets;

/// <summary>Every parser of evidence, certificates, collateral and logs. A new parser is one line here.</summary>
public sealed class EvidenceTargets : IFuzzTargetGroup
{
    /// <inheritdoc/>
    public IEnumerable<IFuzzTarget> Targets =>
    [
        new ParserTarget("json", EvidenceSeeds.IntelEvidence, b => HostileJson.Parse(b)),
        new ParserTarget("x509-certificate", EvidenceSeeds.Certificates, b => DerCertificate.ParseAll(b)),
        new ParserTarget("x509-crl", EvidenceSeeds.RevocationLists, b => CertificateRevocationList.ParseAny(b)),
        new ParserTarget("intel-quote", EvidenceSeeds.Quotes, b => IntelQuote.Parse(b)),
        new ParserTarget("intel-evidence", EvidenceSeeds.IntelEvidence, Json(j =>
        {
            _ = IntelEvidence.ParseTdx(j).Refusal;
            _ = IntelEvidence.ParseSgx(j).Refusal;
        })),
        new ParserTarget("intel-tcb-info", EvidenceSeeds.TcbInfo, b =>
        {
            if (SignedCollateral.Parse(b, TcbInfo.Member).TryGet(out SignedCollateral? s, out _))
            {
                _ = TcbInfo.Parse(s).Refusal;
            }
        }),
        new ParserTarget("intel-qe-identity", EvidenceSeeds.QeIdentity, b =>
        {
            if (SignedCollateral.Parse(b, QeIdentity.Member).TryGet(out SignedCollateral? s, out _))
            {
                _ = QeIdentity.Parse(s).Refusal;
            }
        }),
        new ParserTarget("intel-pck-extension", EvidenceSeeds.PckExtension, b => PckExtension.Parse(b)),
        new ParserTarget("intel-collateral", EvidenceSeeds.IntelCollateral, b => IntelCollateralFile.Parse(b)),
        new ParserTarget("intel-td-report", EvidenceSeeds.OfVectors(".bin", "tdx"), b => TdReport.Parse(b)),
        new ParserTarget("tdx-verify", EvidenceSeeds.IntelEvidence, Json(VerifyTdx)),
        new ParserTarget("event-log", EvidenceSeeds.EventLogs, b =>
        {
            if (CcEventLog.Parse(b).TryGet(out CcEventLog? log, out _))
            {
                _ = log.ToClaims().Refusal;
                log.Replay(1, TcgAlgorithm.Sha384);
            }
        }),
        new ParserTarget("tdvf-metadata", EvidenceSeeds.OfVectors(".fd", "firmware"), b => TdvfMetadata.Parse(b)),
        new ParserTarget("portable-executable", EvidenceSeeds.OfVectors(".efi", "firmware"), b => PortableExecutable.ComputeAuthenticode(b, HashAlgorithmName.SHA384)),
        new ParserTarget("snp-report", EvidenceSeeds.SnpReports, b => SnpReport.Parse(b)),
        new ParserTarget("snp-evidence", EvidenceSeeds.SnpEvidence, Json(j => SnpEvidence.Parse(j))),
        new ParserTarget("snp-certificate-table", EvidenceSeeds.OfVectors(".bin", "snp"), b => SnpCertificateTable.Parse(b)),
        new ParserTarget("snp-vek", EvidenceSeeds.OfVectors(".der", "snp", "roots"), b =>
        {
            if (DerCertificate.Parse(b).TryGet(out DerCertificate? c, out _))
            {
                _ = SnpVek.Parse(c).Refusal;
            }
        }),
        new ParserTarget("tpm-quote-vectors", EvidenceSeeds.OfVectors(".bin", "tpm", "tpm-swtpm", "az-snp-vtpm"), b =>
        {
            _ = TpmQuote.Parse(b).Refusal;
            _ = TpmSignature.Parse(b).Refusal;
            _ = TpmPublic.Parse(b).Refusal;
            _ = TpmPublic.ParseSized(b).Refusal;
        }),
        new ParserTarget("tpm-evidence-vectors", EvidenceSeeds.OfVectors(".json", "tpm"), Json(j => TpmEvidence.Parse(j))),
        new ParserTarget("azure-hcl-report", EvidenceSeeds.OfVectors(".bin", "az-snp-vtpm", "az-tdx-vtpm"), b => HclReport.Parse(b)),
        new ParserTarget("azure-evidence-vectors", EvidenceSeeds.OfVectors(".json", "az-snp-vtpm", "az-tdx-vtpm"), Json(j =>
        {
            _ = AzureEvidence.ParseSnp(j).Refusal;
            _ = AzureEvidence.ParseTdx(j).Refusal;
        })),
        new ParserTarget("cca-token-vectors", EvidenceSeeds.OfVectors(string.Empty, "cca"), b => CcaToken.Parse(b)),
        new ParserTarget("cca-claims-vectors", EvidenceSeeds.OfVectors(string.Empty, "cca"), b =>
        {
            _ = CcaPlatformClaims.Parse(b).Refusal;
            _ = CcaRealmClaims.Parse(b).Refusal;
            _ = CoseKey.Parse(b).Refusal;
            _ = CoseSign1.Parse(b, "token").Refusal;
        }),
        new ParserTarget("csv-certificate", EvidenceSeeds.OfVectors(string.Empty, "csv"), b =>
        {
            _ = CsvCertificate.Parse(b).Refusal;
            _ = HygonCaCertificate.Parse(b).Refusal;
        }),
        new ParserTarget("csv-report-vectors", EvidenceSeeds.OfVectors(string.Empty, "csv"), b =>
        {
            _ = CsvReport.Parse(b, 1).Refusal;
            _ = CsvReport.Parse(b, 2).Refusal;
        }),
        new ParserTarget("csv-evidence-vectors", EvidenceSeeds.OfVectors(".json", "csv"), Json(j =>
        {
            _ = CsvEvidence.Parse(j).Refusal;
            _ = DcuReport.ParseEvidence(j).Refusal;
        })),
        new ParserTarget("se-header-vectors", EvidenceSeeds.OfVectors(string.Empty, "se"), b => SeImageHeader.Parse(b)),
        new ParserTarget("se-evidence", EvidenceSeeds.OfVectors(".json", "se"), Json(j => SeEvidence.Parse(j))),
        new ParserTarget("nvidia-report", EvidenceSeeds.OfVectors(".bin", "nvidia"), b =>
        {
            _ = SpdmReport.Parse(b).Refusal;
            _ = NvidiaOpaqueData.Parse(b, 0).Refusal;
        }),
        new ParserTarget("nvidia-evidence-vectors", EvidenceSeeds.OfVectors(".json", "nvidia"), Json(j =>
        {
            _ = NvidiaEvidence.ParseAll(j).Refusal;
            _ = DpuEvidence.Parse(j).Refusal;
        })),
        new ParserTarget("collateral-item", EvidenceSeeds.IntelCollateral, b => CollateralItem.Decode(b)),
    ];

    private static readonly TdxVerifier Tdx = new(new DcapVerifier(
        new DcapOptions { InsecureSkipCollateral = true }, IntelCollateralFile.FromItems(new Dictionary<string, CollateralItem>())));

    private static Action<byte[]> Json(Action<JsonElement> run) => bytes =>
    {
        if (HostileJson.Parse(bytes, 1 << 24).TryGet(out JsonElement json, out _))
        {
            run(json);
        }
    };

    private static void VerifyTdx(JsonElement json)
    {
        var bound = new BoundEvidence(new Evidence(TeeType.Tdx, json), Binding.NotChecked, Binding.NotChecked);
        Result<ImmutableArray<VerifiedClaims>> result = Tdx.VerifyAsync(bound, null, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        if (result.Refusal is null)
        {
            throw new InvalidOperationException("evidence of a vendor that nobody trusts was accepted");
        }
    }
}
