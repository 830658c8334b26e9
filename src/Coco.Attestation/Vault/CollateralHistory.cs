// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Coco.Attestation.Decisions;
using Coco.Storage;
using Coco.Verifiers;

namespace Coco.Attestation;

/// <summary>
/// The collateral that verifiers were given, each piece once by hash, with the time from which it was in use: what was known at an instant can be
/// asked later. A singleton; thread-safe.
/// </summary>
public sealed class CollateralHistory
{
    /// <summary>Namespace: <c>item.NAME.HASH</c> is a piece, <c>at.NAME.MILLISECONDS</c> the hash that was in use from then on. NAME is a hash of kind and id.</summary>
    internal const string Namespace = "collateral_vault";

    private const int MaxKnown = 65_536;

    private readonly IStoreProvider _stores;
    private readonly AttestationOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<CollateralKey, ReadOnlyMemory<byte>> _latest = new();

    internal CollateralHistory(IStoreProvider stores, AttestationOptions options, TimeProvider clock)
    {
        _stores = stores;
        _options = options;
        _clock = clock;
    }

    /// <summary>Notes that this is what verifiers were given from now on; costs a comparison when nothing changed.</summary>
    public async ValueTask RecordAsync(CollateralKey key, CollateralItem item, CancellationToken ct)
    {
        if (_latest.TryGetValue(key, out ReadOnlyMemory<byte> known) && (known.Equals(item.Body) || known.Span.SequenceEqual(item.Body.Span)))
        {
            return;
        }

        if (_latest.Count >= MaxKnown)
        {
            _latest.Clear();
        }

        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        string name = NameOf(key), hash = Convert.ToHexStringLower(SHA256.HashData(item.Body.Span));
        (string Key, string Hash)? last = null;
        await foreach (string at in store.ListAsync($"at.{name}.", ct).ConfigureAwait(false))
        {
            string? was = await TextAsync(store, at, ct).ConfigureAwait(false);
            if (last is { } older && was is not null && InstantOf(at) < _clock.GetUtcNow() - _options.Decisions.Retention)
            {
                // Nothing that is still kept was decided while this one was in use.
                await store.DeleteAsync(older.Key, ct).ConfigureAwait(false);
                await store.DeleteAsync($"item.{name}.{older.Hash}", ct).ConfigureAwait(false);
            }

            last = was is null ? last : (at, was);
        }

        if (last?.Hash != hash)
        {
            await store.PutAsync($"item.{name}.{hash}", item.Encode(), new PutOptions { Relaxed = true }, ct).ConfigureAwait(false);
            string now = _clock.GetUtcNow().ToUnixTimeMilliseconds().ToString("D14", CultureInfo.InvariantCulture);
            await store.PutAsync($"at.{name}.{now}", Encoding.ASCII.GetBytes(hash), new PutOptions { Relaxed = true }, ct).ConfigureAwait(false);
        }

        _latest[key] = item.Body;
    }

    /// <summary>What was in use at an instant.</summary>
    /// <param name="at">The instant.</param>
    /// <param name="otherwise">Asked for what was not recorded; null gives "there is none".</param>
    public ICollateralProvider AsOf(DateTimeOffset at, ICollateralProvider? otherwise) => new Past(this, at, otherwise);

    private static string NameOf(CollateralKey key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.Kind + "\n" + key.Id)));

    private static DateTimeOffset InstantOf(string storeKey) =>
        long.TryParse(storeKey.AsSpan(storeKey.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : DateTimeOffset.MinValue;

    private static async ValueTask<string?> TextAsync(IKeyValueStore store, string key, CancellationToken ct) =>
        await store.GetAsync(key, ct).ConfigureAwait(false) is { } stored ? Encoding.ASCII.GetString(stored.Value.Span) : null;

    private ValueTask<IKeyValueStore> OpenAsync(CancellationToken ct) => _stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct);

    private async Task<CollateralItem?> FindAsync(CollateralKey key, DateTimeOffset instant, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        string name = NameOf(key);
        string? found = null;
        await foreach (string at in store.ListAsync($"at.{name}.", ct).ConfigureAwait(false))
        {
            if (InstantOf(at) > instant)
            {
                break;
            }

            found = at;
        }

        return found is not null
            && await TextAsync(store, found, ct).ConfigureAwait(false) is { } hash
            && await store.GetAsync($"item.{name}.{hash}", ct).ConfigureAwait(false) is { } stored
            && CollateralItem.Decode(stored.Value).TryGet(out CollateralItem? item, out _)
                ? item
                : null;
    }

    private sealed class Past(CollateralHistory history, DateTimeOffset at, ICollateralProvider? otherwise) : ICollateralProvider
    {
        private readonly ConcurrentDictionary<CollateralKey, CollateralItem> _found = new();

        public async ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
        {
            if (_found.TryGetValue(key, out CollateralItem? known))
            {
                return known;
            }

            if (await history.FindAsync(key, at, ct).ConfigureAwait(false) is { } item)
            {
                return _found[key] = item;
            }

            return otherwise is null
                ? new Refusal(RefusalCode.NotFound, $"no {key.Kind} {key.Id} was recorded by {at:u}")
                : await otherwise.GetAsync(key, ct).ConfigureAwait(false);
        }
    }
}

/// <summary>Gives verifiers their collateral and keeps it in the history. A history that cannot be written does not stop them.</summary>
/// <param name="inner">Where it comes from.</param>
/// <param name="history">Where it is kept.</param>
public sealed class RecordingCollateralProvider(ICollateralProvider inner, CollateralHistory history) : ICollateralProvider
{
    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
    {
        Result<CollateralItem> answer = await inner.GetAsync(key, ct).ConfigureAwait(false);
        if (answer.TryGet(out CollateralItem? item, out _))
        {
            try
            {
                await history.RecordAsync(key, item, ct).ConfigureAwait(false);
            }
            catch (StoreUnavailableException)
            {
                AttestationMetrics.Lost.Add(1);
            }
        }

        return answer;
    }
}
