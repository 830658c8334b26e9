// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Coco.Rego.Builtins.Time;

namespace Coco.Rego.Builtins.Json;

/// <summary>The values of the keyword <c>format</c>; an unknown one accepts everything.</summary>
internal static class JsonSchemaFormats
{
    public static bool Fits(string format, string text) => format switch
    {
        "date" => GoTimeParser.TryParse("2006-01-02", text, out _, out _),
        "time" => GoTimeParser.TryParse("15:04:05Z07:00", text, out _, out _) || GoTimeParser.TryParse("15:04:05", text, out _, out _),
        "date-time" => GoTimeParser.TryParse(GoTimeLayout.Rfc3339, text, out _, out _),
        "ipv4" => IPAddress.TryParse(text, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && text.Count(static c => c == '.') == 3,
        "ipv6" => IPAddress.TryParse(text, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 && text.Contains(':', StringComparison.Ordinal),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _) && text.Contains(':', StringComparison.Ordinal),
        "uri-reference" => Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out _),
        "email" => IsEmail(text),
        "hostname" => text.Length is > 0 and <= 255 && Uri.CheckHostName(text) == UriHostNameType.Dns,
        "uuid" => text.Length == 36 && Guid.TryParseExact(text, "D", out _),
        "regex" => Patterns.Re2Regex.TryCompile(text, out _, out _),
        "json-pointer" => text.Length == 0 || text[0] == '/',
        _ => true,
    };

    private static bool IsEmail(string text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && at < text.Length - 1 && !text.Contains(' ', StringComparison.Ordinal);
    }
}
