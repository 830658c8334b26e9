// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>The tables of the file, and how the first form of them becomes today's.</summary>
internal static class SqliteSchema
{
    // Values stand outside the index: a search in a table "without rowid" reads whole values, of megabytes, to compare the keys before them
    // (sqlite.org/withoutrowid.html, "When To Use WITHOUT ROWID").
    private const string Columns = """
        (namespace text not null, key text not null, version integer not null, expires_at integer, value blob not null,
        primary key (namespace, key))
        """;

    private const string Schema = $"""
        create table if not exists coco_kv {Columns};
        create index if not exists coco_kv_expiry on coco_kv (expires_at) where expires_at is not null;
        create table if not exists coco_generation (namespace text primary key, generation integer not null) without rowid;
        create table if not exists coco_sequence (id integer primary key check (id = 1), last integer not null);
        insert or ignore into coco_sequence (id, last) values (1, 0);
        """;

    private const string Rebuild = $"""
        create table coco_kv_rows {Columns};
        insert into coco_kv_rows (namespace, key, version, expires_at, value) select namespace, key, version, expires_at, value from coco_kv;
        drop table coco_kv;
        alter table coco_kv_rows rename to coco_kv;
        """;

    /// <summary>Creates what is missing and rebuilds what has the first form, in one transaction.</summary>
    public static void Ensure(SqliteConnection connection)
    {
        using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
        if (Run("select sql from sqlite_master where type = 'table' and name = 'coco_kv'") is string present
            && present.Contains("without rowid", StringComparison.OrdinalIgnoreCase))
        {
            Run(Rebuild);
        }

        Run(Schema);
        transaction.Commit();

        object? Run(string text)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = text;
            command.Transaction = transaction;
            return command.ExecuteScalar();
        }
    }
}
