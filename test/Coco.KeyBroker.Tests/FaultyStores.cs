// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;

namespace Coco.KeyBroker.Tests;

/// <summary>A store that can be taken away.</summary>
internal sealed class FaultyStores(IStoreProvider inner) : IStoreProvider
{
    public volatile bool IsDown;

    public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) => new Store(this, await inner.OpenAsync(name, ct));

    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) => inner.ListNamespacesAsync(ct);

    private void Check()
    {
        if (IsDown)
        {
            throw new StoreUnavailableException("broken on purpose");
        }
    }

    private sealed class Store(FaultyStores owner, IKeyValueStore store) : IKeyValueStore
    {
        public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
        {
            owner.Check();
            return store.GetAsync(key, ct);
        }

        public ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
        {
            owner.Check();
            return store.PutAsync(key, value, options, ct);
        }

        public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
        {
            owner.Check();
            return store.DeleteAsync(key, ct);
        }

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken ct)
        {
            owner.Check();
            return store.ListAsync(prefix, ct);
        }

        public ValueTask<long> GetGenerationAsync(CancellationToken ct)
        {
            owner.Check();
            return store.GetGenerationAsync(ct);
        }
    }
}
