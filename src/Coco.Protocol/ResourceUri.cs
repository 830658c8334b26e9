// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Coco.Protocol;

/// <summary>A KBS resource URI: <c>kbs://address/segments?query</c> or <c>kbs+plugin://…</c> (kbs.md 1.1). Made by <see cref="Parse"/>, which reads like a WHATWG URL parser.</summary>
/// <param name="KbsAddress">Host with port; empty when the URI names none. Consumers use the key broker that they are configured with.</param>
/// <param name="Plugin">The plugin, lower case; <c>resource</c> for the scheme <c>kbs</c>.</param>
/// <param name="Segments">The path split at <c>/</c>, percent escapes as written; empty segments are possible.</param>
/// <param name="Query">The text after <c>?</c>; null when there is no <c>?</c>.</param>
public sealed record ResourceUri(string KbsAddress, string Plugin, ImmutableArray<string> Segments, string? Query)
{
    /// <summary>The plugin of plain secrets.</summary>
    public const string ResourcePlugin = "resource";

    private const int MaxLength = 8192;
    private const string InvalidText = "invalid kbs resource uri, should be kbs://<addr-of-kbs>/<repo>/<type>/<tag>";

    /// <summary>Path and query below the key broker's address: <c>/kbs/v0/plugin/segments?query</c>.</summary>
    public string HttpPath => string.Concat("/kbs/v0/", Plugin, "/", string.Join('/', Segments), Query is null ? null : "?" + Query);

    /// <summary>Parses a URI. The refusals' texts are those that clients of the protocol know.</summary>
    public static Result<ResourceUri> Parse(string? text)
    {
        if (text is null || text.Length > MaxLength)
        {
            return Invalid();
        }

        string input = Clean(text);
        int colon = input.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || !IsScheme(input.AsSpan(0, colon)))
        {
            return Invalid();
        }

