// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;

namespace Coco.Verifiers;

/// <summary>One GET to a vendor's service: size bounded, statuses sorted into "there is none" and "come back later".</summary>
internal static class CollateralHttp
{
    private const int MaximumBody = 8 * 1024 * 1024;

    /// <summary>The answer's bytes and headers; a refusal for 404 and 410.</summary>
    /// <exception cref="CollateralUnavailableException">Anything else than an answer: no connection, timeout, another status, an oversized body.</exception>
    internal static async ValueTask<Result<CollateralAnswer>> GetAsync(HttpClient http, Uri uri, CollateralKey key, CancellationToken ct)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
            {
                return new Refusal(RefusalCode.NotFound, $"{uri.Host} has no {key.Kind} {key.Id} ({(int)response.StatusCode})");
            }

            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new CollateralUnavailableException(key, $"{uri.Host} answered {(int)response.StatusCode} for {key.Kind}") { RetryAfter = RetryAfterOf(response.Headers.RetryAfter) };
            }

            using Stream body = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            using var bytes = new MemoryStream();
            byte[] buffer = new byte[16 * 1024];
            int read;
            while ((read = await body.ReadAsync(buffer, ct).ConfigureAwait(false)) > 0)
            {
                if (bytes.Length + read > MaximumBody)
                {
                    throw new CollateralUnavailableException(key, $"{uri.Host} sent more than {MaximumBody} bytes for {key.Kind}");
                }

                await bytes.WriteAsync(buffer.AsMemory(0, read), ct).ConfigureAwait(false);
            }

            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (KeyValuePair<string, IEnumerable<string>> header in response.Headers.NonValidated.Select(h => new KeyValuePair<string, IEnumerable<string>>(h.Key, h.Value)))
            {
                headers[header.Key] = string.Join(',', header.Value);
            }

            return new CollateralAnswer(bytes.ToArray(), headers);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new CollateralUnavailableException(key, $"{uri.Host} could not be reached for {key.Kind}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new CollateralUnavailableException(key, $"{uri.Host} did not answer in time for {key.Kind}", e);
        }
    }

    /// <summary>An issuer chain as the header has it: URL-encoded PEM, in which <c>+</c> stays <c>+</c>.</summary>
    internal static ReadOnlyMemory<byte> ChainOf(CollateralAnswer answer, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (answer.Headers.TryGetValue(name, out string? value))
            {
                return System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(value));
            }
        }

        return default;
    }

    /// <summary>Whether a part of an identifier may go into an address: letters, digits, dot, underscore, hyphen; not dots alone.</summary>
    internal static bool IsPlain(string part)
    {
        foreach (char c in part)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        return part.Length > 0 && part.Trim('.').Length > 0;
    }

    private static TimeSpan? RetryAfterOf(RetryConditionHeaderValue? header) => header?.Delta;
}

/// <summary>An answer with status 200.</summary>
/// <param name="Body">Its bytes.</param>
/// <param name="Headers">Its headers.</param>
internal sealed record CollateralAnswer(byte[] Body, IReadOnlyDictionary<string, string> Headers);
