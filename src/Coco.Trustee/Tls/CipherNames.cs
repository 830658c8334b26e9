// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net.Security;

namespace Coco.Trustee;

/// <summary>Cipher suites by the names that OpenSSL and IANA give them.</summary>
internal static class CipherNames
{
    private static readonly Dictionary<string, TlsCipherSuite> OpenSsl = new(StringComparer.Ordinal)
    {
        ["ECDHE-ECDSA-AES128-GCM-SHA256"] = TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ["ECDHE-RSA-AES128-GCM-SHA256"] = TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ["ECDHE-ECDSA-AES256-GCM-SHA384"] = TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ["ECDHE-RSA-AES256-GCM-SHA384"] = TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ["ECDHE-ECDSA-CHACHA20-POLY1305"] = TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ["ECDHE-RSA-CHACHA20-POLY1305"] = TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ["DHE-RSA-AES128-GCM-SHA256"] = TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
        ["DHE-RSA-AES256-GCM-SHA384"] = TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
        ["DHE-RSA-CHACHA20-POLY1305"] = TlsCipherSuite.TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    };

    /// <summary>Reads a list separated by colons.</summary>
    /// <exception cref="ArgumentException">A name is unknown.</exception>
    public static ImmutableArray<TlsCipherSuite> Parse(string list) =>
    [
        .. list.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(name =>
            OpenSsl.TryGetValue(name, out TlsCipherSuite suite) || (name.StartsWith("TLS_", StringComparison.Ordinal) && Enum.TryParse(name, out suite))
                ? suite
                : throw new ArgumentException($"http_server.tls_ciphers: '{name}' is not known; use OpenSSL's or IANA's names")),
    ];
}
