// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>What an error of SQLite means to whoever runs the server, and what to do about it.</summary>
internal static class SqliteFailure
{
    // Result codes (sqlite.org/rescode.html).
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int NotADatabase = 26;

    /// <summary>Whether the file itself is broken, so that trying again is of no use.</summary>
    public static bool IsDamage(SqliteException e) => e.SqliteErrorCode is Corrupt or NotADatabase;

    public static string Describe(string action, string path, SqliteException e) => e.SqliteErrorCode switch
    {
        Corrupt or NotADatabase => Damaged(path, e.Message),
        Full => $"the store {path} cannot be {action}: no space is left (SQLite error {Full}); free some, the server goes on by itself",
        IoError => $"the store {path} cannot be {action}: the disk fails or is full (SQLite error {e.SqliteExtendedErrorCode})",
        _ => $"the store {path} cannot be {action} (SQLite error {e.SqliteErrorCode}: {e.Message})",
    };

    public static string Damaged(string path, string cause) =>
        $"the SQLite file {path} is damaged ({cause}); it is left as it is. Stop the server, keep a copy of the file and of its -wal and -shm, "
        + $"then restore a backup, or rescue what can be read with: sqlite3 {path} .recover | sqlite3 NEW";
}
