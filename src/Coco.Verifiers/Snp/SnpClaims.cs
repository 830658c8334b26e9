// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>The claims of an SNP report (attestation-service.md 6.3).</summary>
public static class SnpClaims
{
    /// <summary>Name of the claim that is present, and true, when the evidence hangs from a simulated root.</summary>
    public const string Simulated = "simulated";

    /// <summary>The claims of a genuine report.</summary>
    public static JsonObject Of(SnpGenuineReport genuine)
    {
        ArgumentNullException.ThrowIfNull(genuine);
        SnpReport report = genuine.Report;
        SnpPolicy policy = report.Policy;
        SnpTcb tcb = report.ReportedTcb;
        SnpPlatformInfo platform = report.PlatformInfo;
        var claims = new JsonObject
        {
            ["policy_abi_major"] = (int)policy.AbiMajor,
            ["policy_abi_minor"] = (int)policy.AbiMinor,
            ["policy_smt_allowed"] = policy.SmtAllowed,
            ["policy_migrate_ma"] = policy.MigrationAgentAllowed,
            ["policy_debug_allowed"] = policy.DebugAllowed,
            ["policy_single_socket"] = policy.SingleSocket,
            ["reported_tcb_bootloader"] = (int)tcb.BootLoader,
            ["reported_tcb_tee"] = (int)tcb.Tee,
            ["reported_tcb_snp"] = (int)tcb.Snp,
            ["reported_tcb_microcode"] = (int)tcb.Microcode,
            ["platform_tsme_enabled"] = platform.TsmeEnabled,
            ["platform_smt_enabled"] = platform.SmtEnabled,
            ["measurement"] = Convert.ToHexStringLower(report.Measurement.Span),
            ["report_data"] = Convert.ToHexStringLower(report.ReportData.Span),
            ["init_data"] = Convert.ToHexStringLower(report.HostData.Span),
            ["chip_id"] = Convert.ToHexStringLower(report.ChipId.Span),
        };
        if (genuine.IsSimulated)
        {
            claims[Simulated] = true;
        }

        return claims;
    }
}
