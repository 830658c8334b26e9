// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.KeyBroker;

/// <summary>
/// The source of the broker's spans, one a step: <c>auth</c>, <c>attest</c>, <c>evaluate</c>, <c>plugin</c>, <c>token</c>, <c>policy</c>,
/// <c>fetch</c>, <c>release</c>.
/// </summary>
/// <remarks>Their attributes name TEEs, plugins and codes of refusals; never a token, a cookie, evidence, or the words of a refusal.</remarks>
internal static class KeyBrokerTracing
{
    public const string SourceName = "Coco.KeyBroker";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>A span below the present one; null when nobody listens.</summary>
    public static Activity? Start(string step) => Source.StartActivity(step);

    /// <summary>Marks the step as refused.</summary>
    public static void Refuse(this Activity? span, Refusal refusal)
    {
        if (span is not null)
        {
            span.SetTag("coco.refusal", refusal.Code.ToString());
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
