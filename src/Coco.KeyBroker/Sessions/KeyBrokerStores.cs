// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>The namespaces that the broker keeps things in, opened once. Names are the reference's (kbs.md 7.4) where it has one.</summary>
internal sealed class KeyBrokerStores
{
    private readonly OpenOnce _broker;
    private readonly OpenOnce _sessions;
    private readonly OpenOnce _resources;
    private readonly OpenOnce _history;
    private readonly OpenOnce _audit;
    private readonly OpenOnce _provisioner;

    public KeyBrokerStores(IStoreProvider stores, ISessionStoreProvider? sessions = null)
    {
        _broker = new(stores, "kbs");
        _sessions = new(sessions?.Provider ?? stores, "kbs_protocol_session");
        _resources = new(stores, KeyBrokerNamespaces.Resources);
        _history = new(stores, "repository_history");
        _audit = new(stores, "kbs_audit");
        _provisioner = new(stores, "provisioner");
    }

    /// <summary>Policies and the broker's own keys.</summary>
    public ValueTask<IKeyValueStore> BrokerAsync(CancellationToken ct) => _broker.GetAsync(ct);

    /// <summary>Tokens of attested sessions.</summary>
    public ValueTask<IKeyValueStore> SessionsAsync(CancellationToken ct) => _sessions.GetAsync(ct);

    /// <summary>Present values of resources.</summary>
    public ValueTask<IKeyValueStore> ResourcesAsync(CancellationToken ct) => _resources.GetAsync(ct);

    /// <summary>Former values of resources, and what is known about them.</summary>
    public ValueTask<IKeyValueStore> HistoryAsync(CancellationToken ct) => _history.GetAsync(ct);

    /// <summary>The audit chain.</summary>
    public ValueTask<IKeyValueStore> AuditAsync(CancellationToken ct) => _audit.GetAsync(ct);

    /// <summary>Disk keys of provisioned machines.</summary>
    public ValueTask<IKeyValueStore> ProvisionerAsync(CancellationToken ct) => _provisioner.GetAsync(ct);

    private sealed class OpenOnce(IStoreProvider provider, string name)
    {
        private readonly SemaphoreSlim _gate = new(1, 1);
        private volatile IKeyValueStore? _store;

        public ValueTask<IKeyValueStore> GetAsync(CancellationToken ct) => _store is { } store ? new(store) : OpenAsync(ct);

        private async ValueTask<IKeyValueStore> OpenAsync(CancellationToken ct)
        {
            await _gate.WaitAsync(ct);
            try
            {
                return _store ??= await provider.OpenAsync(StoreNamespace.Parse(name).Require(), ct);
            }
            finally
            {
                _gate.Release();
            }
        }
    }
}
