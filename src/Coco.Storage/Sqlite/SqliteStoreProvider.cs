// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>The embedded store: one SQLite file in write-ahead mode, one connection that writes, several that read.</summary>
/// <remarks>
/// Every acknowledged write is on the disk (synchronous = FULL). Writes of concurrent callers that wait for the writer share one
/// transaction, so that they share the flush.
/// </remarks>
public sealed class SqliteStoreProvider : IStoreProvider, IAsyncDisposable
{
    private readonly SqliteDatabase _database;

    private SqliteStoreProvider(SqliteDatabase database) => _database = database;

    /// <summary>Opens or creates the file; its folder must exist.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock for expiry.</param>
    /// <exception cref="StoreUnavailableException">The file cannot be opened, is damaged (up to 1 GiB it is checked page by page), or is no database.</exception>
    public static SqliteStoreProvider Open(string path, TimeProvider time)
    {
        try
        {
            return new SqliteStoreProvider(SqliteDatabase.Open(path, time));
        }
        catch (SqliteException e)
        {
            throw new StoreUnavailableException(SqliteFailure.Describe("opened", path, e), e);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) => new(new SqliteStore(_database, name.Value));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) =>
        new([.. _database.Read(r => r.Namespaces()).Select(n => StoreNamespace.Parse(n).Require())]);

    /// <summary>Checks the integrity of the whole file; null when it is sound.</summary>
    public Refusal? CheckIntegrity() => _database.CheckIntegrity();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
