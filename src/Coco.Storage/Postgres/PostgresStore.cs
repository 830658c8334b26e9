// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace Coco.Storage;

/// <summary>One namespace in the table.</summary>
internal sealed class PostgresStore(PostgresStoreProvider provider, string ns) : IKeyValueStore
{
    /// <summary>Begins the writing of rows.</summary>
    internal const string Insert = "insert into coco_kv (namespace, key, value, version, expires_at)";

    /// <summary>Ends it for rows that are only for keys without a value, or with one that is over its time at an instant that follows.</summary>
    internal const string IfAbsent =
        " on conflict (namespace, key) do update set value = excluded.value, version = excluded.version, expires_at = excluded.expires_at where coco_kv.expires_at <= ";

    private const int Page = 1000;

    // The row of a namespace's generation would make all its writers wait for each other's flush. Nobody caches sessions, so they have none.
    private readonly bool _counted = ns != "kbs_protocol_session";

    private string Count => _counted
        ? ", g as (insert into coco_generation (namespace, generation) select $1, 1 from w on conflict (namespace) do update set generation = coco_generation.generation + 1 returning 1)"
        : string.Empty;

    /// <inheritdoc/>
    public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return new(provider.Calls.RunAsync(new PostgresGet(ns, key, ct)));
    }

    /// <inheritdoc/>
    public ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
    {
        StoreKeys.Require(key);
        StoreKeys.RequireValue(value);
        if (!_counted && options is { OnlyIfAbsent: true, IfVersion: null, Relaxed: true } && value.Length <= PostgresCalls.MostBytesOfOne)
        {
            return new(provider.Calls.RunAsync(new PostgresAdd(ns, key, value, options.ExpiresAt, ct)));
        }

        string write = options switch
        {
            { IfVersion: not null, OnlyIfAbsent: true } => throw new ArgumentException("a write is either for an absent key or for a version", nameof(options)),
            { IfVersion: not null } =>
                "update coco_kv set value = $3, version = nextval('coco_version'), expires_at = $4 where namespace = $1 and key = $2 and version = $6 and (expires_at is null or expires_at > $5)",
            { OnlyIfAbsent: true } => $"{Insert} values ($1, $2, $3, nextval('coco_version'), $4){IfAbsent}$5",
            _ =>
                Insert + " values ($1, $2, $3, nextval('coco_version'), $4) on conflict (namespace, key) do update set value = excluded.value, version = excluded.version, expires_at = excluded.expires_at where $5::timestamptz is not null",
        };
        bool conditional = options.OnlyIfAbsent || options.IfVersion is not null;

        // For this transaction only, which is this statement: its commit does not wait for the disk.
        string relaxed = options.Relaxed ? ", set_config('synchronous_commit', 'off', true)" : string.Empty;
        return provider.RunAsync(
            repeatable: !conditional,
            async connection =>
            {
                await using var command = new NpgsqlCommand($"with w as ({write} returning version){Count} select count(*){relaxed} from w", connection);
                Add(command.Parameters, ns);
                Add(command.Parameters, key);
                command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea });
                command.Parameters.Add(Instant(options.ExpiresAt));
                Add(command.Parameters, provider.Now);
                if (options.IfVersion is { } version)
                {
                    command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version });
                }

                return (long)(await command.ExecuteScalarAsync(ct).ConfigureAwait(false))! == 1;
            },
            ct);
    }

    /// <inheritdoc/>
    public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return provider.RunAsync(
            repeatable: false,
            async connection =>
            {
                await using var command = new NpgsqlCommand(
                    $"with w as (delete from coco_kv where namespace = $1 and key = $2 returning value, version, expires_at){Count} select value, version, expires_at from w where expires_at is null or expires_at > $3",
                    connection);
                Add(command.Parameters, ns);
                Add(command.Parameters, key);
                Add(command.Parameters, provider.Now);
                return await ReadRowAsync(command, ct).ConfigureAwait(false);
            },
            ct);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        string after = string.Empty;
        while (true)
        {
            List<string> page = await PageAsync(prefix, after, ct).ConfigureAwait(false);
            foreach (string key in page)
            {
                yield return key;
            }

            if (page.Count < Page)
            {
                yield break;
            }

            after = page[^1];
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> GetGenerationAsync(CancellationToken ct) => provider.RunAsync(
        repeatable: true,
        async connection =>
        {
            await using var command = new NpgsqlCommand("select generation from coco_generation where namespace = $1", connection);
            Add(command.Parameters, ns);
            return await command.ExecuteScalarAsync(ct).ConfigureAwait(false) is long n ? n : 0;
        },
        ct);

    /// <summary>A parameter for an instant that may be missing.</summary>
    internal static NpgsqlParameter Instant(DateTimeOffset? instant) =>
        new() { Value = instant is { } e ? e.UtcDateTime : DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    /// <summary>The row of a select of value, version and end; null when there is none.</summary>
    internal static async Task<StoredValue?> ReadRowAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        if (!await reader.ReadAsync(ct).ConfigureAwait(false))
        {
            return null;
        }

        return new StoredValue(await reader.GetFieldValueAsync<byte[]>(0, ct).ConfigureAwait(false), reader.GetInt64(1))
        {
            ExpiresAt = await reader.IsDBNullAsync(2, ct).ConfigureAwait(false) ? null : new DateTimeOffset(reader.GetDateTime(2), TimeSpan.Zero),
        };
    }

    internal static void Add(NpgsqlParameterCollection parameters, string text) => parameters.Add(new NpgsqlParameter<string> { TypedValue = text });

    internal static void Add(NpgsqlParameterCollection parameters, DateTime instant) =>
        parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = instant, NpgsqlDbType = NpgsqlDbType.TimestampTz });

    private static async Task<StoredValue?> ReadRowAsync(NpgsqlCommand command, CancellationToken ct)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        return await ReadRowAsync(reader, ct).ConfigureAwait(false);
    }

    private ValueTask<List<string>> PageAsync(string prefix, string after, CancellationToken ct) => provider.RunAsync(
        repeatable: true,
        async connection =>
        {
            await using var command = new NpgsqlCommand(
                "select key from coco_kv where namespace = $1 and key >= $2 and key > $3 and (expires_at is null or expires_at > $4) and starts_with(key, $2) order by key limit $5",
                connection);
            Add(command.Parameters, ns);
            Add(command.Parameters, prefix);
            Add(command.Parameters, after);
            Add(command.Parameters, provider.Now);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Page });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            var keys = new List<string>();
            while (await reader.ReadAsync(ct).ConfigureAwait(false))
            {
                keys.Add(reader.GetString(0));
            }

            return keys;
        },
        ct);
}
