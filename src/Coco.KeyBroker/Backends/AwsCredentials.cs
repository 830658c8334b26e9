// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>Keys that sign requests to AWS.</summary>
internal sealed record AwsCredentials(string AccessKeyId, Secret SecretAccessKey, string? SessionToken, DateTimeOffset ExpiresAt);

/// <summary>Finds AWS credentials where AWS's own tools do: environment, shared file, container, instance; kept until five minutes before their end.</summary>
internal sealed class AwsCredentialChain(OutboundHttp http, TimeProvider time, Func<string, string?> environment)
{
    private const string InstanceMetadata = "http://169.254.169.254";
    private const string ContainerMetadata = "http://169.254.170.2";
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile AwsCredentials? _kept;

    /// <exception cref="HttpRequestException">There are none, or their source does not answer.</exception>
    public async ValueTask<AwsCredentials> GetAsync(CancellationToken ct)
    {
        if (_kept is { } kept && time.GetUtcNow() < kept.ExpiresAt - Margin)
        {
            return kept;
        }

        await _gate.WaitAsync(ct);
        try
        {
            if (_kept is { } now && time.GetUtcNow() < now.ExpiresAt - Margin)
            {
                return now;
            }

            return _kept = FromEnvironment() ?? await FromFileAsync(ct) ?? await FromContainerAsync(ct) ?? await FromInstanceAsync(ct);
        }
        finally
        {
            _gate.Release();
        }
    }

    private AwsCredentials? FromEnvironment() =>
        environment("AWS_ACCESS_KEY_ID") is { Length: > 0 } id && environment("AWS_SECRET_ACCESS_KEY") is { Length: > 0 } key
            ? new AwsCredentials(id, ToSecret(key), environment("AWS_SESSION_TOKEN"), DateTimeOffset.MaxValue)
            : null;

    private async ValueTask<AwsCredentials?> FromFileAsync(CancellationToken ct)
    {
        string path = environment("AWS_SHARED_CREDENTIALS_FILE")
            ?? Path.Combine(environment("HOME") ?? "/nonexistent", ".aws", "credentials");
        if (!File.Exists(path))
        {
            return null;
        }

        string wanted = "[" + (environment("AWS_PROFILE") ?? "default") + "]";
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        bool inside = false;
        foreach (string line in await File.ReadAllLinesAsync(path, ct))
        {
            string text = line.Trim();
            if (text.StartsWith('['))
            {
                inside = text == wanted;
            }
            else if (inside && text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && text[0] is not ('#' or ';'))
            {
                members[text[..at].Trim()] = text[(at + 1)..].Trim();
            }
        }

        return members.TryGetValue("aws_access_key_id", out string? id) && members.TryGetValue("aws_secret_access_key", out string? key)
            ? new AwsCredentials(id, ToSecret(key), members.GetValueOrDefault("aws_session_token"), DateTimeOffset.MaxValue)
            : null;
    }

    private async ValueTask<AwsCredentials?> FromContainerAsync(CancellationToken ct)
    {
        string? address = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is { Length: > 0 } relative
            ? ContainerMetadata + relative
            : environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        if (string.IsNullOrEmpty(address))
        {
            return null;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        string? token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        if (token is null && environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") is { Length: > 0 } file)
        {
            token = (await File.ReadAllTextAsync(file, ct)).Trim();
        }

        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", token);
        }

        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        return Parse(answer);
    }

    private async ValueTask<AwsCredentials> FromInstanceAsync(CancellationToken ct)
    {
        if (environment("AWS_EC2_METADATA_DISABLED") is "true")
        {
            throw new HttpRequestException("there are no AWS credentials");
        }

        using var tokenRequest = new HttpRequestMessage(HttpMethod.Put, InstanceMetadata + "/latest/api/token");
        tokenRequest.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token-ttl-seconds", "21600");
        using RestAnswer tokenAnswer = await RestCall.SendAsync(http.Invoker, tokenRequest, ct);
        string token = System.Text.Encoding.ASCII.GetString(tokenAnswer.Body);
        const string folder = InstanceMetadata + "/latest/meta-data/iam/security-credentials/";
        using HttpRequestMessage roleRequest = WithToken(folder, token);
        using RestAnswer roleAnswer = await RestCall.SendAsync(http.Invoker, roleRequest, ct);
        string role = System.Text.Encoding.ASCII.GetString(roleAnswer.Body).Split('\n')[0].Trim();
        using HttpRequestMessage request = WithToken(folder + Uri.EscapeDataString(role), token);
        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        return Parse(answer);
    }

    private static HttpRequestMessage WithToken(string address, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token", token);
        return request;
    }

    private static AwsCredentials Parse(RestAnswer answer)
    {
        if (answer.Status == 200
            && HostileJson.ParseObject(answer.Body).TryGet(out JsonElement root, out _)
            && HostileJson.RequireString(root, "AccessKeyId").TryGet(out string? id, out _)
            && HostileJson.RequireString(root, "SecretAccessKey").TryGet(out string? key, out _)
            && HostileJson.TryGetOptionalString(root, "Token", out string? token)
            && HostileJson.TryGetOptionalString(root, "Expiration", out string? expiration))
        {
            return new AwsCredentials(id, ToSecret(key), token, ResourcePlugin.TryParseTime(expiration ?? string.Empty, out DateTimeOffset at) ? at : DateTimeOffset.MaxValue);
        }

        throw new HttpRequestException("the source of AWS credentials gives none");
    }

    private static Secret ToSecret(string text) => Secret.CopyOf(System.Text.Encoding.UTF8.GetBytes(text));
}
