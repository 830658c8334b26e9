// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Coco.KeyBroker;

/// <summary>How the broker reaches JWK sets and secret back ends: no redirects, no cookies, connections renewed so that changed addresses are followed.</summary>
public sealed class OutboundHttp : IDisposable
{
    private readonly HttpMessageHandler _handler;

    /// <summary>With a handler of one's own (another proxy, other roots).</summary>
    public OutboundHttp(HttpMessageHandler? handler = null)
    {
        _handler = handler ?? new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AutomaticDecompression = DecompressionMethods.None,
        };
        Invoker = new HttpMessageInvoker(_handler, disposeHandler: false);
    }

    /// <summary>Sends requests.</summary>
    public HttpMessageInvoker Invoker { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Invoker.Dispose();
        _handler.Dispose();
    }
}
