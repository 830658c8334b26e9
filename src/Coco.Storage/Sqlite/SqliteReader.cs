// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>A reading connection with its prepared statements. Used by one thread at a time.</summary>
internal sealed class SqliteReader(SqliteConnection connection) : IDisposable
{
    private readonly SqliteCommand _get = Prepare(connection, "select value, version, expires_at from coco_kv where namespace = $n and key = $k", "$n", "$k");
    private readonly SqliteCommand _list = Prepare(
        connection,
        "select key from coco_kv where namespace = $n and key >= $p and key > $a and (expires_at is null or expires_at > $t) order by key limit $l",
        "$n", "$p", "$a", "$t", "$l");
    private readonly SqliteCommand _generation = Prepare(connection, "select generation from coco_generation where namespace = $n", "$n");

    public StoredValue? Get(string ns, string key, DateTimeOffset now)
    {
        _get.Parameters[0].Value = ns;
        _get.Parameters[1].Value = key;
        using SqliteDataReader reader = _get.ExecuteReader();
        return ReadRow(reader, now);
    }

    public List<string> List(string ns, string prefix, string after, int most, DateTimeOffset now)
    {
        _list.Parameters[0].Value = ns;
        _list.Parameters[1].Value = prefix;
        _list.Parameters[2].Value = after;
        _list.Parameters[3].Value = now.ToUnixTimeMilliseconds();
        _list.Parameters[4].Value = most;
        var keys = new List<string>();
        using SqliteDataReader reader = _list.ExecuteReader();
        while (reader.Read())
        {
            string key = reader.GetString(0);
            if (!key.StartsWith(prefix, StringComparison.Ordinal))
            {
                break;
            }

            keys.Add(key);
        }

        return keys;
    }

    public long Generation(string ns)
    {
        _generation.Parameters[0].Value = ns;
        return Convert.ToInt64(_generation.ExecuteScalar() ?? 0L, CultureInfo.InvariantCulture);
    }

    public List<string> Namespaces()
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "select distinct namespace from coco_kv order by namespace";
        var names = new List<string>();
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    public void Dispose()
    {
        _get.Dispose();
        _list.Dispose();
        _generation.Dispose();
        connection.Dispose();
    }

    internal static SqliteCommand Prepare(SqliteConnection connection, string text, params ReadOnlySpan<string> parameters)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        foreach (string name in parameters)
        {
            command.Parameters.Add(new SqliteParameter(name, null));
        }

        return command;
    }

    internal static StoredValue? ReadRow(SqliteDataReader reader, DateTimeOffset now)
    {
        if (!reader.Read())
        {
            return null;
        }

        long? expiry = reader.IsDBNull(2) ? null : reader.GetInt64(2);
        if (expiry <= now.ToUnixTimeMilliseconds())
        {
            return null;
        }

        return new StoredValue(reader.GetFieldValue<byte[]>(0), reader.GetInt64(1))
        {
            ExpiresAt = expiry is { } e ? DateTimeOffset.FromUnixTimeMilliseconds(e) : null,
        };
    }
}
