// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.KeyBroker;

/// <summary>One request to a secret back end, with limits. The answer may hold a secret and is zeroed when disposed.</summary>
internal sealed class RestAnswer(int status, byte[] body, int length) : IDisposable
{
    public int Status => status;

    public ReadOnlySpan<byte> Body => body.AsSpan(0, length);

    public void Dispose() => CryptographicOperations.ZeroMemory(body);
}

/// <summary>Sends requests to secret back ends.</summary>
internal static class RestCall
{
    private const int MaxBytes = 8 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <exception cref="HttpRequestException">The back end cannot be reached, or has a fault of its own.</exception>
    public static async ValueTask<RestAnswer> SendAsync(HttpMessageInvoker http, HttpRequestMessage request, CancellationToken ct)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(Limit);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, limited.Token);
            int status = (int)response.StatusCode;
            if (status >= 500 || status == 429)
            {
                throw new HttpRequestException($"the secret back end answers {status}");
            }

            using Stream body = await response.Content.ReadAsStreamAsync(limited.Token);
            byte[] buffer = new byte[(int)Math.Min((response.Content.Headers.ContentLength ?? 4096) + 1, MaxBytes)];
            int length = 0;
            while (true)
            {
                int read = await body.ReadAsync(buffer.AsMemory(length), limited.Token);
                if (read == 0)
                {
                    return new RestAnswer(status, buffer, length);
                }

                length += read;
                if (length == buffer.Length)
                {
                    if (length >= MaxBytes)
                    {
                        throw new HttpRequestException("the secret back end's answer is too large");
                    }

                    byte[] larger = new byte[Math.Min(buffer.Length * 2, MaxBytes)];
                    buffer.CopyTo(larger, 0);
                    CryptographicOperations.ZeroMemory(buffer);
                    buffer = larger;
                }
            }
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new HttpRequestException("the secret back end does not answer in time", e);
        }
    }
}
