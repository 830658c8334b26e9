// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Coco.Trustee;

/// <summary>Sets up Kestrel: limits against slow and large clients, and TLS with a certificate that can change under way.</summary>
internal static class Listeners
{
    // Files, sockets to the database and to other services, and one connection more that is told to go.
    private const int OtherDescriptors = 256;

    public static void SetLimits(KestrelServerOptions kestrel, long maxBodyBytes, ListenerLimits limits)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = maxBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.HeaderBytes;
        kestrel.Limits.MaxRequestLineSize = limits.HeaderBytes;
        kestrel.Limits.MaxRequestBufferSize = Math.Max(1 << 20, limits.HeaderBytes + 1024);
        kestrel.Limits.RequestHeadersTimeout = limits.HeaderTimeout;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(limits.MinDataRate, TimeSpan.FromSeconds(5));
        kestrel.Limits.MinResponseDataRate = new MinDataRate(limits.MinDataRate, TimeSpan.FromSeconds(5));
        kestrel.Limits.KeepAliveTimeout = limits.IdleTimeout;
        kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections ?? OpenFiles.Limit() - OtherDescriptors;
    }

    public static void Listen(KestrelServerOptions kestrel, IPEndPoint at, HttpProtocols protocols, ReloadingCertificate? certificate, TlsSettings? tls, TimeSpan handshakeTimeout, bool keysOverHttp1)
    {
        kestrel.Listen(at, listen =>
        {
            listen.Protocols = protocols;
            if (certificate is not null)
            {
                UseTls(listen, certificate, tls!, handshakeTimeout);
            }
            else if (keysOverHttp1 && protocols == HttpProtocols.Http2)
            {
                KeySetSideRoute.Use(listen);
            }
        });
    }

    private static void UseTls(ListenOptions listen, ReloadingCertificate certificate, TlsSettings tls, TimeSpan handshakeTimeout)
    {
        SslServerAuthenticationOptions? options = null;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = handshakeTimeout,
            OnConnection = _ =>
            {
                SslStreamCertificateContext current = certificate.Current;
                SslServerAuthenticationOptions? ready = Volatile.Read(ref options);
                if (ready?.ServerCertificateContext != current)
                {
                    ready = new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = current,
                        EnabledSslProtocols = tls.Protocols,
                        CipherSuitesPolicy = tls.CipherSuites.IsEmpty || OperatingSystem.IsWindows() ? null : new CipherSuitesPolicy(tls.CipherSuites),
                        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                    };
                    Volatile.Write(ref options, ready);
                }

                return new ValueTask<SslServerAuthenticationOptions>(ready!);
            },
        });
    }
}
