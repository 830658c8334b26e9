// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Coco.KeyBroker;

/// <summary>A whole request body in a pooled buffer, which is zeroed when it goes back since the body may be a secret.</summary>
internal sealed class RequestBody : IDisposable
{
    private byte[] _buffer;
    private int _length;

    private RequestBody(byte[] buffer) => _buffer = buffer;

    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <summary>Reads to the end; null when the body is larger than <paramref name="limit"/>.</summary>
    public static ValueTask<RequestBody?> ReadAsync(HttpContext context, long limit, CancellationToken ct)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength is { } declared && declared > limit)
        {
            return new((RequestBody?)null);
        }

        return request.ContentLength is 0 || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }
            ? new(new RequestBody([]))
            : ReadSlowAsync(context, limit, ct);
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        if (buffer.Length > 0)
        {
            CryptographicOperations.ZeroMemory(buffer.AsSpan(0, _length));
            ArrayPool<byte>.Shared.Return(buffer);
        }

        _length = 0;
    }

    private static async ValueTask<RequestBody?> ReadSlowAsync(HttpContext context, long limit, CancellationToken ct)
    {
        // We count ourselves, so that the answer is the protocol's.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        var body = new RequestBody(ArrayPool<byte>.Shared.Rent((int)Math.Min(context.Request.ContentLength ?? 4096, limit) + 1));
        try
        {
            while (true)
            {
                if (body._length == body._buffer.Length)
                {
                    body.Grow(limit);
                }

                int read = await context.Request.Body.ReadAsync(body._buffer.AsMemory(body._length), ct);
                if (read == 0)
                {
                    return body;
                }

                body._length += read;
                if (body._length > limit)
                {
                    body.Dispose();
                    return null;
                }
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private void Grow(long limit)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)_buffer.Length * 2, limit + 1));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        CryptographicOperations.ZeroMemory(_buffer);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
