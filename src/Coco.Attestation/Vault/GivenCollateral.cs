// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Text.Json;
using Coco.Verifiers;

namespace Coco.Attestation;

/// <summary>Collateral that an administrator sent along: nothing else is asked.</summary>
internal sealed class GivenCollateral : ICollateralProvider
{
    private readonly FrozenDictionary<CollateralKey, CollateralItem> _items;

    private GivenCollateral(FrozenDictionary<CollateralKey, CollateralItem> items) => _items = items;

    /// <summary>Reads a list of items, each as <see cref="CollateralItem.Encode"/> writes it, with <c>kind</c> and <c>id</c>.</summary>
    public static Result<GivenCollateral> Read(JsonElement list)
    {
        var items = new Dictionary<CollateralKey, CollateralItem>();
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (!HostileJson.RequireString(one, "kind").TryGet(out string? kind, out Refusal? why)
                || !HostileJson.RequireString(one, "id").TryGet(out string? id, out why)
                || !CollateralItem.FromJson(one).TryGet(out CollateralItem? item, out why))
            {
                return why.Within($"collateral item {items.Count}");
            }

            items[new CollateralKey(kind, id)] = item;
        }

        return new GivenCollateral(items.ToFrozenDictionary());
    }

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) =>
        new(_items.TryGetValue(key, out CollateralItem? item) ? item : new Refusal(RefusalCode.NotFound, $"the given collateral has no {key.Kind} {key.Id}"));
}
