// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Coco.KeyBroker;

/// <summary>Finds credentials in request headers.</summary>
internal static class BearerToken
{
    private const string Scheme = "Bearer ";

    /// <summary>The token of <c>Authorization: Bearer</c>; null when there is none, or more than one header.</summary>
    public static string? Find(HttpRequest request)
    {
        StringValues header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string token = text[Scheme.Length..].Trim(' ');
        return token.Length == 0 ? null : token;
    }

    /// <summary>The value of the session cookie; null when there is none.</summary>
    public static string? FindSessionCookie(HttpRequest request)
    {
        foreach (string? header in request.Headers.Cookie)
        {
            ReadOnlySpan<char> text = header;
            foreach (Range part in text.Split(';'))
            {
                ReadOnlySpan<char> pair = text[part].Trim();
                if (pair.StartsWith(SessionCookie.Name + "=", StringComparison.Ordinal))
                {
                    return pair[(SessionCookie.Name.Length + 1)..].ToString();
                }
            }
        }

        return null;
    }
}
