// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>A back end whose secrets are kept by its own tools.</summary>
public abstract class ReadOnlyBackend : ISecretBackend
{
    /// <inheritdoc/>
    public abstract string Type { get; }

    /// <inheritdoc/>
    public abstract ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct);

    /// <inheritdoc/>
    public ValueTask<Refusal?> WriteAsync(ResourcePath path, Secret value, CancellationToken ct) => new(ReadOnly());

    /// <inheritdoc/>
    public ValueTask<Refusal?> DeleteAsync(ResourcePath path, CancellationToken ct) => new(ReadOnly());

    private Refusal ReadOnly() => new(RefusalCode.Unsupported, $"secrets in {Type} are written with its own tools");
}
