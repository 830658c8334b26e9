// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Coco.Load;

/// <summary>Writes requests, again and again into the same buffer.</summary>
internal sealed class HttpRequest
{
    private readonly ArrayBufferWriter<byte> _buffer = new(32768);

    /// <summary>A request that is made once.</summary>
    public static byte[] Bytes(string method, string path, string? cookie, string? bearer, ReadOnlySpan<byte> body)
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

    /// <summary>A request with a cookie; valid until the next one.</summary>
    /// <param name="line">Method and path.</param>
    /// <param name="cookie">Name and value.</param>
    /// <param name="body">JSON; empty for none.</param>
    public ReadOnlySpan<byte> Write(ReadOnlySpan<byte> line, ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> body)
    {
        _buffer.ResetWrittenCount();
        _buffer.Write(line);
        _buffer.Write(" HTTP/1.1\r\nHost: localhost\r\nCookie: "u8);
        _buffer.Write(cookie);
        if (!body.IsEmpty)
        {
            _buffer.Write("\r\nContent-Type: application/json\r\nContent-Length: "u8);
            Utf8Formatter.TryFormat(body.Length, _buffer.GetSpan(16), out int digits);
            _buffer.Advance(digits);
        }

        _buffer.Write("\r\n\r\n"u8);
        _buffer.Write(body);
        return _buffer.WrittenSpan;
    }
}

/// <summary>Finds strings in JSON of the server without parsing it.</summary>
internal static class JsonText
{
    /// <summary>What stands between a mark and the next quote.</summary>
    public static ReadOnlySpan<byte> Member(ReadOnlySpan<byte> json, ReadOnlySpan<byte> mark)
    {
        int at = json.IndexOf(mark);
        ReadOnlySpan<byte> rest = at < 0 ? throw new InvalidOperationException("an answer has not the member that it should have") : json[(at + mark.Length)..];
        return rest[..rest.IndexOf((byte)'"')];
    }
}
