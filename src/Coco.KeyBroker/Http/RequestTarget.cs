// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;

namespace Coco.KeyBroker;

/// <summary>Where a request goes, read from the request line itself: the server's own path has dot segments folded and half of the escapes undone.</summary>
internal sealed class RequestTarget
{
    /// <summary>What all paths of the broker begin with; case matters.</summary>
    public const string Prefix = "/kbs/v0/";

    private const int MaxPrinted = 512;
    private const int MaxSegments = 64;
    private const int MaxQueryMembers = 64;

    private RequestTarget(string raw, string endpoint, ImmutableArray<string> rest, ImmutableSortedDictionary<string, string> query, bool hasEncodedSlash)
    {
        Raw = raw;
        Endpoint = endpoint;
        Rest = rest;
        Query = query;
        HasEncodedSlash = hasEncodedSlash;
    }

    /// <summary>As it stood in the request line.</summary>
    public string Raw { get; }

    /// <summary>First segment after the prefix: a built-in endpoint or a plugin.</summary>
    public string Endpoint { get; }

    /// <summary>The segments after it, decoded. Empty ones are kept.</summary>
    public ImmutableArray<string> Rest { get; }

    /// <summary>Decoded query; of a repeated name the last value.</summary>
    public ImmutableSortedDictionary<string, string> Query { get; }

    /// <summary>A segment holds a slash, which only an escape can bring in. What looks like one segment to a policy would be two to a store.</summary>
    public bool HasEncodedSlash { get; }

    /// <summary>The decoded path that access rules are matched with.</summary>
    public string DecodedPath => Rest.IsEmpty ? Prefix + Endpoint : Prefix + Endpoint + "/" + string.Join('/', Rest);

    /// <summary>The decoded path for logs and records: without control characters, at most 512 characters.</summary>
    public string PrintablePath => Printable(DecodedPath);

    /// <summary>The segments after the endpoint, joined.</summary>
    public string JoinedRest => string.Join('/', Rest);

    /// <summary>Text of a stranger's for logs and records: without control characters, at most 512 characters.</summary>
    public static string Printable(string text)
    {
        if (text.Length > MaxPrinted)
        {
            text = text[..MaxPrinted] + "…";
        }

        return text.Any(char.IsControl) ? string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c)) : text;
    }

    /// <summary>Null when the path is none of the broker's; a refusal when it is and cannot be decoded.</summary>
    public static bool TryParse(string raw, out RequestTarget? target, out Refusal? refusal)
    {
        target = null;
        refusal = null;
        if (!raw.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        int question = raw.IndexOf('?', StringComparison.Ordinal);
        ReadOnlySpan<char> path = question < 0 ? raw.AsSpan(Prefix.Length) : raw.AsSpan(Prefix.Length, question - Prefix.Length);
        var segments = ImmutableArray.CreateBuilder<string>(4);
        bool encodedSlash = false;
        foreach (Range part in path.Split('/'))
        {
            if (segments.Count == MaxSegments || !TryDecode(path[part], plusIsSpace: false, out string segment))
            {
                refusal = new Refusal(RefusalCode.Malformed, "the path cannot be decoded");
                return true;
            }

            encodedSlash |= segment.Contains('/', StringComparison.Ordinal);
            segments.Add(segment);
        }

        ImmutableSortedDictionary<string, string> query = ImmutableSortedDictionary<string, string>.Empty;
        if (question >= 0 && question < raw.Length - 1 && !TryParseQuery(raw.AsSpan(question + 1), out query))
        {
            refusal = new Refusal(RefusalCode.Malformed, "the query cannot be decoded");
            return true;
        }

        string endpoint = segments[0];
        segments.RemoveAt(0);

        // A guest program in the field asks for resource//a/b/c when it means resource/a/b/c (kbs.md 1.1).
        if (endpoint == "resource" && segments.Count == 4 && segments[0].Length == 0)
        {
            segments.RemoveAt(0);
        }

        target = new RequestTarget(raw, endpoint, segments.ToImmutable(), query, encodedSlash);
        return true;
    }

    /// <summary>The same target with another rest (a former form mapped to today's).</summary>
    public RequestTarget With(ImmutableArray<string> rest) => new(Raw, Endpoint, rest, Query, HasEncodedSlash);

    private static bool TryParseQuery(ReadOnlySpan<char> text, out ImmutableSortedDictionary<string, string> query)
    {
        ImmutableSortedDictionary<string, string>.Builder members = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        int count = 0;
        foreach (Range part in text.Split('&'))
        {
            ReadOnlySpan<char> member = text[part];
            if (member.IsEmpty)
            {
                continue;
            }

            int equals = member.IndexOf('=');
            ReadOnlySpan<char> rawName = equals < 0 ? member : member[..equals];
            ReadOnlySpan<char> rawValue = equals < 0 ? [] : member[(equals + 1)..];
            if (++count > MaxQueryMembers || !TryDecode(rawName, plusIsSpace: true, out string name) || !TryDecode(rawValue, plusIsSpace: true, out string value))
            {
                query = ImmutableSortedDictionary<string, string>.Empty;
                return false;
            }

            members[name] = value;
        }

        query = members.ToImmutable();
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, out string decoded)
    {
        decoded = string.Empty;
        if (!text.ContainsAny('%', '+') && !text.ContainsAnyExceptInRange('\x21', '\x7e'))
        {
            decoded = text.ToString();
            return true;
        }

        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    return false;
                }

                bytes[length++] = (byte)((HexValue(text[i + 1]) << 4) | HexValue(text[i + 2]));
                i += 2;
            }
            else if (c == '+' && plusIsSpace)
            {
                bytes[length++] = (byte)' ';
            }
            else if (c is < '\x21' or > '\x7e')
            {
                return false;
            }
            else
            {
                bytes[length++] = (byte)c;
            }
        }

        ReadOnlySpan<byte> utf8 = bytes.AsSpan(0, length);
        if (utf8.Contains((byte)0) || !System.Text.Unicode.Utf8.IsValid(utf8))
        {
            return false;
        }

        decoded = Encoding.UTF8.GetString(utf8);
        return true;
    }

    private static int HexValue(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
