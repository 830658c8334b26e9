// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Coco.Trustee;

/// <summary>A service without a key broker is ready while its store answers.</summary>
internal sealed class StoreHealth(IStoreProvider stores, StoreNamespace probed) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            IKeyValueStore store = await stores.OpenAsync(probed, cancellationToken).ConfigureAwait(false);
            await store.GetGenerationAsync(cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy();
        }
        catch (StoreUnavailableException)
        {
            return HealthCheckResult.Unhealthy("the store does not answer");
        }
    }
}
