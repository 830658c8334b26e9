// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>For TEEs whose evidence is worth nothing without a comparison of the report data (tee-evidence.md 1.3, column "mandatory").</summary>
internal static class MandatoryBinding
{
    /// <summary>A refusal when the caller asked for no comparison of the report data.</summary>
    public static Refusal? Check(BoundEvidence evidence) => evidence.ReportData.IsNotChecked
        ? new Refusal(RefusalCode.Mismatch, "this TEE's report data has to be compared, and no expected value was given")
        : null;
}
