// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Coco.Storage;

/// <summary>Wraps a store so that some of its namespaces behave differently; the others are the wrapped store's own. Thread-safe.</summary>
public abstract class SelectedStoreProvider : IStoreProvider
{
    private readonly IStoreProvider _inner;
    private readonly ImmutableHashSet<string> _namespaces;

    // One for all who open a namespace, so that each sees at once what another writes.
    private readonly ConcurrentDictionary<StoreNamespace, IKeyValueStore> _wrapped = new();

    private protected SelectedStoreProvider(IStoreProvider inner, ImmutableHashSet<string> namespaces)
    {
        _inner = inner;
        _namespaces = namespaces;
    }

    /// <inheritdoc/>
    public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct)
    {
        if (!_namespaces.Contains(name.Value))
        {
            return await _inner.OpenAsync(name, ct).ConfigureAwait(false);
        }

        return _wrapped.TryGetValue(name, out IKeyValueStore? wrapped)
            ? wrapped
            : _wrapped.GetOrAdd(name, Wrap(await _inner.OpenAsync(name, ct).ConfigureAwait(false)));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) => _inner.ListNamespacesAsync(ct);

    private protected abstract IKeyValueStore Wrap(IKeyValueStore store);
}
