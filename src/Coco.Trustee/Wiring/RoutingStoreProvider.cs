// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>Sends some namespaces to stores of their own, as <c>storage_type</c> of single components asks for.</summary>
internal sealed class RoutingStoreProvider(IStoreProvider otherwise, IReadOnlyDictionary<string, IStoreProvider> routes) : IStoreProvider
{
    private readonly FrozenDictionary<string, IStoreProvider> _routes = routes.ToFrozenDictionary(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        _routes.GetValueOrDefault(name.Value, otherwise).OpenAsync(name, ct);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct)
    {
        var names = new HashSet<StoreNamespace>(await otherwise.ListNamespacesAsync(ct).ConfigureAwait(false));
        foreach (IStoreProvider provider in _routes.Values.Distinct())
        {
            names.UnionWith((await provider.ListNamespacesAsync(ct).ConfigureAwait(false)).Where(n => _routes.TryGetValue(n.Value, out IStoreProvider? p) && p == provider));
        }

        return [.. names.OrderBy(n => n.Value, StringComparer.Ordinal)];
    }
}
