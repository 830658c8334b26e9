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
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _bump;
    private readonly SqliteCommand _sequence;
    private readonly SqliteCommand _sweep;
    private readonly SqliteCommand[] _all;

    public SqliteWriter(SqliteConnection connection, TimeProvider time, Func<long> nextVersion)
    {
        _time = time;
        _nextVersion = nextVersion;
        _get = SqliteReader.Prepare(connection, "select value, version, expires_at from coco_kv where namespace = $n and key = $k", "$n", "$k");
        _put = SqliteReader.Prepare(
            connection,
            "insert into coco_kv (namespace, key, value, version, expires_at) values ($n, $k, $v, $r, $e) on conflict (namespace, key) do update set value = $v, version = $r, expires_at = $e",
            "$n", "$k", "$v", "$r", "$e");
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
        _all = [_get, _put, _delete, _bump, _sequence, _sweep];
    }

    public void Enter(SqliteTransaction transaction)
    {
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
        if (options.OnlyIfAbsent || options.IfVersion is not null)
        {
            StoredValue? present = Get(ns, key);
            if ((options.OnlyIfAbsent && present is not null) || (options.IfVersion is { } wanted && present?.Version != wanted))
            {
                return false;
            }
        }

        long version = _nextVersion();
        _put.Parameters[0].Value = ns;
        _put.Parameters[1].Value = key;
        _put.Parameters[2].Value = value;
        _put.Parameters[3].Value = version;
        _put.Parameters[4].Value = options.ExpiresAt is { } e ? e.ToUnixTimeMilliseconds() : DBNull.Value;
        _put.ExecuteNonQuery();
        Bump(ns, version);
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
        Bump(ns, _nextVersion());
        return present;
    }

    public void StoreSequence(long last)
    {
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

    private void Bump(string ns, long version)
    {
        _bump.Parameters[0].Value = ns;
        _bump.Parameters[1].Value = version;
        _bump.ExecuteNonQuery();
    }
}
