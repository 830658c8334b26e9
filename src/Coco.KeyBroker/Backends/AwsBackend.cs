// SPDX-License-Identifier: Apache-2.0
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Resources in AWS Secrets Manager, by its JSON interface (kbs.md 7.4): the binary value, else the text.</summary>
public sealed class AwsBackend : ReadOnlyBackend
{
    private const string Service = "secretsmanager";
    private readonly string _region;
    private readonly Uri _endpoint;
    private readonly SecretNameTemplate _names;
    private readonly OutboundHttp _http;
    private readonly TimeProvider _time;
    private readonly AwsCredentialChain _credentials;

    /// <param name="region">For example <c>eu-central-1</c>.</param>
    /// <param name="endpoint">Another address of the service; null for the region's.</param>
    /// <param name="names">How resources are called there.</param>
    /// <param name="http">How it is reached.</param>
    /// <param name="time">The clock that requests are stamped with.</param>
    /// <param name="environment">Reads environment variables, where credentials are looked for first.</param>
    public AwsBackend(string region, Uri? endpoint, SecretNameTemplate names, OutboundHttp http, TimeProvider time, Func<string, string?>? environment = null)
    {
        _region = region;
        _endpoint = endpoint ?? new Uri($"https://{Service}.{region}.amazonaws.com/");
        _names = names;
        _http = http;
        _time = time;
        _credentials = new AwsCredentialChain(http, time, environment ?? Environment.GetEnvironmentVariable);
    }

    /// <inheritdoc/>
    public override string Type => "Aws";

    /// <inheritdoc/>
    public override async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        AwsCredentials credentials = await _credentials.GetAsync(ct);
        byte[] body = Encoding.UTF8.GetBytes(new JsonObject { ["SecretId"] = _names.Apply(path) }.ToJsonString());
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1");
        request.Headers.TryAddWithoutValidation("X-Amz-Target", Service + ".GetSecretValue");
        AwsSigner.Sign(request, body, credentials, _region, Service, _time.GetUtcNow());
        using RestAnswer answer = await RestCall.SendAsync(_http.Invoker, request, ct);
        if (!HostileJson.ParseObject(answer.Body, 8 << 20).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("Secrets Manager");
        }

        if (answer.Status != 200)
        {
            HostileJson.TryGetOptionalString(root, "__type", out string? type);
            bool missing = type?.EndsWith("ResourceNotFoundException", StringComparison.Ordinal) == true;
            return new Refusal(missing ? RefusalCode.NotFound : RefusalCode.Forbidden, $"Secrets Manager answers {answer.Status} {type}");
        }

        if (HostileJson.TryGetOptionalString(root, "SecretBinary", out string? binary) && binary is not null)
        {
            return StrictBase64.DecodeStandard(binary).TryGet(out byte[]? bytes, out refusal) ? Secret.CopyOf(bytes) : refusal.Within("Secrets Manager");
        }

        return HostileJson.RequireString(root, "SecretString").TryGet(out string? text, out refusal)
            ? Secret.CopyOf(Encoding.UTF8.GetBytes(text))
            : refusal.Within("Secrets Manager");
    }
}
