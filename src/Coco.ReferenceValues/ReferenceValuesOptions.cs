// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues;

/// <summary>How the reference value provider behaves. Read once, at start.</summary>
public sealed record ReferenceValuesOptions
{
    /// <summary>Answer an expired record as unknown. Default true; false is the reference's behaviour.</summary>
    public bool EnforceExpiry { get; init; } = true;

    /// <summary>Unite hash lists when a name is registered again (rvps.md 6.5) in place of overwriting. Default false.</summary>
    public bool MergeOnRegister { get; init; }

    /// <summary>Who may publish which names. Empty (the default): everybody who may call may publish everything.</summary>
    public ImmutableArray<PublicationRule> PublicationRules { get; init; } = [];

    /// <summary>
    /// Keys and certificates (PEM) whose signatures on COSE, DSSE and wrapped messages are looked for. Where the list is not empty, a
    /// signed CoRIM or DSSE that none of them signed is refused.
    /// </summary>
    public ImmutableArray<string> TrustedSigners { get; init; } = [];

    /// <summary>Products of a verified in-toto chain become reference values. Default true; false gives the reference's empty result.</summary>
    public bool InTotoProducts { get; init; } = true;

    /// <summary>Put in front of the names of in-toto products. Default empty.</summary>
    public string InTotoNamePrefix { get; init; } = string.Empty;

    /// <summary>Run the inspections of in-toto layouts, in a fresh directory and without a shell. Default false: such layouts are refused.</summary>
    public bool InTotoInspections { get; init; }

    /// <summary>Time for one inspection. Default 10 s.</summary>
    public TimeSpan InTotoInspectionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The program that rebuilds for <c>reproducible-build</c>, by absolute path; null (the default) refuses such messages.</summary>
    public string? ReproducibleBuilder { get; init; }

    /// <summary>Time for one rebuild. Default 30 minutes.</summary>
    public TimeSpan ReproducibleBuildTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Fetch release manifests and Rekor entries over the network. Default false: only <c>file</c> sources below <see cref="MaterialDirectory"/>.</summary>
    public bool AllowNetwork { get; init; }

    /// <summary>The directory that <c>file</c> provenance sources may be read from; null (the default) refuses them.</summary>
    public string? MaterialDirectory { get; init; }
}
