// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.ReferenceValues.Lists;

namespace Coco.ReferenceValues;

public sealed partial class ReferenceValueService
{
    /// <summary>Takes a list of release manifests or SLSA statements (rvps.md 7): <c>add</c> merges, <c>refresh</c> replaces. Nothing is stored unless all of it is good.</summary>
    public async ValueTask<Refusal?> SetListAsync(string payload, ReferenceValuePublisher publisher, CancellationToken ct)
    {
        if (!ReferenceValueListItem.ParseAll(payload).TryGet(out ImmutableArray<ReferenceValueListItem> items, out Refusal? why))
        {
            return Refused("rv_list", why);
        }

        var material = new ReferenceMaterial(_signed.Keys);
        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(_clock.GetUtcNow());
        var ready = new List<(ReferenceValueRecord Record, string[] Identities, bool Merge)>(items.Length);
        foreach (ReferenceValueListItem item in items)
        {
            if (!(await ReadAsync(item, material, ct).ConfigureAwait(false)).TryGet(out (ImmutableArray<HashEntry> Hashes, ImmutableArray<string> Signers) found, out why))
            {
                return Refused("rv_list", why.Within(item.Id));
            }

            string[] identities = [.. publisher.Identities, .. found.Signers];
            if (ReferenceValueName.Check(item.Name) is { } badName)
            {
                return Refused("rv_list", badName);
            }

            if (_publication.Check(item.Name, identities) is { } forbidden)
            {
                return Refused("rv_list", forbidden);
            }

            ready.Add((ReferenceValueRecord.OfHashes(item.Name, found.Hashes, until), identities, item.Merge));
        }

        foreach ((ReferenceValueRecord record, string[] identities, bool merge) in ready)
        {
            if (await StoreAsync([record], identities, merge, ct).ConfigureAwait(false) is { } refused)
            {
                return Refused("rv_list", refused);
            }
        }

        return null;
    }

    private async ValueTask<Result<(ImmutableArray<HashEntry> Hashes, ImmutableArray<string> Signers)>> ReadAsync(
        ReferenceValueListItem item,
        ReferenceMaterial material,
        CancellationToken ct)
    {
        if (item.Source is { } source)
        {
            return (await _materials.FetchAsync(source, ct).ConfigureAwait(false)).TryGet(out byte[]? bytes, out Refusal? why) ? material.Read(item, bytes) : why;
        }

        if (!_signed.Keys.IsEmpty)
        {
            return new Refusal(RefusalCode.BadSignature, "statements of a transparency log are not signed by a configured signer");
        }

        if (!(await _materials.FetchStatementsAsync(item, ct).ConfigureAwait(false)).TryGet(out ImmutableArray<JsonElement> statements, out Refusal? bad))
        {
            return bad;
        }

        var hashes = new List<HashEntry>();
        foreach (JsonElement statement in statements)
        {
            if (!ReferenceMaterial.FromStatement(statement, item).TryGet(out ImmutableArray<HashEntry> found, out bad))
            {
                return bad;
            }

            hashes.AddRange(found.Where(h => !hashes.Contains(h)));
        }

        return hashes.Count == 0
            ? new Refusal(RefusalCode.NotFound, $"the transparency log names no digest of '{item.Id}'")
            : ([.. hashes], []);
    }
}
