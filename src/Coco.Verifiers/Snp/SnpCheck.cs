// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Snp;

/// <summary>Names of the checks, as the README's table lists them.</summary>
internal static class SnpCheck
{
    internal const string Format = "snp.format";
    internal const string Version = "snp.version";
    internal const string Algorithm = "snp.signature-algorithm";
    internal const string Generation = "snp.generation";
    internal const string Vek = "snp.vek";
    internal const string Ark = "snp.ark";
    internal const string Ca = "snp.ca";
    internal const string Chain = "snp.chain";
    internal const string Dates = "snp.certificate-dates";
    internal const string CrlSignature = "snp.crl-signature";
    internal const string CrlDates = "snp.crl-dates";
    internal const string Revocation = "snp.revocation";
    internal const string SigningKey = "snp.signing-key";
    internal const string Signature = "snp.report-signature";
    internal const string Tcb = "snp.tcb";
    internal const string ChipId = "snp.chip-id";
    internal const string Product = "snp.product";
    internal const string Vmpl = "snp.vmpl";
    internal const string ReportData = "snp.report-data";
    internal const string InitData = "snp.init-data";
}
