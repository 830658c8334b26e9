// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>One request, routed and read.</summary>
internal sealed class BrokerCall(HttpContext http, RequestTarget target, RequestBody body)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private string? _requestId;

    public HttpContext Http { get; } = http;

    public RequestTarget Target { get; private set; } = target;

    public RequestBody Body { get; } = body;

    public string Method => Http.Request.Method;

    public CancellationToken Cancelled => Http.RequestAborted;

    public string RequestId => _requestId ??= Reply.RequestId(Http);

    public string? Client => Http.Connection.RemoteIpAddress?.ToString();

    /// <summary>Time since it was routed.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>Maps a former form of a path to today's.</summary>
    public void Rewrite(RequestTarget target) => Target = target;
}
