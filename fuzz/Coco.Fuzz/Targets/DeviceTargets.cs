// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Simulator.SecureExecution;
using Coco.Tee.Azure;
using Coco.Tee.Cca;
using Coco.Tee.Csv;
using Coco.Tee.Nvidia;
using Coco.Tee.SecureExecution;
using Coco.Tee.Tpm;
using Coco.Verifiers.Nvidia;

namespace Coco.Fuzz.Targets;

/// <summary>TPMS_ATTEST.</summary>
public sealed class TpmQuoteTarget() : FormatTarget("tpm-quote", DeviceSeeds.TpmQuotes, b => TpmQuote.Parse(b).Refusal);

/// <summary>TPMT_SIGNATURE.</summary>
public sealed class TpmSignatureTarget() : FormatTarget("tpm-signature", DeviceSeeds.TpmSignatures, b => TpmSignature.Parse(b).Refusal);

/// <summary>TPMT_PUBLIC.</summary>
public sealed class TpmPublicTarget() : FormatTarget("tpm-public", DeviceSeeds.TpmPublics, b => TpmPublic.Parse(b).Refusal);

/// <summary>Evidence JSON of a plain TPM.</summary>
public sealed class TpmEvidenceTarget() : FormatTarget("tpm-evidence", DeviceSeeds.TpmEvidence, b => Json.Parse(b, j => TpmEvidence.Parse(j).Refusal));

/// <summary>Azure's HCL report with its variable data.</summary>
public sealed class HclReportTarget() : FormatTarget("hcl-report", DeviceSeeds.HclReports, b => HclReport.Parse(b).Refusal);

/// <summary>Evidence JSON of Azure guests.</summary>
public sealed class AzureEvidenceTarget() : FormatTarget(
    "azure-evidence", DeviceSeeds.Azure, b => Json.Parse(b, j => AzureEvidence.ParseSnp(j).Refusal ?? AzureEvidence.ParseTdx(j).Refusal));

/// <summary>Arm CCA token.</summary>
public sealed class CcaTokenTarget() : FormatTarget("cca-token", DeviceSeeds.CcaTokens, b => CcaToken.Parse(b).Refusal);

/// <summary>Claims of realm and platform tokens.</summary>
public sealed class CcaClaimsTarget() : FormatTarget("cca-claims", DeviceSeeds.CcaClaims, b => CcaRealmClaims.Parse(b).Refusal ?? CcaPlatformClaims.Parse(b).Refusal);

/// <summary>Hygon's certificates.</summary>
public sealed class HygonCertificateTarget() : FormatTarget(
    "hygon-certificate", DeviceSeeds.HygonCertificates, b => HygonCaCertificate.Parse(b).Refusal ?? CsvCertificate.Parse(b).Refusal);

/// <summary>CSV reports of both versions, and the parts that are read from them later.</summary>
public sealed class CsvReportTarget() : FormatTarget("csv-report", DeviceSeeds.CsvReports, Read)
{
    private static Refusal? Read(byte[] bytes)
    {
        Refusal? last = null;
        for (int version = 1; version <= 2; version++)
        {
            if (CsvReport.Parse(bytes, version).TryGet(out CsvReport? report, out last))
            {
                _ = report.HasIntactSigner();
                _ = report.ReadSerialNumber();
                last = report.ReadPek().Refusal;
            }
        }

        return last;
    }
}

/// <summary>Evidence JSON of CSV guests and DCUs.</summary>
public sealed class CsvEvidenceTarget() : FormatTarget(
    "csv-evidence", DeviceSeeds.CsvEvidence, b => Json.Parse(b, j => CsvEvidence.Parse(j).Refusal ?? DcuReport.ParseEvidence(j).Refusal));

/// <summary>Secure Execution boot image header.</summary>
public sealed class SeHeaderTarget() : FormatTarget("se-header", () => [SimulatedSeHost.MakeImageHeader()], b => SeImageHeader.Parse(b).Refusal);

/// <summary>SPDM report of an NVIDIA device, and the configuration that is read from it.</summary>
public sealed class SpdmReportTarget() : FormatTarget("spdm-report", DeviceSeeds.SpdmReports, Read)
{
    private static Refusal? Read(byte[] bytes)
    {
        if (SpdmReport.Parse(bytes).TryGet(out SpdmReport? report, out Refusal? refusal))
        {
            _ = report.Opaque.ToConfig().ToJsonString();
        }

        return refusal;
    }
}

/// <summary>Evidence JSON of NVIDIA GPUs and DPUs.</summary>
public sealed class NvidiaEvidenceTarget() : FormatTarget(
    "nvidia-evidence", DeviceSeeds.NvidiaEvidenceTexts, b => Json.Parse(b, j => NvidiaEvidence.ParseAll(j).Refusal ?? DpuEvidence.Parse(j).Refusal));

/// <summary>Signed reference manifests: XML, canonicalisation, signature. No root is trusted, so none is accepted.</summary>
public sealed class ReferenceManifestTarget() : FormatTarget(
    "reference-manifest",
    DeviceSeeds.Manifests,
    b => NvidiaReferenceManifest.Parse(b, NvidiaManifestKind.Driver, [], DateTimeOffset.UnixEpoch).Refusal
        ?? throw new InvalidOperationException("accepted without a trusted root"));

/// <summary>Evidence that comes as JSON.</summary>
internal static class Json
{
    /// <summary>Parses strictly, then hands the element on.</summary>
    public static Refusal? Parse(byte[] text, Func<JsonElement, Refusal?> read) =>
        HostileJson.Parse(text, 8 << 20).TryGet(out JsonElement element, out Refusal? refusal) ? read(element) : refusal;
}
