// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation.Decisions;

/// <summary>The steps of the pipeline that can refuse.</summary>
internal enum DecisionStep
{
    Bind,
    Verify,
    Appraise,
    Issue,
}
