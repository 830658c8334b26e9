// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Readiness of one part of the broker.</summary>
internal sealed class BrokerReadiness(string name, Func<CancellationToken, ValueTask<Refusal?>> check) : IReadinessSource
{
    public string Name => name;

    public ValueTask<Refusal?> CheckAsync(CancellationToken ct) => check(ct);
}
