// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Where the <c>resource</c> plugin keeps secrets: the key-value store, Vault, a cloud's secret manager. Thread-safe.</summary>
/// <remarks>A back end that cannot be reached throws; one that cannot write refuses with <see cref="RefusalCode.Unsupported"/>.</remarks>
public interface ISecretBackend
{
    /// <summary>The name in the configuration (<c>kvstorage</c>, <c>Vault</c> …).</summary>
    string Type { get; }

    /// <summary>The present value; the caller disposes it.</summary>
    ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct);

    /// <summary>Sets the value, over any present one.</summary>
    ValueTask<Refusal?> WriteAsync(ResourcePath path, Secret value, CancellationToken ct);

    /// <summary>Removes the value; <see cref="RefusalCode.NotFound"/> when there is none.</summary>
    ValueTask<Refusal?> DeleteAsync(ResourcePath path, CancellationToken ct);
}
