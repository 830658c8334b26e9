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

    /// <summary>Sends, and gives the answer; its body is bounded.</summary>
    public async ValueTask<KbsAnswer> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using (request)
        {
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            return await ReadAsync(response, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Sends, and hands over the lines of a good answer as they come; there is no limit of time once it began.</summary>
    public async ValueTask<Refusal?> ReadLinesAsync(HttpRequestMessage request, Action<string> onLine, CancellationToken ct)
    {
        using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            return ToRefusal(await ReadAsync(response, ct).ConfigureAwait(false));
        }

        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false));
        while (await lines.ReadLineAsync(ct).ConfigureAwait(false) is { } line)
        {
            onLine(line);
        }

        return null;
    }

    /// <summary>The refusal that an error answer stands for.</summary>
    public static Refusal ToRefusal(KbsAnswer answer)
    {
        HttpStatusCode status = answer.Status;
        string? type = null;
        string? detail = null;
        string? request = null;
        if (HostileJson.ParseObject(answer.Body).TryGet(out JsonElement json, out _))
        {
            HostileJson.TryGetOptionalString(json, "type", out type);
            HostileJson.TryGetOptionalString(json, "detail", out detail);
            HostileJson.TryGetOptionalString(json, "traceId", out request);
            detail ??= HostileJson.TryGetOptionalString(json, "title", out string? title) ? title : null;
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
        string ids = (request is null ? string.Empty : ", id " + request) + (answer.DecisionId is null ? string.Empty : ", decision " + answer.DecisionId);
        return new Refusal(code, $"{name}{detail ?? "no reason given"} (HTTP {(int)status}{ids})") { Field = type };
    }

    public void Dispose() => _client.Dispose();

    private async ValueTask<KbsAnswer> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
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

        string? decision = response.Headers.TryGetValues("Coco-Decision-Id", out IEnumerable<string>? ids) ? ids.FirstOrDefault() : null;
        return new KbsAnswer(response.StatusCode, body.ToArray(), decision is { Length: 26 } && decision.All(char.IsAsciiLetterOrDigit) ? decision : null);
    }

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

/// <summary>An answer of a key broker.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Body">Its body.</param>
/// <param name="DecisionId">Under which an administrator finds why; null when the server names none.</param>
internal readonly record struct KbsAnswer(HttpStatusCode Status, byte[] Body, string? DecisionId);
