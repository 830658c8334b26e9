// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Coco.KeyBroker;

/// <summary>AWS Signature Version 4 for requests without a query.</summary>
internal static class AwsSigner
{
    /// <summary>Adds <c>X-Amz-Date</c>, <c>X-Amz-Security-Token</c> and <c>Authorization</c>. All headers that are there already are signed.</summary>
    public static void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body, AwsCredentials credentials, string region, string service, DateTimeOffset now)
    {
        string stamp = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        request.Headers.TryAddWithoutValidation("X-Amz-Date", stamp);
        if (credentials.SessionToken is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", credentials.SessionToken);
        }

        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = request.RequestUri!.IsDefaultPort ? request.RequestUri.Host : request.RequestUri.Authority };
        foreach (KeyValuePair<string, IEnumerable<string>> header in request.Headers.Concat(request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>()))
        {
            // Content-Length is computed on the way and is not signed.
            if (!header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                headers[header.Key.ToLowerInvariant()] = string.Join(',', header.Value).Trim();
            }
        }

        string names = string.Join(';', headers.Keys);
        var canonical = new StringBuilder()
            .Append(request.Method.Method).Append('\n')
            .Append(request.RequestUri.AbsolutePath).Append("\n\n");
        foreach ((string name, string value) in headers)
        {
            canonical.Append(name).Append(':').Append(value).Append('\n');
        }

        canonical.Append('\n').Append(names).Append('\n').Append(Convert.ToHexStringLower(SHA256.HashData(body)));
        string scope = $"{stamp[..8]}/{region}/{service}/aws4_request";
        string toSign = $"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        byte[] seed = [.. "AWS4"u8, .. credentials.SecretAccessKey.Reveal()];
        byte[] key = seed;
        foreach (string part in new[] { stamp[..8], region, service, "aws4_request" })
        {
            byte[] next = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
            CryptographicOperations.ZeroMemory(key);
            key = next;
        }

        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        CryptographicOperations.ZeroMemory(key);
        request.Headers.TryAddWithoutValidation("Authorization", $"AWS4-HMAC-SHA256 Credential={credentials.AccessKeyId}/{scope}, SignedHeaders={names}, Signature={signature}");
    }
}
