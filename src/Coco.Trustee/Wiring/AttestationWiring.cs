// SPDX-License-Identifier: Apache-2.0
using Coco.Attestation;
using Coco.Protocol;
using Coco.ReferenceValues;

namespace Coco.Trustee;

/// <summary>Turns the attestation service's configuration, stand-alone or inside a key broker's, into settings of the process.</summary>
internal static class AttestationWiring
{
    /// <summary>Puts tokens, decisions, verifiers and reference values into the settings; mistakes in files that are named go to <paramref name="problems"/>.</summary>
    public static TrusteeSettings Apply(TrusteeSettings settings, AsConfig config, string? simulatedRoots, ConfigProblems problems) => settings with
    {
        Attestation = AttestationConfiguration.ToOptions(config, problems),
        ReferenceValues = ReferenceValuesConfiguration.ToOptions(config.ReferenceValues, problems),
        Verifiers = simulatedRoots is null ? config.Verifiers : config.Verifiers with { InsecureSimulatedTee = simulatedRoots },
        RemoteReferenceValues = config.RvpsAddress is { } rvps ? KbsConfigWiring.Address(rvps) : null,
    };
}
