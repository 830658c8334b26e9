// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;
using Grpc.Core;
using Microsoft.Extensions.Hosting;

namespace Coco.Attestation;

/// <summary>Lets the doctor look now and then, so that metrics say what an administrator would read.</summary>
internal sealed class DoctorRounds(AttestationDoctor doctor, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan Back = TimeSpan.FromDays(7);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (TimeSpan pause = First; ; pause = Every)
        {
            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await doctor.ExamineAsync(clock.GetUtcNow() - Back, AttestationDoctor.DefaultHorizon, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StoreUnavailableException or RpcException or HttpRequestException or TimeoutException or OperationCanceledException)
            {
                // Readiness says so already; the next round tries again.
            }
        }
    }
}
