// SPDX-License-Identifier: Apache-2.0
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Client;

/// <summary>An administrator's side of the key broker: secrets, policies, reference values (kbs.md 3.2, 6). Thread-safe.</summary>
public sealed class KbsAdminClient : IDisposable
{
    private readonly KbsHttp _http;
    private readonly string? _token;

    private KbsAdminClient(KbsHttp http, string? token)
    {
        _http = http;
        _token = token;
    }

    /// <summary>Takes the server's base address and the bearer token; null sends none.</summary>
    public static KbsAdminClient Create(Uri server, string? adminToken, KbsConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        return new KbsAdminClient(new KbsHttp(server, options ?? new KbsConnectionOptions(), cookies: false), adminToken);
    }

    /// <summary>Stores a secret under <c>repository/type/tag</c>, over any present one.</summary>
    public ValueTask<Refusal?> SetResourceAsync(string path, ReadOnlyMemory<byte> value, CancellationToken ct = default) =>
        PostAsync("resource/" + path, value, "application/octet-stream", ct);

    /// <summary>Removes a secret.</summary>
    public async ValueTask<Refusal?> DeleteResourceAsync(string path, CancellationToken ct = default) =>
        (await SendAsync(HttpMethod.Delete, "resource/" + path, null, null, ct).ConfigureAwait(false)).Refusal;

    /// <summary>Sets an appraisal policy (<c>default_cpu</c>, …).</summary>
    public ValueTask<Refusal?> SetAttestationPolicyAsync(string id, string source, CancellationToken ct = default) => PostJsonAsync(
        "attestation-policy",
        new JsonObject { ["type"] = "rego", ["policy_id"] = id, ["policy"] = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(source)) },
        ct);

    /// <summary>Sets the resource policy.</summary>
    public ValueTask<Refusal?> SetResourcePolicyAsync(string source, CancellationToken ct = default) => PostJsonAsync(
        "resource-policy",
        new JsonObject { ["policy"] = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(source)) },
        ct);

    /// <summary>Registers reference values with the message type <c>sample</c>: a map from name to value.</summary>
    public ValueTask<Refusal?> RegisterReferenceValuesAsync(JsonObject values, CancellationToken ct = default) =>
        RegisterReferenceValueMessageAsync("sample", Jws.ToUtf8(values), ct);

    /// <summary>Sends a message of any provenance type to the reference value provider.</summary>
    public ValueTask<Refusal?> RegisterReferenceValueMessageAsync(string type, ReadOnlyMemory<byte> payload, CancellationToken ct = default) => PostJsonAsync(
        "reference-value",
        new JsonObject { ["version"] = "0.1.0", ["type"] = type, ["payload"] = Convert.ToBase64String(payload.Span) },
        ct);

    /// <summary>The JSON text of a reference value.</summary>
    public async ValueTask<Result<string>> GetReferenceValueAsync(string name, CancellationToken ct = default) =>
        (await SendAsync(HttpMethod.Get, "reference-value/" + name, null, null, ct).ConfigureAwait(false)).TryGet(out byte[]? body, out Refusal? refusal)
            ? Encoding.UTF8.GetString(body)
            : refusal;

    /// <summary>Any request below <c>/kbs/v0/</c>, for endpoints that have no method here.</summary>
    public async ValueTask<Result<byte[]>> SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, CancellationToken ct = default)
    {
        using HttpRequestMessage request = Request(method, path, body, contentType);
        KbsAnswer answer = await _http.SendAsync(request, ct).ConfigureAwait(false);
        return (int)answer.Status is >= 200 and < 300 ? answer.Body : KbsHttp.ToRefusal(answer);
    }

    /// <summary>A request whose answer comes bit by bit, such as JSON lines of progress: each line is handed over when it is there.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">Below <c>/kbs/v0/</c>.</param>
    /// <param name="body">The body; null for none.</param>
    /// <param name="contentType">Its type.</param>
    /// <param name="accept">What is asked for; null for anything.</param>
    /// <param name="onLine">Gets each line.</param>
    /// <param name="ct">Ends it; there is no other limit of time.</param>
    public async ValueTask<Refusal?> ReadLinesAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, string? accept, Action<string> onLine, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(onLine);
        using HttpRequestMessage request = Request(method, path, body, contentType);
        if (accept is not null)
        {
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        }

        return await _http.ReadLinesAsync(request, onLine, ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType)
    {
        var request = new HttpRequestMessage(method, "kbs/v0/" + path);
        if (_token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        }

        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes);
            request.Content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);
        }

        return request;
    }

    private ValueTask<Refusal?> PostJsonAsync(string path, JsonObject content, CancellationToken ct) =>
        PostAsync(path, Jws.ToUtf8(content), "application/json", ct);

    private async ValueTask<Refusal?> PostAsync(string path, ReadOnlyMemory<byte> body, string contentType, CancellationToken ct) =>
        (await SendAsync(HttpMethod.Post, path, body, contentType, ct).ConfigureAwait(false)).Refusal;
}
