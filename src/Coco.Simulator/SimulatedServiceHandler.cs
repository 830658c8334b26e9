// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Coco.Simulator;

/// <summary>A vendor's service behind an <see cref="HttpClient"/>. Counts what it is asked, and can be made to fail.</summary>
public abstract class SimulatedServiceHandler : HttpMessageHandler
{
    private int _requests;

    private protected SimulatedServiceHandler()
    {
    }

    /// <summary>Number of requests so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Decides for a request (path and query) to fail with a status instead; null lets it pass.</summary>
    public Func<string, HttpStatusCode?>? Fail { get; set; }

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Interlocked.Increment(ref _requests);
        string path = request.RequestUri!.PathAndQuery;
        return Task.FromResult(Fail?.Invoke(path) is { } status
            ? new HttpResponseMessage(status)
            : Answer(path) ?? new HttpResponseMessage(HttpStatusCode.NotFound));
    }

    private protected static HttpResponseMessage Reply(byte[] body) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(body) };

    private protected abstract HttpResponseMessage? Answer(string path);
}
