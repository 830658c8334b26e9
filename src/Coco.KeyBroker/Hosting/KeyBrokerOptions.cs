// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.KeyBroker;

/// <summary>Settings of a key broker. Read once, at start.</summary>
public sealed class KeyBrokerOptions
{
    /// <summary>Life of a session from <c>auth</c> on; not extended by use. Default 5 minutes; 1 second to 1 day.</summary>
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Largest request body in bytes. Default 2 MiB.</summary>
    public long MaxBodyBytes { get; set; } = 2 << 20;

    /// <summary>Protocol versions that are served. Default all of 0.1.0, 0.1.1, 0.2.0, 0.3.0, 0.4.0.</summary>
    public ImmutableArray<string> ProtocolVersions { get; set; } = ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"];

    /// <summary>Whether guests of 0.1.x get answers under <c>RSA1_5</c>, which is all they know. Default true.</summary>
    public bool AllowRsa15 { get; set; } = true;

    /// <summary>403 for a policy's no, 404 for a missing resource, 405 for a wrong method, where the reference answers 401 or 404. Default false.</summary>
    public bool StrictStatus { get; set; }
}
