// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json.Nodes;
using Coco.Client;

namespace Coco.Cli.Kbs;

/// <summary>Calls of administrators whose answers are JSON, and how they end.</summary>
internal static class AdminCalls
{
    /// <summary>Adds the options that name the server and the administrator, for one command.</summary>
    public static KbsConnection Connect(Command command)
    {
        var connection = new KbsConnection();
        command.Options.Add(connection.Url);
        command.Options.Add(connection.CertFile);
        command.Options.Add(connection.AdminTokenFile);
        return connection;
    }

    /// <summary>Sends, and parses the answer; a refusal ends the command.</summary>
    public static async Task<JsonNode> JsonAsync(KbsConnection connection, ParseResult result, HttpMethod method, string path, JsonNode? body, CancellationToken ct)
    {
        byte[] answer = await BytesAsync(connection, result, method, path, body, ct).ConfigureAwait(false);
        return JsonNode.Parse(answer) ?? new JsonObject();
    }

    /// <summary>Sends, and hands over the answer's lines as they come; a refusal ends the command.</summary>
    public static async Task LinesAsync(
        KbsConnection connection, ParseResult result, HttpMethod method, string path, JsonNode? body, string? accept, Action<string> onLine, CancellationToken ct)
    {
        using KbsAdminClient admin = connection.AdminOf(result);
        ReadOnlyMemory<byte>? bytes = body is null ? null : Jws.ToUtf8(body);
        if (await admin.ReadLinesAsync(method, path, bytes, body is null ? null : "application/json", accept, onLine, ct).ConfigureAwait(false) is { } refusal)
        {
            throw new CommandFailedException(refusal.Detail);
        }
    }

    /// <summary>Sends, and gives the answer's bytes; a refusal ends the command.</summary>
    public static async Task<byte[]> BytesAsync(KbsConnection connection, ParseResult result, HttpMethod method, string path, JsonNode? body, CancellationToken ct)
    {
        using KbsAdminClient admin = connection.AdminOf(result);
        ReadOnlyMemory<byte>? bytes = body is null ? null : Jws.ToUtf8(body);
        Result<byte[]> answer = await admin.SendAsync(method, path, bytes, body is null ? null : "application/json", ct).ConfigureAwait(false);
        return answer.TryGet(out byte[]? got, out Refusal? refusal) ? got : throw new CommandFailedException(refusal.Detail);
    }
}
