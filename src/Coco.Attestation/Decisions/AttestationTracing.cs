// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Coco.Protocol;

namespace Coco.Attestation.Decisions;

/// <summary>The source of the service's spans, one a step of the pipeline: <c>bind</c>, <c>verify</c>, <c>appraise</c>, <c>issue</c>.</summary>
/// <remarks>Their attributes name the TEE only; never evidence, claims or a token.</remarks>
internal static class AttestationTracing
{
    public const string SourceName = "Coco.Attestation";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>A span below the present one; null when nobody listens.</summary>
    public static Activity? Start(string step) => Source.StartActivity(step);

    /// <summary>A span of one evidence.</summary>
    public static Activity? Start(string step, TeeType tee) => Source.StartActivity(step)?.SetTag("coco.tee", tee.ToWireName());
}
