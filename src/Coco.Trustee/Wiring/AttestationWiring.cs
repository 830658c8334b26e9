// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
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
        Verifiers = VerifiersOf(config.Verifiers, simulatedRoots),
        RemoteReferenceValues = config.RvpsAddress is { } rvps ? KbsConfigWiring.Address(rvps) : null,
    };

    private static VerifierSettings VerifiersOf(AsVerifierConfig config, string? simulatedRoots)
    {
        const string File = "file://";
        bool offline = config.DcapCollateralService.StartsWith(File, StringComparison.Ordinal);
        return new VerifierSettings
        {
            SimulatedRootsPath = simulatedRoots ?? config.SimulatedRootsPath,
            Sample = config.Sample,
            AmdSources =
            [
                .. config.VcekSources.Select(s => s.Type == "KDS"
                    ? new AmdSourceSettings(null, s.Location is { } address ? KbsConfigWiring.Address(address) : VerifierSettings.AmdService)
                    : new AmdSourceSettings(s.Location, null)),
            ],
            IntelCollateralFile = offline ? config.DcapCollateralService[File.Length..] : null,
            IntelPcs = offline ? null : KbsConfigWiring.Address(config.DcapCollateralService),
            StandardTcbUpdates = config.DcapTcbUpdateType == "standard",
            NvidiaService = config.NvidiaRemote ? KbsConfigWiring.Address(config.NvidiaVerifierUrl) : null,
            DpuRootPath = config.DpuRootPath,
            DpuLongestAge = TimeSpan.FromSeconds(config.DpuMaxCertAgeSeconds),
            TpmRootsPath = config.TpmRootsPath,
        };
    }
}
