// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.Client;

/// <summary>Begins the trace of an exchange, so that the server's spans of handshake and release belong to one trace.</summary>
/// <remarks>
/// The source is <c>Coco.Client</c>. Where nobody listens to it the guest records nothing, and only gives the server one trace id
/// (<c>traceparent</c>) for the whole exchange.
/// </remarks>
internal static class ClientTrace
{
    private static readonly ActivitySource Source = new("Coco.Client");

    /// <summary>A span of the client; ends when disposed.</summary>
    public static Activity Start(string step)
    {
        if (Source.StartActivity(step, ActivityKind.Internal) is { } recorded)
        {
            return recorded;
        }

        var unrecorded = new Activity(step);
        unrecorded.SetIdFormat(ActivityIdFormat.W3C);
        if (Activity.Current is null)
        {
            unrecorded.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        }

        return unrecorded.Start();
    }
}
