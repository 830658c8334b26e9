// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Azure;

/// <summary>What hardware report an HCL report holds (tee-evidence.md 6.3).</summary>
public enum HclReportType
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>AMD SEV-SNP.</summary>
    Snp = 2,

    /// <summary>Intel TDX (a TDREPORT, not a quote).</summary>
    Tdx = 4,
}
