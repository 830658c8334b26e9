// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Coco.KeyBroker.Tests;

/// <summary>An answer, byte for byte.</summary>
internal sealed record RawAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => Headers.FirstOrDefault(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The session cookie without its attributes.</summary>
    public string Cookie => Header("set-cookie")!.Split(';')[0];
}

/// <summary>Speaks HTTP/1.1 over a socket, so that nothing rewrites targets, headers or bodies.</summary>
internal static class RawHttp
{
    public static Task<RawAnswer> SendAsync(int port, string method, string target, string? body = null, params string[] headers) =>
        SendAsync(port, method, target, body is null ? null : Encoding.UTF8.GetBytes(body), headers);

    public static async Task<RawAnswer> SendAsync(int port, string method, string target, byte[]? body, params string[] headers)
    {
        var head = new StringBuilder().Append(method).Append(' ').Append(target).Append(" HTTP/1.1\r\nHost: kbs.example:8080\r\nConnection: close\r\n");
        foreach (string header in headers)
        {
            head.Append(header).Append("\r\n");
        }

        if (body is not null)
        {
            head.Append("Content-Length: ").Append(body.Length).Append("\r\n");
        }

        return await SendRawAsync(port, [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. body ?? []]);
    }

    public static async Task<RawAnswer> SendRawAsync(int port, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        using NetworkStream stream = client.GetStream();
        using var received = new MemoryStream();
        try
        {
            await stream.WriteAsync(request);
            await stream.CopyToAsync(received);
        }
        catch (IOException)
        {
            // A server that refuses a body may close before it was sent; what it said first counts.
        }

        byte[] bytes = received.ToArray();
        int end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, "no answer");
        string[] lines = Encoding.Latin1.GetString(bytes, 0, end).Split("\r\n");
        var answer = new RawAnswer(
            int.Parse(lines[0].Split(' ')[1]),
            [.. lines.Skip(1).Select(l => (l[..l.IndexOf(':')], l[(l.IndexOf(':') + 1)..].Trim()))],
            bytes[(end + 4)..]);
        return answer.Header("transfer-encoding") == "chunked" ? answer with { Body = Join(answer.Body) } : answer;
    }

    private static byte[] Join(byte[] chunks)
    {
        var body = new List<byte>();
        ReadOnlySpan<byte> rest = chunks;
        while (true)
        {
            int line = rest.IndexOf("\r\n"u8);
            int length = int.Parse(Encoding.ASCII.GetString(rest[..line]), System.Globalization.NumberStyles.HexNumber);
            if (length == 0)
            {
                return [.. body];
            }

            body.AddRange(rest.Slice(line + 2, length));
            rest = rest[(line + 4 + length)..];
        }
    }
}
