// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Npgsql;

namespace Coco.Storage;

/// <summary>PostgreSQL: for more than one replica. One table for all namespaces; the schema is made under an advisory lock.</summary>
public sealed class PostgresStoreProvider : IStoreProvider, IAsyncDisposable
{
    // Any fixed number of ours: two replicas that start at once must not both create the schema.
    private const long SchemaLock = 0x436F636F53746F72;

    // Segments of records are large, and the usual compression of PostgreSQL costs more than all else about them; servers from 14 on have lz4.
    private const string Schema = """
        create sequence if not exists coco_version;
        create table if not exists coco_kv (
          namespace text not null, key text collate "C" not null, value bytea not null, version bigint not null, expires_at timestamptz,
          primary key (namespace, key));
        create index if not exists coco_kv_expiry on coco_kv (expires_at) where expires_at is not null;
        create table if not exists coco_generation (namespace text primary key, generation bigint not null);
        do $$ begin
          if not exists (select from pg_attribute where attrelid = 'coco_kv'::regclass and attname = 'value' and attcompression = 'l') then
            alter table coco_kv alter column value set compression lz4;
          end if;
        exception when feature_not_supported or undefined_column or syntax_error or insufficient_privilege then null;
        end $$;
        """;

    // All statements find few rows by an index. The server takes a list of keys for a reason to plan each time anew, and a table that it has not
    // analysed yet for small enough to be read whole.
    private const string Planning = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";

    private readonly NpgsqlDataSource _source;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _schemaGate = new(1, 1);
    private readonly ConcurrentDictionary<StoreNamespace, PostgresStore> _stores = new();
    private volatile bool _schemaReady;

    /// <summary>Takes the connection string; nothing is connected yet.</summary>
    /// <param name="connectionString">Npgsql's key-value form, or a <c>postgres://</c> URL.</param>
    /// <param name="time">The clock for expiry.</param>
    public PostgresStoreProvider(string connectionString, TimeProvider time)
    {
        _time = time;
        Calls = new PostgresCalls(this);
        var settings = new NpgsqlConnectionStringBuilder(PostgresUrl.ToConnectionString(connectionString));
        if (!settings.ContainsKey("Maximum Pool Size"))
        {
            settings.MaxPoolSize = 32;
        }

        settings.MaxAutoPrepare = 32;
        settings.AutoPrepareMinUsages = 2;
        if (!settings.ContainsKey("Command Timeout"))
        {
            settings.CommandTimeout = 10;
        }

        // Nothing here leaves anything behind in a session; undoing it costs more than a read.
        settings.NoResetOnClose = true;
        settings.Timeout = 5;
        NpgsqlSlimDataSourceBuilder builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).EnableArrays();
        builder.UsePhysicalConnectionInitializer(
            static connection =>
            {
                using var command = new NpgsqlCommand(Planning, connection);
                command.ExecuteNonQuery();
            },
            static async connection =>
            {
                await using var command = new NpgsqlCommand(Planning, connection);
                await command.ExecuteNonQueryAsync().ConfigureAwait(false);
            });
        _source = builder.Build();
    }

    /// <inheritdoc/>
    public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct)
    {
        await EnsureSchemaAsync(ct).ConfigureAwait(false);
        return _stores.GetOrAdd(name, static (n, self) => new PostgresStore(self, n.Value), this);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct)
    {
        await EnsureSchemaAsync(ct).ConfigureAwait(false);
        return await RunAsync(
            repeatable: true,
            async connection =>
            {
                await using var command = new NpgsqlCommand("select distinct namespace from coco_kv order by namespace", connection);
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
                var names = new List<StoreNamespace>();
                while (await reader.ReadAsync(ct).ConfigureAwait(false))
                {
                    names.Add(StoreNamespace.Parse(reader.GetString(0)).Require());
                }

                return (IReadOnlyList<StoreNamespace>)names;
            },
            ct).ConfigureAwait(false);
    }

    /// <summary>Removes rows that are over their time, at most <paramref name="most"/>; safe to run on every replica.</summary>
    public async ValueTask<int> SweepAsync(int most, CancellationToken ct)
    {
        await EnsureSchemaAsync(ct).ConfigureAwait(false);
        return await RunAsync(
            repeatable: true,
            async connection =>
            {
                await using var command = new NpgsqlCommand(
                    "delete from coco_kv where ctid in (select ctid from coco_kv where expires_at <= $1 limit $2 for update skip locked)", connection);
                command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = Now });
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
                return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
            },
            ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Calls.Dispose();
        return _source.DisposeAsync();
    }

    /// <summary>The way for statements that go together.</summary>
    internal PostgresCalls Calls { get; }

    internal DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>True when the connection was dead or the server was going down: nothing that the statement caused.</summary>
    internal static bool IsConnectionLost(Exception error) =>
        error is NpgsqlException { IsTransient: true } and ((not PostgresException) or PostgresException { SqlState: "57P01" or "57P02" or "57P03" });

    /// <summary>True when the server, or a connection of the pool, did not answer in time.</summary>
    internal static bool IsTimeout(Exception? error) => error is TimeoutException or NpgsqlException { InnerException: TimeoutException };

    /// <summary>Runs one piece of work on a pooled connection. What can be repeated is tried once more when the pooled connection was dead.</summary>
    internal async ValueTask<T> RunAsync<T>(bool repeatable, Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using NpgsqlConnection connection = await _source.OpenConnectionAsync(ct).ConfigureAwait(false);
                return await work(connection).ConfigureAwait(false);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException)
            {
                if (repeatable && !IsTimeout(e) && IsConnectionLost(e) && attempt < 2)
                {
                    continue;
                }

                string code = e is PostgresException p ? " (SQLSTATE " + p.SqlState + ")" : string.Empty;
                throw new StoreUnavailableException("PostgreSQL cannot be reached or refused the work" + code, e);
            }
        }
    }

    private async ValueTask EnsureSchemaAsync(CancellationToken ct)
    {
        if (_schemaReady)
        {
            return;
        }

        await _schemaGate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_schemaReady)
            {
                return;
            }

            await RunAsync(
                repeatable: true,
                async connection =>
                {
                    await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
                    await using (var hold = new NpgsqlCommand("select pg_advisory_xact_lock($1)", connection, transaction))
                    {
                        hold.Parameters.Add(new NpgsqlParameter<long> { TypedValue = SchemaLock });
                        await hold.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
                    }

                    await using (var create = new NpgsqlCommand(Schema, connection, transaction))
                    {
                        await create.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
                    }

                    await transaction.CommitAsync(ct).ConfigureAwait(false);
                    return true;
                },
                ct).ConfigureAwait(false);
            _schemaReady = true;
        }
        finally
        {
            _schemaGate.Release();
        }
    }
}
