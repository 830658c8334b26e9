// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Coco.Load;

/// <summary>One kept-alive connection with as little work a request as can be, so that the load program does not become the limit.</summary>
internal sealed class HttpConnection : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly byte[] _input = new byte[64 * 1024];
    private int _start;
    private int _end;

    private HttpConnection(Stream stream) => _stream = stream;

    /// <summary>Connects to a port of the loopback. The certificate is not looked at: this program measures, it does not trust.</summary>
    public static async Task<HttpConnection> ConnectAsync(int port, bool plain)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (!plain)
        {
            var tls = new SslStream(stream, false, (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync("localhost");
            stream = tls;
        }

        return new HttpConnection(stream);
    }

    /// <summary>A request as bytes.</summary>
    public static byte[] Request(string method, string path, string? cookie, string? bearer, ReadOnlySpan<byte> body)
    {
        var head = new StringBuilder().Append(method).Append(' ').Append(path).Append(" HTTP/1.1\r\nHost: localhost\r\n");
        if (cookie is not null)
        {
            head.Append("Cookie: ").Append(cookie).Append("\r\n");
        }

        if (bearer is not null)
        {
            head.Append("Authorization: Bearer ").Append(bearer).Append("\r\n");
        }

        if (method is "POST" or "PUT")
        {
            head.Append("Content-Type: application/json\r\nContent-Length: ").Append(body.Length).Append("\r\n");
        }

        head.Append("\r\n");
        return [.. Encoding.ASCII.GetBytes(head.ToString()), .. body];
    }

    /// <summary>Sends and reads the whole answer.</summary>
    public async ValueTask<Answer> SendAsync(ReadOnlyMemory<byte> request)
    {
        await _stream.WriteAsync(request);
        int headEnd;
        while ((headEnd = _input.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillAsync();
        }

        (int status, int length, string? cookie) = ParseHead(_input.AsSpan(_start, headEnd + 2));
        _start += headEnd + 4;
        while (_end - _start < length)
        {
            await FillAsync();
        }

        var body = new ReadOnlyMemory<byte>(_input, _start, length);
        _start += length;
        return new Answer(status, cookie, body);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static (int Status, int Length, string? Cookie) ParseHead(ReadOnlySpan<byte> head)
    {
        Utf8Parser.TryParse(head[9..12], out int status, out _);
        int length = 0;
        string? cookie = null;
        int at = head.IndexOf("\r\n"u8) + 2;
        while (at < head.Length)
        {
            ReadOnlySpan<byte> line = head[at..];
            int end = line.IndexOf("\r\n"u8);
            line = line[..end];
            at += end + 2;
            int colon = line.IndexOf((byte)':');
            if (Ascii.EqualsIgnoreCase(line[..colon], "content-length"u8))
            {
                Utf8Parser.TryParse(line[(colon + 1)..].TrimStart((byte)' '), out length, out _);
            }
            else if (Ascii.EqualsIgnoreCase(line[..colon], "set-cookie"u8))
            {
                ReadOnlySpan<byte> value = line[(colon + 1)..].TrimStart((byte)' ');
                int semicolon = value.IndexOf((byte)';');
                cookie = Encoding.ASCII.GetString(semicolon < 0 ? value : value[..semicolon]);
            }
        }

        return (status, length, cookie);
    }

    private async ValueTask FillAsync()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_input, _start, _input, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        int n = await _stream.ReadAsync(_input.AsMemory(_end));
        if (n == 0)
        {
            throw new IOException("the server closed the connection");
        }

        _end += n;
    }
}

/// <summary>An answer; its body is valid until the next request.</summary>
internal readonly record struct Answer(int Status, string? Cookie, ReadOnlyMemory<byte> Body);
