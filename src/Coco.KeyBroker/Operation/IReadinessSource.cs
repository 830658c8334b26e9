// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Something that must be well before requests are sent here. The host may register its own.</summary>
public interface IReadinessSource
{
    /// <summary>Name in the answer of <c>/readyz</c>.</summary>
    string Name { get; }

    /// <summary>Whether requests should go elsewhere while it is not well. Where not, it is only told.</summary>
    bool IsVital => true;

    /// <summary>Null when well. Exceptions count as not well.</summary>
    ValueTask<Refusal?> CheckAsync(CancellationToken ct);
}
