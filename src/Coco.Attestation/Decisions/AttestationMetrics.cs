// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.Metrics;

namespace Coco.Attestation.Decisions;

/// <summary>The room's instruments.</summary>
internal static class AttestationMetrics
{
    private static readonly Meter Meter = new("Coco.Attestation");

    /// <summary>Decisions by TEE and outcome.</summary>
    public static readonly Counter<long> Decisions = Meter.CreateCounter<long>("coco_attestation_decisions_total", description: "Attestations by TEE and outcome.");

    /// <summary>Duration of a decision in seconds.</summary>
    public static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("coco_attestation_duration_seconds", "s", "Time of an attestation.");

    /// <summary>What shadow policies would have said.</summary>
    public static readonly Counter<long> Shadow = Meter.CreateCounter<long>(
        "coco_attestation_shadow_policy_total", description: "Shadow policies by policy and what they would change: same, would_pass, would_fail, other, fault.");

    /// <summary>Records that could not be kept.</summary>
    public static readonly Counter<long> Lost = Meter.CreateCounter<long>("coco_attestation_decision_records_lost_total", description: "Decision records that could not be kept.");

    /// <summary>When something ends that attestation rests on; set by the doctor.</summary>
    public static readonly Gauge<double> Ends = Meter.CreateGauge<double>(
        "coco_doctor_ends_timestamp_seconds", "s", "Unix time at which collateral, a certificate or a reference value ends.");

    /// <summary>Recorded workloads that would then fail; set by the doctor.</summary>
    public static readonly Gauge<long> AtRisk = Meter.CreateGauge<long>(
        "coco_doctor_workloads_at_risk", description: "Recorded workloads that rest on what ends.");

    /// <summary>Findings by severity; set by the doctor.</summary>
    public static readonly Gauge<long> Findings = Meter.CreateGauge<long>(
        "coco_doctor_findings", description: "What the doctor found, by severity: error, warning, note.");
}
