// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;
using Microsoft.Extensions.Hosting;

namespace Coco.Attestation.Decisions;

/// <summary>Removes records that are too old or too much once an hour, also where too few come for the log to do it by itself.</summary>
internal sealed class RetentionRounds(DecisionLog log, AttestationOptions options, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        while (options.Decisions.Enabled && await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await log.EnforceRetentionAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (StoreUnavailableException)
            {
                // Readiness says so already; the next round tries again.
            }
        }
    }
}
