// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Coco.Load;

/// <summary>One kept-alive connection with as little work a request as can be, so that the load program does not become the limit.</summary>
internal sealed class HttpConnection
{
    private readonly Stream _stream;
    private readonly byte[] _input = new byte[64 * 1024];
    private int _start;
    private readonly byte[] _cookie = new byte[4096];
    private int _end;
    private int _cookieLength;

    private HttpConnection(Stream stream) => _stream = stream;

    /// <summary>Connects to a port of the loopback. The certificate is not looked at: this program measures, it does not trust.</summary>
    public static HttpConnection Connect(int port, bool plain)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect("127.0.0.1", port);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (!plain)
        {
            var tls = new SslStream(stream, false, (_, _, _, _) => true);
            tls.AuthenticateAsClient("localhost");
            stream = tls;
        }

        return new HttpConnection(stream);
    }

    /// <summary>Sends a request and reads the whole answer.</summary>
    public Answer Send(ReadOnlySpan<byte> request)
    {
        _stream.Write(request);
        int headEnd;
        while ((headEnd = _input.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            Fill();
        }

        (int status, int length, Range cookie) = ParseHead(_input.AsSpan(_start, headEnd + 2));
        ReadOnlySpan<byte> cookieBytes = _input.AsSpan(_start, headEnd + 2)[cookie];
        if (!cookieBytes.IsEmpty)
        {
            cookieBytes.CopyTo(_cookie);
            _cookieLength = cookieBytes.Length;
        }

        _start += headEnd + 4;
        while (_end - _start < length)
        {
            Fill();
        }

        var body = new ReadOnlyMemory<byte>(_input, _start, length);
        _start += length;
        return new Answer(status, body);
    }

    /// <summary>The last cookie that the server set.</summary>
    public ReadOnlySpan<byte> Cookie => _cookie.AsSpan(0, _cookieLength);

    private static (int Status, int Length, Range Cookie) ParseHead(ReadOnlySpan<byte> head)
    {
        Utf8Parser.TryParse(head[9..12], out int status, out _);
        int length = 0;
        Range cookie = default;
        int at = head.IndexOf("\r\n"u8) + 2;
        while (at < head.Length)
        {
            ReadOnlySpan<byte> line = head[at..];
            int end = line.IndexOf("\r\n"u8);
            line = line[..end];
            int lineStart = at;
            at += end + 2;
            int colon = line.IndexOf((byte)':');
            if (Ascii.EqualsIgnoreCase(line[..colon], "content-length"u8))
            {
                Utf8Parser.TryParse(line[(colon + 1)..].TrimStart((byte)' '), out length, out _);
            }
            else if (Ascii.EqualsIgnoreCase(line[..colon], "set-cookie"u8))
            {
                int semicolon = line.IndexOf((byte)';');
                int from = colon + 1;
                while (line[from] == ' ')
                {
                    from++;
                }

                cookie = (lineStart + from)..(lineStart + (semicolon < 0 ? line.Length : semicolon));
            }
        }

        return (status, length, cookie);
    }

    private void Fill()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_input, _start, _input, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        int n = _stream.Read(_input.AsSpan(_end));
        if (n == 0)
        {
            throw new IOException("the server closed the connection");
        }

        _end += n;
    }
}

/// <summary>An answer; its body is valid until the next request.</summary>
internal readonly record struct Answer(int Status, ReadOnlyMemory<byte> Body);
