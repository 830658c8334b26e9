// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Text;
using Coco.Attestation;
using Coco.Storage;
using Microsoft.AspNetCore.Connections;

namespace Coco.Trustee;

/// <summary>
/// Answers <c>GET /.well-known/jwks.json</c> over HTTP/1.1 on a plain port that speaks HTTP/2 to everybody else, as the reference does
/// (attestation-service.md 2). One request a connection; with TLS the protocols are negotiated and this is not needed.
/// </summary>
internal static class KeySetSideRoute
{
    private const int MaxHead = 8192;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Puts it in front of a listener's HTTP/2.</summary>
    public static void Use(IConnectionBuilder listener)
    {
        IServiceProvider services = listener.ApplicationServices;
        listener.Use(next => connection => OnConnectionAsync(connection, services, next));
    }

    // Looks at the first bytes: those of HTTP/2 go on untouched.
    private static async Task OnConnectionAsync(ConnectionContext connection, IServiceProvider services, ConnectionDelegate next)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(Limit);
        try
        {
            while (true)
            {
                System.IO.Pipelines.ReadResult read = await connection.Transport.Input.ReadAsync(limit.Token).ConfigureAwait(false);
                ReadOnlySequence<byte> seen = read.Buffer;
                if (!StartsLikeGet(seen) || (read.IsCompleted && seen.Length < 4))
                {
                    connection.Transport.Input.AdvanceTo(seen.Start);
                    break;
                }

                string head = Encoding.ASCII.GetString(seen.Slice(0, Math.Min(seen.Length, MaxHead)));
                if (head.Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    connection.Transport.Input.AdvanceTo(seen.End);
                    await AnswerAsync(connection, services, head, limit.Token).ConfigureAwait(false);
                    return;
                }

                connection.Transport.Input.AdvanceTo(seen.Start, seen.End);
                if (read.IsCompleted || seen.Length >= MaxHead)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        await next(connection).ConfigureAwait(false);
    }

    // Also true while too little came to tell.
    private static bool StartsLikeGet(ReadOnlySequence<byte> seen)
    {
        Span<byte> first = stackalloc byte[4];
        int length = (int)Math.Min(seen.Length, first.Length);
        seen.Slice(0, length).CopyTo(first);
        return "GET "u8[..length].SequenceEqual(first[..length]);
    }

    private static async Task AnswerAsync(ConnectionContext connection, IServiceProvider services, string head, CancellationToken ct)
    {
        string[] words = head.Split("\r\n", 2)[0].Split(' ');
        (string status, string type, string body) = words is [_, "/.well-known/jwks.json", "HTTP/1.1" or "HTTP/1.0"]
            ? await KeySetAsync(services, ct).ConfigureAwait(false)
            : ("404 Not Found", "text/plain", "this port speaks gRPC; over HTTP/1.1 it only has /.well-known/jwks.json");
        string answer = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}");
        await connection.Transport.Output.WriteAsync(Encoding.UTF8.GetBytes(answer), ct).ConfigureAwait(false);
    }

    private static async ValueTask<(string Status, string Type, string Body)> KeySetAsync(IServiceProvider services, CancellationToken ct)
    {
        try
        {
            return ("200 OK", "application/json", await services.GetRequiredService<AttestationServiceCore>().GetKeySetAsync(ct).ConfigureAwait(false));
        }
        catch (StoreUnavailableException)
        {
            return ("500 Internal Server Error", "text/plain", "failed to get JWKS");
        }
    }
}
