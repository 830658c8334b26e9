// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>The simulated vendor's key distribution service (tee-evidence.md 2.9). Counts what it is asked, and can be made to fail.</summary>
public sealed class SimulatedKdsHandler : HttpMessageHandler
{
    private readonly SimulatedAmd _vendor;
    private int _requests;

    internal SimulatedKdsHandler(SimulatedAmd vendor) => _vendor = vendor;

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
        if (Fail?.Invoke(path) is { } status)
        {
            return Task.FromResult(new HttpResponseMessage(status));
        }

        byte[]? body = Answer(path);
        return Task.FromResult(body is null
            ? new HttpResponseMessage(HttpStatusCode.NotFound)
            : new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(body) });
    }

    private byte[]? Answer(string path)
    {
        string product = _vendor.Generation.ProductName();
        foreach (bool vlek in (ReadOnlySpan<bool>)[false, true])
        {
            string prefix = $"/{(vlek ? "vlek" : "vcek")}/v1/{product}/";
            if (!path.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            string rest = path[prefix.Length..];
            return rest switch
            {
                "cert_chain" => System.Text.Encoding.ASCII.GetBytes(_vendor.GetChainPem(vlek)),
                "crl" => _vendor.MakeRevocationList(),
                _ when !vlek => _vendor.FindIssued(rest),
                _ => null,
            };
        }

        return null;
    }
}
