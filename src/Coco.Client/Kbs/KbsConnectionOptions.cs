// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography.X509Certificates;

namespace Coco.Client;

/// <summary>How a client reaches its server.</summary>
public sealed class KbsConnectionOptions
{
    /// <summary>Certificates (authorities or the server's own) that are trusted besides the machine's roots.</summary>
    public IReadOnlyList<X509Certificate2> TrustedCertificates { get; set; } = [];

    /// <summary>Limit of one request. Default 60 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Largest answer that is read, in bytes. Default 16 MiB.</summary>
    public int MaxResponseBytes { get; set; } = 16 << 20;

    /// <summary>Value of <c>User-Agent</c>.</summary>
    public string UserAgent { get; set; } = "coco-client/0.1.0";
}
