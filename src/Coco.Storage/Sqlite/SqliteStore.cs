// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Coco.Storage;

/// <summary>One namespace of the SQLite file.</summary>
internal sealed class SqliteStore(SqliteDatabase database, string ns) : IKeyValueStore
{
    private const int Page = 500;

    /// <inheritdoc/>
    public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return new(database.Read(r => r.Get(ns, key, database.Time.GetUtcNow())));
    }

    /// <inheritdoc/>
    public async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
    {
        StoreKeys.Require(key);
        StoreKeys.RequireValue(value);
        byte[] copy = value.ToArray();
        return (bool)(await database.WriteAsync(w => w.Put(ns, key, copy, options), options.Relaxed, ct).ConfigureAwait(false))!;
    }

    /// <inheritdoc/>
    public async ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return (StoredValue?)await database.WriteAsync(w => w.Delete(ns, key), relaxed: false, ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        string after = string.Empty;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            List<string> page = database.Read(r => r.List(ns, prefix, after, Page, database.Time.GetUtcNow()));
            foreach (string key in page)
            {
                yield return key;
            }

            if (page.Count < Page)
            {
                break;
            }

            after = page[^1];
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<long> GetGenerationAsync(CancellationToken ct) => new(database.Read(r => r.Generation(ns)));
}
