// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Coco.Client;

/// <summary>One place that sends requests to a key broker and turns its answers into results.</summary>
internal sealed class KbsHttp : IDisposable
{
    private readonly HttpClient _client;
    private readonly KbsConnectionOptions _options;

    public KbsHttp(Uri server, KbsConnectionOptions options, bool cookies)
    {
        if (server.Scheme is not ("http" or "https"))
        {
            throw new ArgumentException("the server's address must begin with http:// or https://", nameof(server));
        }

        _options = options;
        var handler = new SocketsHttpHandler
        {
            UseCookies = cookies,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (options.TrustedCertificates.Count > 0)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = Validate;
        }

        string root = server.AbsoluteUri.EndsWith('/') ? server.AbsoluteUri : server.AbsoluteUri + "/";
        _client = new HttpClient(handler) { BaseAddress = new Uri(root), Timeout = options.Timeout };
        _client.DefaultRequestHeaders.UserAgent.TryParseAdd(options.UserAgent);
    }

    /// <summary>Sends, and gives status and body; the body is bounded.</summary>
    public async ValueTask<(HttpStatusCode Status, byte[] Body)> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using (request)
        {
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            using Stream stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            using var body = new MemoryStream();
            byte[] buffer = new byte[16384];
            for (int n = await stream.ReadAsync(buffer, ct).ConfigureAwait(false); n > 0; n = await stream.ReadAsync(buffer, ct).ConfigureAwait(false))
            {
                if (body.Length + n > _options.MaxResponseBytes)
                {
                    throw new HttpRequestException($"the answer is larger than {_options.MaxResponseBytes} bytes");
                }

                await body.WriteAsync(buffer.AsMemory(0, n), ct).ConfigureAwait(false);
            }

            return (response.StatusCode, body.ToArray());
        }
    }

    /// <summary>The refusal that an error answer stands for.</summary>
    public static Refusal ToRefusal(HttpStatusCode status, byte[] body)
    {
        string? type = null;
        string? detail = null;
        string? decision = null;
        if (HostileJson.ParseObject(body).TryGet(out JsonElement json, out _))
        {
            HostileJson.TryGetOptionalString(json, "type", out type);
            HostileJson.TryGetOptionalString(json, "detail", out detail);
            HostileJson.TryGetOptionalString(json, "traceId", out decision);
        }

        RefusalCode code = status switch
        {
            HttpStatusCode.Unauthorized => type?.EndsWith("PolicyDeny", StringComparison.Ordinal) == true ? RefusalCode.PolicyDenied : RefusalCode.Unauthenticated,
            HttpStatusCode.Forbidden => RefusalCode.Forbidden,
            HttpStatusCode.NotFound => RefusalCode.NotFound,
            HttpStatusCode.Conflict => RefusalCode.Conflict,
            HttpStatusCode.RequestEntityTooLarge => RefusalCode.TooLarge,
            _ => RefusalCode.Malformed,
        };
        string name = type is null ? string.Empty : type[(type.LastIndexOf('/') + 1)..] + ": ";
        return new Refusal(code, $"{name}{detail ?? "no reason given"} (HTTP {(int)status}{(decision is null ? string.Empty : ", id " + decision)})") { Field = type };
    }

    public void Dispose() => _client.Dispose();

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        foreach (X509Certificate2 trusted in _options.TrustedCertificates)
        {
            (trusted.Subject == trusted.Issuer ? chain.ChainPolicy.CustomTrustStore : chain.ChainPolicy.ExtraStore).Add(trusted);
        }

        foreach (X509ChainElement element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }
}
