// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography.X509Certificates;

namespace Coco.Simulator.Intel;

/// <summary>What simulated revocation lists of Intel say besides dates and serial numbers.</summary>
public sealed record SimulatedListFields
{
    /// <summary>The issuer that lists name; the one that signs when null.</summary>
    public X500DistinguishedName? Issuer { get; init; }

    /// <summary>Whether they have a CRL number. Default: yes.</summary>
    public bool WithNumber { get; init; } = true;

    /// <summary>Whether they have an authority key identifier. Default: yes.</summary>
    public bool WithKeyIdentifier { get; init; } = true;

    /// <summary>Whether they say when the next one comes. Default: yes.</summary>
    public bool WithNextUpdate { get; init; } = true;
}
