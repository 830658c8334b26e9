// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>The resource policies: the one for everything, and those for a plugin or a path below one. The most specific decides.</summary>
/// <remarks>Compiled once per version; the namespace's generation is looked at once a second, or in each decision when the options say so.</remarks>
internal sealed class ResourcePolicies(KeyBrokerStores stores, IResourcePolicyCompiler compiler, KeyBrokerOptions options, TimeProvider time)
{
    /// <summary>Id of the policy for everything.</summary>
    public const string DefaultId = "resource-policy";

    private const string Extension = ".rego";
    private const string ScopedPrefix = DefaultId + "/";
    private const int MaxPolicyBytes = 1 << 20;
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile Snapshot? _snapshot;
    private long _lookedAt;

    /// <summary>The policy that decides about a path.</summary>
    public async ValueTask<ResourcePolicy> FindAsync(string plugin, ImmutableArray<string> path, CancellationToken ct)
    {
        Snapshot snapshot = await GetAsync(ct);
        return snapshot.Scoped.Count == 0 ? snapshot.Default : FindScoped(snapshot, plugin, path);
    }

    /// <summary>Ids of all policies, the one for everything first.</summary>
    public async ValueTask<ImmutableArray<string>> ListAsync(CancellationToken ct)
    {
        Snapshot snapshot = await ReloadAsync(force: true, ct);
        return [DefaultId, .. snapshot.Scoped.Keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>A policy by its id; null when there is none.</summary>
    public async ValueTask<ResourcePolicy?> GetByIdAsync(string id, CancellationToken ct)
    {
        Snapshot snapshot = await ReloadAsync(force: true, ct);
        return id == DefaultId ? snapshot.Default : snapshot.Scoped.GetValueOrDefault(id);
    }

    /// <summary>Compiles without storing.</summary>
    public Result<CompiledResourcePolicy> Compile(string source, string id) =>
        Encoding.UTF8.GetByteCount(source) > MaxPolicyBytes
            ? new Refusal(RefusalCode.TooLarge, $"a policy has at most {MaxPolicyBytes} bytes")
            : compiler.Compile(source, id + Extension);

    /// <summary>Sets a policy; refused (and the old one stays) when it does not compile.</summary>
    public async ValueTask<Result<ResourcePolicy>> SetAsync(string id, string source, CancellationToken ct)
    {
        if (CheckId(id) is { } bad)
        {
            return bad;
        }

        if (!Compile(source, id).TryGet(out CompiledResourcePolicy? compiled, out Refusal? refusal))
        {
            return refusal;
        }

        IKeyValueStore store = await stores.BrokerAsync(ct);
        await store.PutAsync(KeyOf(id), Encoding.UTF8.GetBytes(source), default, ct);
        await ReloadAsync(force: true, ct);
        return new ResourcePolicy(id, source, compiled, null);
    }

    /// <summary>Removes a policy for a path. The one for everything cannot be removed.</summary>
    public async ValueTask<Refusal?> DeleteAsync(string id, CancellationToken ct)
    {
        if (id == DefaultId)
        {
            return new Refusal(RefusalCode.Conflict, "the policy for everything can be replaced, not removed");
        }

        if (CheckId(id) is { } bad)
        {
            return bad;
        }

        IKeyValueStore store = await stores.BrokerAsync(ct);
        StoredValue? old = await store.DeleteAsync(KeyOf(id), ct);
        await ReloadAsync(force: true, ct);
        return old is null ? new Refusal(RefusalCode.NotFound, $"there is no policy {id}") : null;
    }

    /// <summary>Whether the stored policy for everything compiles; for readiness.</summary>
    public async ValueTask<Refusal?> CheckAsync(CancellationToken ct) => (await GetAsync(ct)).Default.Broken;

    /// <summary>An id is <c>resource-policy</c>, or a plugin with path segments below it; each of letters, digits, <c>_ - .</c>, not beginning with a dot.</summary>
    public static Refusal? CheckId(string id)
    {
        if (id == DefaultId)
        {
            return null;
        }

        string[] segments = id.Split('/');
        return id.Length > 255 || segments.Length > 16 || segments.Any(s => !PolicyId.Parse(s).TryGet(out _, out _))
            ? new Refusal(RefusalCode.Malformed, "a policy id is a plugin and path segments of letters, digits, '_', '-' and '.'")
            : null;
    }

    private static string KeyOf(string id) => id == DefaultId ? DefaultId + Extension : ScopedPrefix + id + Extension;

    private static ResourcePolicy FindScoped(Snapshot snapshot, string plugin, ImmutableArray<string> path)
    {
        string id = plugin + "/" + string.Join('/', path);
        while (true)
        {
            if (snapshot.Scoped.TryGetValue(id, out ResourcePolicy? policy))
            {
                return policy;
            }

            int slash = id.LastIndexOf('/');
            if (slash < 0)
            {
                return snapshot.Default;
            }

            id = id[..slash];
        }
    }

    private ValueTask<Snapshot> GetAsync(CancellationToken ct)
    {
        Snapshot? snapshot = _snapshot;
        return snapshot is not null && !options.StrictPolicyConsistency && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < LookAgainAfter
            ? new(snapshot)
            : ReloadAsync(force: false, ct);
    }

    private async ValueTask<Snapshot> ReloadAsync(bool force, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            Snapshot? present = _snapshot;
            if (!force && !options.StrictPolicyConsistency && present is not null && time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) < LookAgainAfter)
            {
                return present;
            }

            long now = time.GetTimestamp();
            IKeyValueStore store = await stores.BrokerAsync(ct);
            long generation = await store.GetGenerationAsync(ct);
            if (!force && present is not null && present.Generation == generation)
            {
                Interlocked.Exchange(ref _lookedAt, now);
                return present;
            }

            Snapshot loaded = await LoadAsync(store, generation, present, ct);
            _snapshot = loaded;
            Interlocked.Exchange(ref _lookedAt, now);
            return loaded;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<Snapshot> LoadAsync(IKeyValueStore store, long generation, Snapshot? present, CancellationToken ct)
    {
        if (await store.GetAsync(DefaultId + Extension, ct) is not { } stored)
        {
            await store.PutAsync(DefaultId + Extension, Encoding.UTF8.GetBytes(options.InitialResourcePolicy), new PutOptions { OnlyIfAbsent = true }, ct);
            stored = await store.GetAsync(DefaultId + Extension, ct) ?? throw new StoreUnavailableException("the resource policy could not be read back");
        }

        ResourcePolicy standard = Make(DefaultId, stored, present?.Default);
        var scoped = new Dictionary<string, ResourcePolicy>(StringComparer.Ordinal);
        await foreach (string key in store.ListAsync(ScopedPrefix, ct))
        {
            if (key.EndsWith(Extension, StringComparison.Ordinal) && await store.GetAsync(key, ct) is { } one)
            {
                string id = key[ScopedPrefix.Length..^Extension.Length];
                scoped[id] = Make(id, one, present?.Scoped.GetValueOrDefault(id));
            }
        }

        return new Snapshot(generation, standard, scoped.ToFrozenDictionary(StringComparer.Ordinal));
    }

    private ResourcePolicy Make(string id, StoredValue stored, ResourcePolicy? present)
    {
        string source = Encoding.UTF8.GetString(stored.Value.Span);
        if (present is not null && present.Source == source)
        {
            return present;
        }

        return Compile(source, id).TryGet(out CompiledResourcePolicy? compiled, out Refusal? refusal)
            ? new ResourcePolicy(id, source, compiled, null)
            : new ResourcePolicy(id, source, null, refusal);
    }

    private sealed record Snapshot(long Generation, ResourcePolicy Default, FrozenDictionary<string, ResourcePolicy> Scoped);
}

/// <summary>A stored policy. Exactly one of <paramref name="Compiled"/> and <paramref name="Broken"/> is set.</summary>
internal sealed record ResourcePolicy(string Id, string Source, CompiledResourcePolicy? Compiled, Refusal? Broken);
