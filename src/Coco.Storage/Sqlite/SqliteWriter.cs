// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>The prepared statements of the writing connection. Used by one thread.</summary>
internal sealed class SqliteWriter : IDisposable
{
    private readonly TimeProvider _time;
    private readonly Func<long> _nextVersion;
    private readonly SqliteCommand _get;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _add;
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _bump;
    private readonly SqliteCommand _sequence;
    private readonly SqliteCommand _sweep;
    private readonly SqliteCommand[] _all;

    // A namespace's generation is written once a group, not with every row.
    private readonly Dictionary<string, long> _generations = new(StringComparer.Ordinal);

    public SqliteWriter(SqliteConnection connection, TimeProvider time, Func<long> nextVersion)
    {
        _time = time;
        _nextVersion = nextVersion;
        _get = SqliteReader.Prepare(connection, "select value, version, expires_at from coco_kv where namespace = $n and key = $k", "$n", "$k");
        _put = SqliteReader.Prepare(
            connection,
            "insert into coco_kv (namespace, key, value, version, expires_at) values ($n, $k, $v, $r, $e) on conflict (namespace, key) do update set value = $v, version = $r, expires_at = $e",
            "$n", "$k", "$v", "$r", "$e");
        _add = SqliteReader.Prepare(
            connection,
            "insert into coco_kv (namespace, key, value, version, expires_at) values ($n, $k, $v, $r, $e) on conflict (namespace, key) do update set value = $v, version = $r, expires_at = $e where coco_kv.expires_at <= $t",
            "$n", "$k", "$v", "$r", "$e", "$t");
        _delete = SqliteReader.Prepare(connection, "delete from coco_kv where namespace = $n and key = $k", "$n", "$k");
        _bump = SqliteReader.Prepare(
            connection,
            "insert into coco_generation (namespace, generation) values ($n, $r) on conflict (namespace) do update set generation = $r",
            "$n", "$r");
        _sequence = SqliteReader.Prepare(connection, "update coco_sequence set last = $r where id = 1", "$r");
        _sweep = SqliteReader.Prepare(
            connection,
            "delete from coco_kv where (namespace, key) in (select namespace, key from coco_kv where expires_at is not null and expires_at <= $t limit $l)",
            "$t", "$l");
        _all = [_get, _put, _add, _delete, _bump, _sequence, _sweep];
    }

    public void Enter(SqliteTransaction transaction)
    {
        _generations.Clear();
        foreach (SqliteCommand command in _all)
        {
            command.Transaction = transaction;
        }
    }

    public StoredValue? Get(string ns, string key)
    {
        _get.Parameters[0].Value = ns;
        _get.Parameters[1].Value = key;
        using SqliteDataReader reader = _get.ExecuteReader();
        return SqliteReader.ReadRow(reader, _time.GetUtcNow());
    }

    public bool Put(string ns, string key, byte[] value, PutOptions options)
    {
        if (options.IfVersion is { } wanted && (options.OnlyIfAbsent || Get(ns, key)?.Version != wanted))
        {
            return false;
        }

        SqliteCommand command = options.OnlyIfAbsent ? _add : _put;
        long version = _nextVersion();
        command.Parameters[0].Value = ns;
        command.Parameters[1].Value = key;
        command.Parameters[2].Value = value;
        command.Parameters[3].Value = version;
        command.Parameters[4].Value = options.ExpiresAt is { } e ? e.ToUnixTimeMilliseconds() : DBNull.Value;
        if (options.OnlyIfAbsent)
        {
            command.Parameters[5].Value = _time.GetUtcNow().ToUnixTimeMilliseconds();
        }

        if (command.ExecuteNonQuery() == 0)
        {
            return false;
        }

        _generations[ns] = version;
        return true;
    }

    public StoredValue? Delete(string ns, string key)
    {
        if (Get(ns, key) is not { } present)
        {
            return null;
        }

        _delete.Parameters[0].Value = ns;
        _delete.Parameters[1].Value = key;
        _delete.ExecuteNonQuery();
        _generations[ns] = _nextVersion();
        return present;
    }

    /// <summary>Writes what is the same for the whole group.</summary>
    public void EndGroup(long last)
    {
        foreach ((string ns, long generation) in _generations)
        {
            _bump.Parameters[0].Value = ns;
            _bump.Parameters[1].Value = generation;
            _bump.ExecuteNonQuery();
        }

        _sequence.Parameters[0].Value = last;
        _sequence.ExecuteNonQuery();
    }

    public void Sweep(DateTimeOffset now, int most)
    {
        _sweep.Parameters[0].Value = now.ToUnixTimeMilliseconds();
        _sweep.Parameters[1].Value = most;
        _sweep.ExecuteNonQuery();
    }

    public void Dispose()
    {
        foreach (SqliteCommand command in _all)
        {
            command.Dispose();
        }
    }
}
