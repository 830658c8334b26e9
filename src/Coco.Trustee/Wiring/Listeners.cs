// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Coco.Trustee;

/// <summary>Sets up Kestrel: limits against slow and large clients, and TLS with a certificate that can change under way.</summary>
internal static class Listeners
{
    // A bearer token with the evidence of many devices outgrows the usual 32 KiB.
    private const int MaxHeaderBytes = 256 * 1024;

    public static void SetLimits(KestrelServerOptions kestrel, long maxBodyBytes)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = maxBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        kestrel.Limits.MaxRequestLineSize = MaxHeaderBytes;
        kestrel.Limits.MaxRequestBufferSize = Math.Max(1 << 20, MaxHeaderBytes + 1024);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        kestrel.Limits.MinResponseDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
    }

    public static void Listen(KestrelServerOptions kestrel, IPEndPoint at, HttpProtocols protocols, ReloadingCertificate? certificate, TlsSettings? tls)
    {
        kestrel.Listen(at, listen =>
        {
            listen.Protocols = protocols;
            if (certificate is not null)
            {
                UseTls(listen, certificate, tls!);
            }
        });
    }

    private static void UseTls(ListenOptions listen, ReloadingCertificate certificate, TlsSettings tls)
    {
        SslServerAuthenticationOptions? options = null;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
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