        string scheme = input[..colon].ToLowerInvariant();
        string rest = input[(colon + 1)..];
        int hash = rest.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0)
        {
            rest = rest[..hash];
        }

        string? query = null;
        int mark = rest.IndexOf('?', StringComparison.Ordinal);
        if (mark >= 0)
        {
            query = Escape(rest.AsSpan(mark + 1), "\"<> ");
            rest = rest[..mark];
        }

        string address = string.Empty;
        if (rest.StartsWith("//", StringComparison.Ordinal))
        {
            int end = rest.IndexOf('/', 2);
            string authority = end < 0 ? rest[2..] : rest[2..end];
            rest = end < 0 ? string.Empty : rest[end..];
            if (!TryParseAuthority(authority, out address))
            {
                return Invalid();
            }
        }

        if (!TryParsePlugin(scheme, out string plugin, out Refusal? refusal))
        {
            return refusal!;
        }

        // Without a slash there would be no first segment to name ("kbs:a/b/c", "kbs://host").
        if (rest.Length == 0 || rest[0] != '/')
        {
            return Invalid();
        }

        return new ResourceUri(address, plugin, Split(rest), query);
    }

    /// <summary>The URI of a secret, without an address.</summary>
    public static ResourceUri Of(ResourcePath path) => new(string.Empty, ResourcePlugin, [path.Repository, path.Type, path.Tag], null);

    /// <summary>The path of a request to the guest's REST service, <c>/cdh/resource/repository/type/tag</c>; a query is dropped (guest.md 14).</summary>
    public static Result<ResourceUri> FromRestPath(string? path)
    {
        const string Prefix = "/cdh/resource/";
        if (path is null || !path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return new Refusal(RefusalCode.Malformed, "a resource path begins with " + Prefix);
        }

        int mark = path.IndexOf('?', StringComparison.Ordinal);
        return ResourcePath.Parse(path[Prefix.Length..(mark < 0 ? path.Length : mark)]).TryGet(out ResourcePath resource, out Refusal? refusal) ? Of(resource) : refusal;
    }

    /// <summary>The form <c>/repository/type/tag</c> of the former GetResource call.</summary>
    public static Result<ResourcePath> ParseLegacyPath(string? path) => path is ['/', .. string name]
        ? ResourcePath.Parse(name)
        : new Refusal(RefusalCode.Malformed, "a resource path is /<repository>/<type>/<tag>");

    /// <summary>For consumers that need a plain secret: exactly three segments of the plugin <c>resource</c>.</summary>
    public Result<ResourcePath> ToResourcePath()
    {
        if (Plugin != ResourcePlugin)
        {
            return new Refusal(RefusalCode.Unsupported, $"resource uri plugin must be resource instead of {Plugin}");
        }

        return Segments.Length != 3
            ? new Refusal(RefusalCode.Malformed, string.Create(CultureInfo.InvariantCulture, $"resource uri path must be 3 instead of {Segments.Length}"))
            : ResourcePath.Parse(string.Join('/', Segments));
    }

    /// <summary>The address that the clients of 2023 fetch from: scheme <c>kbs</c> without a query only, and a host, if any, that is the configured one.</summary>
    /// <param name="kbsUrl">The configured address, <c>https://host:port</c>.</param>
    public Result<string> ToLegacyUrl(string kbsUrl)
    {
        ArgumentNullException.ThrowIfNull(kbsUrl);
        if (Query is not null)
        {
            return new Refusal(RefusalCode.Unsupported, "the former protocol has no query");
        }

        if (!ToResourcePath().TryGet(out ResourcePath path, out Refusal? refusal))
        {
            return refusal;
        }

        if (KbsAddress.Length > 0)
        {
            int start = kbsUrl.IndexOf("://", StringComparison.Ordinal);
            ReadOnlySpan<char> host = start < 0 ? kbsUrl : kbsUrl.AsSpan(start + 3);
            int end = host.IndexOf('/');
            if (!host[..(end < 0 ? host.Length : end)].SequenceEqual(KbsAddress))
            {
                return new Refusal(RefusalCode.Mismatch, "the resource uri names another key broker than the configured one");
            }
        }

        return $"{kbsUrl.TrimEnd('/')}/kbs/v0/resource/{path}";
    }

    /// <summary>The URI as text.</summary>
    public override string ToString() => string.Concat(
        Plugin == ResourcePlugin ? "kbs" : "kbs+" + Plugin,
        "://",
        KbsAddress,
        "/" + string.Join('/', Segments) + (Query is null ? null : "?" + Query));

    /// <summary>Equality of all four parts.</summary>
    public bool Equals(ResourceUri? other) =>
        other is not null && KbsAddress == other.KbsAddress && Plugin == other.Plugin && Query == other.Query && Segments.AsSpan().SequenceEqual(other.Segments.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(KbsAddress, Plugin, Query, string.Join('/', Segments));

    private static Refusal Invalid() => new(RefusalCode.Malformed, InvalidText);

    private static bool TryParsePlugin(string scheme, out string plugin, out Refusal? refusal)
    {
        plugin = ResourcePlugin;
        refusal = null;
        if (scheme == "kbs")
        {
            return true;
        }

        if (!scheme.StartsWith("kbs+", StringComparison.Ordinal))
        {
            refusal = new Refusal(RefusalCode.Unsupported, "scheme must be kbs or kbs+<plugin>");
            return false;
        }

        plugin = scheme;
        while (plugin.StartsWith("kbs+", StringComparison.Ordinal))
        {
            plugin = plugin[4..];
        }

        if (plugin.Length == 0)
        {
            refusal = new Refusal(RefusalCode.Malformed, "scheme kbs+ requires a plugin name, e.g. kbs+pkcs11");
            return false;
        }

        return true;
    }

    // URL Standard, basic URL parser: leading and trailing C0 controls and spaces go, tabs and line ends go everywhere.
    private static string Clean(string text)
    {
        ReadOnlySpan<char> span = text;
        while (!span.IsEmpty && span[0] <= ' ')
        {
            span = span[1..];
        }

        while (!span.IsEmpty && span[^1] <= ' ')
        {
            span = span[..^1];
        }

        return span.ContainsAny('\t', '\n', '\r')
            ? span.ToString().Replace("\t", string.Empty, StringComparison.Ordinal).Replace("\n", string.Empty, StringComparison.Ordinal).Replace("\r", string.Empty, StringComparison.Ordinal)
            : span.ToString();
    }

    private static bool IsScheme(ReadOnlySpan<char> scheme)
    {
        if (!char.IsAsciiLetter(scheme[0]))
        {
            return false;
        }

        foreach (char c in scheme)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryParseAuthority(string authority, out string address)
    {
        address = string.Empty;
        int at = authority.LastIndexOf('@');
        string host = authority[(at + 1)..];
        if (host.Length == 0)
        {
            return at < 0;
        }

        string port = string.Empty;
        int bracket = host[0] == '[' ? host.IndexOf(']', StringComparison.Ordinal) : 0;
        if (bracket < 0)
        {
            return false;
        }

        int colon = host.IndexOf(':', bracket);
        if (colon >= 0)
        {
            port = host[(colon + 1)..];
            host = host[..colon];
            if (host.Length == 0 || port.AsSpan().ContainsAnyExceptInRange('0', '9'))
            {
                return false;
            }

            port = port.TrimStart('0') is { Length: > 0 } digits ? digits : port.Length > 0 ? "0" : string.Empty;
            if (port.Length > 5 || (port.Length > 0 && int.Parse(port, CultureInfo.InvariantCulture) > ushort.MaxValue))
            {
                return false;
            }
        }

        if (host[0] == '[')
        {
            if (host[^1] != ']' || !TryFormatIPv6(host[1..^1], out host))
            {
                return false;
            }
        }
        else if (host.AsSpan().IndexOfAny("\0\t\n\r #/:<>?@[\\]^|") >= 0)
        {
            return false;
        }
        else
        {
            host = Escape(host, string.Empty);
        }

        address = port.Length == 0 ? host : host + ":" + port;
        return true;
    }

    // The URL Standard's serialiser never writes an embedded IPv4 address, and shortens the first longest run of at least two zero groups.
    private static bool TryFormatIPv6(string text, out string host)
    {
        host = string.Empty;
        if (text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal) || text.Contains('/', StringComparison.Ordinal)
            || !IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        byte[] bytes = address.GetAddressBytes();
        int best = -1;
        int bestLength = 1;
        for (int i = 0; i < 8; i++)
        {
            int length = 0;
            while (i + length < 8 && bytes[2 * (i + length)] == 0 && bytes[(2 * (i + length)) + 1] == 0)
            {
                length++;
            }

            if (length > bestLength)
            {
                (best, bestLength) = (i, length);
            }

            i += length;
        }

        var result = new StringBuilder("[");
        for (int i = 0; i < 8; i++)
        {
            if (i == best)
            {
                result.Append(i == 0 ? "::" : ":");
                i += bestLength - 1;
                continue;
            }

            result.Append(((bytes[2 * i] << 8) | bytes[(2 * i) + 1]).ToString("x", CultureInfo.InvariantCulture));
            if (i < 7)
            {
                result.Append(':');
            }
        }

        host = result.Append(']').ToString();
        return true;
    }

    // Dot segments are resolved before the path is split, so that no consumer sees them.
    private static ImmutableArray<string> Split(string path)
    {
        string[] parts = path[1..].Split('/');
        var segments = new List<string>(parts.Length);
        for (int i = 0; i < parts.Length; i++)
        {
            bool last = i == parts.Length - 1;
            string part = parts[i];
            if (IsDots(part, 2))
            {
                if (segments.Count > 0)
                {
                    segments.RemoveAt(segments.Count - 1);
                }

                if (last)
                {
                    segments.Add(string.Empty);
                }
            }
            else if (IsDots(part, 1))
            {
                if (last)
                {
                    segments.Add(string.Empty);
                }
            }
            else
            {
                segments.Add(Escape(part, "\"<>`{} "));
            }
        }

        return [.. segments];
    }

    private static bool IsDots(string part, int count) =>
        part.Replace("%2e", ".", StringComparison.OrdinalIgnoreCase) == new string('.', count);

    // Percent-encodes C0 controls, DEL, what is not ASCII, and the given characters; existing escapes stay.
    private static string Escape(ReadOnlySpan<char> text, string also)
    {
        bool clean = true;
        foreach (char c in text)
        {
            clean &= c is > '\x1f' and < '\x7f' && !also.Contains(c, StringComparison.Ordinal);
        }

        if (clean)
        {
            return text.ToString();
        }

        var result = new StringBuilder(text.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value is > 0x1f and < 0x7f && !also.Contains((char)rune.Value, StringComparison.Ordinal))
            {
                result.Append((char)rune.Value);
                continue;
            }

            foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                result.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return result.ToString();
    }
}
