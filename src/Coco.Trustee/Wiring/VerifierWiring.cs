// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Storage;
using Coco.Verifiers;
using Coco.Verifiers.Sample;
using Coco.Verifiers.Snp;

namespace Coco.Trustee;

/// <summary>Makes the verifiers, and the collateral service that they share.</summary>
internal static class VerifierWiring
{
    public static void Add(IServiceCollection services, VerifierSettings settings)
    {
        services.AddSingleton(provider => new CollateralService(new CollateralOptions
        {
            Sources = Sources(settings),
            Cache = new StoredCollateralCache(provider.GetRequiredService<IStoreProvider>()),
            Clock = provider.GetRequiredService<TimeProvider>(),
        }));
        services.AddSingleton<ICollateralProvider>(provider => provider.GetRequiredService<CollateralService>());
        services.AddSingleton<IVerifier>(provider => new SnpVerifier(new SnpVerifierOptions
        {
            Clock = provider.GetRequiredService<TimeProvider>(),
            SimulatedRoots = settings.SimulatedRootsPath is { } path ? SimulatedRoots.ReadSnp(path) : [],
            Collateral = provider.GetRequiredService<ICollateralProvider>(),
        }));
        if (settings.Sample)
        {
            services.AddSingleton<IVerifier, SampleVerifier>();
            services.AddSingleton<IVerifier, SampleDeviceVerifier>();
        }
    }

    private static ImmutableArray<ICollateralSource> Sources(VerifierSettings settings) => [];
}
