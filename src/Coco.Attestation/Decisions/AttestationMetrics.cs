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

    /// <summary>Seconds until collateral that decisions rest on ends; set by the doctor.</summary>
    public static readonly Gauge<double> CollateralEnds = Meter.CreateGauge<double>(
        "coco_attestation_collateral_remaining_seconds", "s", "Time until collateral that recorded decisions rest on ends.");
}
