// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>Removes expired rows from PostgreSQL once a minute. Safe on every replica: rows that another one is removing are skipped.</summary>
internal sealed class ExpirySweep(PostgresStoreProvider store, TimeProvider time) : BackgroundService
{
    private const int Batch = 5000;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                while (await store.SweepAsync(Batch, stoppingToken).ConfigureAwait(false) == Batch)
                {
                }
            }
            catch (StoreUnavailableException)
            {
                // Readiness says so already; the next minute tries again.
            }
        }
    }
}
