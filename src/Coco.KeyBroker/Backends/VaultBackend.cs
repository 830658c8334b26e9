// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>How Vault is reached.</summary>
public sealed record VaultOptions
{
    /// <summary>Address of the server.</summary>
    public required Uri Address { get; init; }

    /// <summary>Token with access to the engine.</summary>
    public required Secret Token { get; init; }

    /// <summary>Where the engine is mounted. Default <c>secret</c>.</summary>
    public string MountPath { get; init; } = "secret";

    /// <summary>Version of the KV engine, 1 (default) or 2.</summary>
    public int KvVersion { get; init; } = 1;
}

/// <summary>Resources in HashiCorp Vault's KV engine, member <c>data</c> of the secret (kbs.md 7.4).</summary>
/// <remarks>A string is its bytes (base64 when the member <c>encoding</c> says so), an array its numbers, other JSON its text. Written are numbers, as the reference writes and reads them.</remarks>
public sealed class VaultBackend(VaultOptions options, OutboundHttp http) : ISecretBackend
{
    /// <inheritdoc/>
    public string Type => "Vault";

    /// <inheritdoc/>
    public async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        using HttpRequestMessage request = Request(HttpMethod.Get, options.KvVersion == 2 ? "data" : null, path);
        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        return answer.Status switch
        {
            200 => Parse(answer.Body),
            404 => new Refusal(RefusalCode.NotFound, $"Vault has no secret {path}"),
            _ => Unexpected(answer.Status),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> WriteAsync(ResourcePath path, Secret value, CancellationToken ct)
    {
        var buffer = new ArrayBufferWriter<byte>((value.Length * 4) + 64);
        Write(buffer, value);
        using HttpRequestMessage request = Request(HttpMethod.Post, options.KvVersion == 2 ? "data" : null, path);
        request.Content = new ReadOnlyMemoryContent(buffer.WrittenMemory);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        buffer.Clear();
        return answer.Status is 200 or 204 ? null : Unexpected(answer.Status);
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> DeleteAsync(ResourcePath path, CancellationToken ct)
    {
        // Vault answers alike whether there was something or not.
        Result<Secret> present = await ReadAsync(path, ct);
        if (!present.TryGet(out Secret? secret, out Refusal? refusal))
        {
            return refusal;
        }

        secret.Dispose();
        using HttpRequestMessage request = Request(HttpMethod.Delete, options.KvVersion == 2 ? "metadata" : null, path);
        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        return answer.Status is 200 or 204 ? null : Unexpected(answer.Status);
    }

    private static Refusal Unexpected(int status) => new(status is 401 or 403 ? RefusalCode.Forbidden : RefusalCode.Unsupported, $"Vault answers {status}");

    private HttpRequestMessage Request(HttpMethod method, string? part, ResourcePath path)
    {
        string address = options.Address.AbsoluteUri.TrimEnd('/') + "/v1/" + options.MountPath.Trim('/') + (part is null ? string.Empty : "/" + part) + "/" + path;
        var request = new HttpRequestMessage(method, address);
        request.Headers.TryAddWithoutValidation("X-Vault-Token", System.Text.Encoding.ASCII.GetString(options.Token.Reveal()));
        return request;
    }

    private Result<Secret> Parse(ReadOnlySpan<byte> body)
    {
        if (!HostileJson.ParseObject(body, 16 << 20).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("Vault");
        }

        if (!root.TryGetProperty("data", out JsonElement secret) || secret.ValueKind != JsonValueKind.Object)
        {
            return Odd();
        }

        if (options.KvVersion == 2)
        {
            if (!secret.TryGetProperty("data", out secret))
            {
                return Odd();
            }

            if (secret.ValueKind == JsonValueKind.Null)
            {
                return new Refusal(RefusalCode.NotFound, "the secret's version was deleted in Vault");
            }
        }

        if (secret.ValueKind != JsonValueKind.Object || !secret.TryGetProperty("data", out JsonElement data))
        {
            return new Refusal(RefusalCode.NotFound, "the secret in Vault has no member 'data'");
        }

        switch (data.ValueKind)
        {
            case JsonValueKind.String when secret.TryGetProperty("encoding", out JsonElement encoding) && encoding.ValueKind == JsonValueKind.String && encoding.ValueEquals("base64"u8):
                return StrictBase64.DecodeStandard(data.GetString()!).TryGet(out byte[]? decoded, out refusal) ? Secret.CopyOf(decoded) : refusal.Within("Vault");
            case JsonValueKind.String:
                return Secret.CopyOf(System.Text.Encoding.UTF8.GetBytes(data.GetString()!));
            case JsonValueKind.Array:
                byte[] bytes = new byte[data.GetArrayLength()];
                int at = 0;
                foreach (JsonElement item in data.EnumerateArray())
                {
                    if (item.ValueKind != JsonValueKind.Number || !item.TryGetByte(out bytes[at++]))
                    {
                        return Odd();
                    }
                }

                return Secret.CopyOf(bytes);
            default:
                return Secret.CopyOf(System.Text.Encoding.UTF8.GetBytes(data.GetRawText()));
        }
    }

    private void Write(ArrayBufferWriter<byte> buffer, Secret value)
    {
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        if (options.KvVersion == 2)
        {
            json.WriteStartObject("data"u8);
        }

        json.WriteStartArray("data"u8);
        foreach (byte b in value.Reveal())
        {
            json.WriteNumberValue((int)b);
        }

        json.WriteEndArray();
        if (options.KvVersion == 2)
        {
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static Refusal Odd() => new(RefusalCode.Malformed, "Vault's answer has not the form of a KV secret");
}
