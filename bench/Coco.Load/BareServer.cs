// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Load;

/// <summary>A bare Kestrel application over TLS that answers requests of the same sizes and does nothing else: the limit of the machine.</summary>
internal static class BareServer
{
    /// <summary>Serves until the process is ended.</summary>
    public static async Task RunAsync(int port, bool plain)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        using X509Certificate2 certificate = MakeCertificate();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => o.Listen(IPAddress.Loopback, port, l =>
        {
            if (!plain)
            {
                l.UseHttps(certificate);
            }
        }));
        WebApplication app = builder.Build();
        byte[] small = new byte[70];
        byte[] large = new byte[1900];
        byte[] answer = new byte[420];
        app.Run(async context =>
        {
            // The body is read whole, as a server that looks at it must.
            byte[] buffer = new byte[4096];
            while (await context.Request.Body.ReadAsync(buffer) > 0)
            {
            }

            byte[] body = context.Request.Path.Value switch { "/kbs/v0/auth" => small, "/kbs/v0/attest" => large, _ => answer };
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = body.Length;
            if (context.Request.Method == "POST")
            {
                context.Response.Headers.SetCookie = "kbs-session-id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; Path=/kbs/v0; HttpOnly";
            }

            await context.Response.Body.WriteAsync(body);
        });
        await app.StartAsync();
        Console.WriteLine("ready");
        await app.WaitForShutdownAsync();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
