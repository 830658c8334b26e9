// SPDX-License-Identifier: Apache-2.0
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Resources in Google Secret Manager, by its REST interface: the latest version of the secret (kbs.md 7.4).</summary>
public sealed class GcpBackend : ReadOnlyBackend
{
    private const string Scope = "https://www.googleapis.com/auth/cloud-platform";
    private const string MetadataToken = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
    private readonly string _project;
    private readonly string _endpoint;
    private readonly SecretNameTemplate _names;
    private readonly OutboundHttp _http;
    private readonly TimeProvider _time;
    private readonly Func<string, string?> _environment;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile AccessToken? _token;

    /// <param name="project">The project.</param>
    /// <param name="endpoint">Another address of the service; null for Google's.</param>
    /// <param name="names">How resources are called there.</param>
    /// <param name="http">How it is reached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="environment">Reads <c>GOOGLE_APPLICATION_CREDENTIALS</c>; without it the metadata server is asked.</param>
    public GcpBackend(string project, Uri? endpoint, SecretNameTemplate names, OutboundHttp http, TimeProvider time, Func<string, string?>? environment = null)
    {
        _project = project;
        _endpoint = (endpoint?.AbsoluteUri ?? "https://secretmanager.googleapis.com/").TrimEnd('/');
        _names = names;
        _http = http;
        _time = time;
        _environment = environment ?? Environment.GetEnvironmentVariable;
    }

    private sealed record AccessToken(string Text, DateTimeOffset ExpiresAt);

    /// <inheritdoc/>
    public override string Type => "Gcp";

    /// <inheritdoc/>
    public override async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        string address = $"{_endpoint}/v1/projects/{Uri.EscapeDataString(_project)}/secrets/{Uri.EscapeDataString(_names.Apply(path))}/versions/latest:access";
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await GetTokenAsync(ct));
        using RestAnswer answer = await RestCall.SendAsync(_http.Invoker, request, ct);
        if (answer.Status == 404)
        {
            return new Refusal(RefusalCode.NotFound, $"Secret Manager has no secret for {path}");
        }

        if (answer.Status != 200)
        {
            return new Refusal(RefusalCode.Forbidden, $"Secret Manager answers {answer.Status}");
        }

        if (!HostileJson.ParseObject(answer.Body, 8 << 20).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("Secret Manager");
        }

        return root.TryGetProperty("payload", out JsonElement payload)
            && HostileJson.RequireString(payload, "data").TryGet(out string? data, out refusal)
            && StrictBase64.DecodeLenient(data).TryGet(out byte[]? bytes, out refusal)
            ? Secret.CopyOf(bytes)
            : new Refusal(RefusalCode.Malformed, "Secret Manager's answer has no payload");
    }

    private async ValueTask<string> GetTokenAsync(CancellationToken ct)
    {
        if (_token is { } kept && _time.GetUtcNow() < kept.ExpiresAt)
        {
            return kept.Text;
        }

        await _gate.WaitAsync(ct);
        try
        {
            if (_token is { } now && _time.GetUtcNow() < now.ExpiresAt)
            {
                return now.Text;
            }

            using HttpRequestMessage request = await TokenRequestAsync(ct);
            using RestAnswer answer = await RestCall.SendAsync(_http.Invoker, request, ct);
            if (answer.Status != 200
                || !HostileJson.ParseObject(answer.Body).TryGet(out JsonElement root, out _)
                || !HostileJson.RequireString(root, "access_token").TryGet(out string? text, out _))
            {
                throw new HttpRequestException($"Google's token service answers {answer.Status}");
            }

            int seconds = root.TryGetProperty("expires_in", out JsonElement expires) && expires.ValueKind == JsonValueKind.Number && expires.TryGetInt32(out int s) ? s : 300;
            _token = new AccessToken(text, _time.GetUtcNow().AddSeconds(Math.Max(0, seconds - 60)));
            return text;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<HttpRequestMessage> TokenRequestAsync(CancellationToken ct)
    {
        if (_environment("GOOGLE_APPLICATION_CREDENTIALS") is not { Length: > 0 } file)
        {
            var metadata = new HttpRequestMessage(HttpMethod.Get, MetadataToken);
            metadata.Headers.TryAddWithoutValidation("Metadata-Flavor", "Google");
            return metadata;
        }

        if (!HostileJson.ParseObject(await File.ReadAllBytesAsync(file, ct)).TryGet(out JsonElement account, out Refusal? refusal)
            || !HostileJson.RequireString(account, "client_email").TryGet(out string? email, out refusal)
            || !HostileJson.RequireString(account, "private_key").TryGet(out string? pem, out refusal)
            || !HostileJson.RequireString(account, "token_uri").TryGet(out string? address, out refusal)
            || !SigningKey.FromPem(pem).TryGet(out SigningKey? key, out refusal))
        {
            throw new HttpRequestException("Google's service account file cannot be used: " + refusal.Detail);
        }

        using (key)
        {
            long now = _time.GetUtcNow().ToUnixTimeSeconds();
            var claims = new JsonObject { ["iss"] = email, ["scope"] = Scope, ["aud"] = address, ["iat"] = now, ["exp"] = now + 3600 };
            string assertion = Jws.Sign(new JsonObject { ["typ"] = "JWT" }, Jws.ToUtf8(claims), key);
            return new HttpRequestMessage(HttpMethod.Post, address)
            {
                Content = new ByteArrayContent(Encoding.ASCII.GetBytes("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + assertion))
                {
                    Headers = { ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded") },
                },
            };
        }
    }
}
