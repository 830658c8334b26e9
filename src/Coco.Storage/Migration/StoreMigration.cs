// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Storage;

/// <summary>Copies everything from one store to another. Can be ended and begun again: it goes on where it was.</summary>
public static class StoreMigration
{
    private const int CheckpointEvery = 100;

    /// <summary>Copies all namespaces of <paramref name="from"/>.</summary>
    /// <param name="from">The source; only read.</param>
    /// <param name="to">The target; keys that it has already and that differ are overwritten only with <paramref name="overwrite"/>.</param>
    /// <param name="overwrite">Whether a different value in the target is replaced; otherwise it is counted as a conflict and left.</param>
    /// <param name="progress">Told after each key.</param>
    /// <param name="ct">Ends it; what was copied stays, and the next call goes on.</param>
    public static async Task<MigrationReport> CopyAsync(
        IStoreProvider from, IStoreProvider to, bool overwrite, IProgress<MigrationProgress>? progress, CancellationToken ct)
    {
        int copied = 0, same = 0;
        var conflicts = new List<string>();
        IKeyValueStore checkpoints = await to.OpenAsync(StoreNamespace.Parse("coco_migration").Require(), ct).ConfigureAwait(false);
        foreach (StoreNamespace name in await from.ListNamespacesAsync(ct).ConfigureAwait(false))
        {
            if (name.Value == "coco_migration")
            {
                continue;
            }

            IKeyValueStore source = await from.OpenAsync(name, ct).ConfigureAwait(false);
            IKeyValueStore target = await to.OpenAsync(name, ct).ConfigureAwait(false);
            string done = await checkpoints.GetAsync(name.Value, ct).ConfigureAwait(false) is { } c ? Encoding.ASCII.GetString(c.Value.Span) : string.Empty;
            string last = done;
            int sinceCheckpoint = 0;
            await foreach (string key in source.ListAsync(string.Empty, ct).ConfigureAwait(false))
            {
                if (string.CompareOrdinal(key, done) <= 0)
                {
                    same++;
                    continue;
                }

                if (await source.GetAsync(key, ct).ConfigureAwait(false) is { } value)
                {
                    StoredValue? present = await target.GetAsync(key, ct).ConfigureAwait(false);
                    if (present is { } p && p.Value.Span.SequenceEqual(value.Value.Span))
                    {
                        same++;
                    }
                    else if (present is not null && !overwrite)
                    {
                        conflicts.Add(name.Value + "/" + key);
                    }
                    else
                    {
                        await target.PutAsync(key, value.Value, new PutOptions { ExpiresAt = value.ExpiresAt }, ct).ConfigureAwait(false);
                        copied++;
                    }
                }

                last = key;
                progress?.Report(new MigrationProgress(name.Value, copied, same, conflicts.Count));
                if (++sinceCheckpoint >= CheckpointEvery)
                {
                    sinceCheckpoint = 0;
                    await checkpoints.PutAsync(name.Value, Encoding.ASCII.GetBytes(last), default, ct).ConfigureAwait(false);
                }
            }
        }

        // Whole: a later migration into the same target must look at everything again.
        await foreach (string name in checkpoints.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            await checkpoints.DeleteAsync(name, ct).ConfigureAwait(false);
        }

        return new MigrationReport(copied, same, conflicts);
    }
}

/// <summary>How far a migration is.</summary>
/// <param name="Namespace">The namespace under way.</param>
/// <param name="Copied">Values written so far, in all namespaces.</param>
/// <param name="Same">Values that were there already.</param>
/// <param name="Conflicts">Values that differ in the target and were left.</param>
public sealed record MigrationProgress(string Namespace, int Copied, int Same, int Conflicts);

/// <summary>What a migration did.</summary>
/// <param name="Copied">Values written.</param>
/// <param name="Same">Values that were there already.</param>
/// <param name="Conflicts">Names of the values that differ in the target and were left.</param>
public sealed record MigrationReport(int Copied, int Same, IReadOnlyList<string> Conflicts);
