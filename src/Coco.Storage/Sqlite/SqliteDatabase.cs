// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Coco.Storage;

/// <summary>The file: the one writer with group commit, and a pool of readers.</summary>
internal sealed class SqliteDatabase : IAsyncDisposable
{
    private const int MaxGroup = 256;

    // A whole check reads the file once; beyond this size it would hold up the start for seconds.
    private const long MaxCheckedAtStart = 1L << 30;

    private readonly string _connectionString;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly SqliteConnection _writer;
    private readonly ConcurrentBag<SqliteReader> _readers = [];
    private bool _isFull = true;
    private readonly Channel<Write> _queue = Channel.CreateBounded<Write>(new BoundedChannelOptions(4096) { SingleReader = true });
    private readonly Task _writing;
    private long _lastVersion;
    private DateTimeOffset _lastSweep;
    private volatile bool _closed;
    private volatile string? _damage;

    private SqliteDatabase(string connectionString, string path, SqliteConnection writer, TimeProvider time)
    {
        _connectionString = connectionString;
        _path = path;
        _writer = writer;
        _time = time;
        using (SqliteCommand last = writer.CreateCommand())
        {
            last.CommandText = "select last from coco_sequence where id = 1";
            _lastVersion = Convert.ToInt64(last.ExecuteScalar(), CultureInfo.InvariantCulture);
        }

        _lastSweep = time.GetUtcNow();
        _writing = Task.Factory.StartNew(WriteLoop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What one write does inside the group's transaction; its result reaches the caller after the commit.</summary>
    internal sealed class Write(Func<SqliteWriter, object?> action, bool relaxed)
    {
        public bool Relaxed { get; } = relaxed;

        public Func<SqliteWriter, object?> Action { get; } = action;

        public TaskCompletionSource<object?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public TimeProvider Time => _time;

    public static SqliteDatabase Open(string path, TimeProvider time)
    {
        string connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
            DefaultTimeout = 30,
        }.ToString();
        CheckAtStart(path);
        CreatePrivately(path);
        SqliteConnection writer = Connect(connectionString);
        try
        {
            SqliteSchema.Ensure(writer);
            return new SqliteDatabase(connectionString, path, writer, time);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Queues a write and waits until it is on the disk; a relaxed one only until it is with the operating system.</summary>
    public async ValueTask<object?> WriteAsync(Func<SqliteWriter, object?> action, bool relaxed, CancellationToken ct)
    {
        var write = new Write(action, relaxed);
        try
        {
            await _queue.Writer.WriteAsync(write, ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw new StoreUnavailableException("the store is closed", e);
        }

        // Not cancellable from here on: the caller must learn whether it happened.
        return await write.Done.Task.ConfigureAwait(false);
    }

    /// <summary>Runs a read on a connection of its own.</summary>
    public T Read<T>(Func<SqliteReader, T> action)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        ThrowIfDamaged();
        SqliteReader? reader = null;
        try
        {
            if (!_readers.TryTake(out reader))
            {
                reader = new SqliteReader(Connect(_connectionString));
            }

            T result = action(reader);
            _readers.Add(reader);
            reader = null;
            return result;
        }
        catch (SqliteException e)
        {
            throw Unavailable("read", e);
        }
        finally
        {
            reader?.Dispose();
        }
    }

    public Refusal? CheckIntegrity()
    {
        try
        {
            using SqliteConnection connection = Connect(_connectionString);
            return Check(connection, "pragma integrity_check(1)") is { } unsound ? new Refusal(RefusalCode.Malformed, "SQLite integrity check: " + unsound) : null;
        }
        catch (SqliteException e)
        {
            return new Refusal(RefusalCode.Malformed, $"SQLite integrity check failed with error {e.SqliteErrorCode}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        _queue.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        while (_readers.TryTake(out SqliteReader? reader))
        {
            reader.Dispose();
        }

        await _writer.DisposeAsync().ConfigureAwait(false);
    }

    // SQLite gives its log files the mode of the database, and would create it readable to all.
    private static void CreatePrivately(string path)
    {
        if (!OperatingSystem.IsWindows() && !File.Exists(path))
        {
            using var stream = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
    }

    private static SqliteConnection Connect(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        using SqliteCommand pragmas = connection.CreateCommand();
        pragmas.CommandText = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 30000; pragma foreign_keys = on; pragma trusted_schema = off;";
        pragmas.ExecuteNonQuery();
        return connection;
    }

    // On a connection that only reads: one that writes would move the log into the file when it is closed, sound or not.
    private static void CheckAtStart(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length is 0 or > MaxCheckedAtStart)
        {
            return;
        }

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        if (Check(connection, "pragma quick_check(1)") is { } unsound)
        {
            throw new StoreUnavailableException(SqliteFailure.Damaged(path, unsound));
        }
    }

    private static string? Check(SqliteConnection connection, string pragma)
    {
        using SqliteCommand check = connection.CreateCommand();
        check.CommandText = pragma;
        string answer = Convert.ToString(check.ExecuteScalar(), CultureInfo.InvariantCulture) ?? string.Empty;
        return answer == "ok" ? null : answer.ReplaceLineEndings(" ");
    }

    // Once damage was met nothing more is read or written: a further write could make it worse, and what is read could be half of the truth.
    private void ThrowIfDamaged()
    {
        if (_damage is { } damage)
        {
            throw new StoreUnavailableException(damage);
        }
    }

    private StoreUnavailableException Unavailable(string action, SqliteException e)
    {
        string message = SqliteFailure.Describe(action, _path, e);
        if (SqliteFailure.IsDamage(e))
        {
            _damage = message;
        }

        return new StoreUnavailableException(message, e);
    }

    private void WriteLoop()
    {
        var group = new List<Write>(MaxGroup);
        var results = new List<object?>(MaxGroup);
        using var commands = new SqliteWriter(_writer, _time, () => ++_lastVersion);
        while (WaitForWork())
        {
            group.Clear();
            results.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out Write? write))
            {
                group.Add(write);
            }

            CommitGroup(group, results, commands);
        }
    }

    [SuppressMessage("Usage", "VSTHRD002:Avoid problematic synchronous waits", Justification = "the thread is the writer's own and has nothing else to do")]
    private bool WaitForWork() => _queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();

    private void CommitGroup(List<Write> group, List<object?> results, SqliteWriter commands)
    {
        long before = _lastVersion;
        try
        {
            ThrowIfDamaged();
            SetSynchronous(full: group.Exists(static w => !w.Relaxed));
            using SqliteTransaction transaction = _writer.BeginTransaction(deferred: false);
            commands.Enter(transaction);
            foreach (Write write in group)
            {
                results.Add(write.Action(commands));
            }

            SweepNowAndThen(commands);
            commands.EndGroup(_lastVersion);
            transaction.Commit();
        }
        catch (Exception e)
        {
            _lastVersion = before;
            StoreUnavailableException failure = e as StoreUnavailableException
                ?? (e is SqliteException s ? Unavailable("written", s) : new StoreUnavailableException("the store cannot be written", e));
            foreach (Write write in group)
            {
                write.Done.TrySetException(failure);
            }

            return;
        }

        for (int i = 0; i < group.Count; i++)
        {
            group[i].Done.TrySetResult(results[i]);
        }
    }

    // A commit at "normal" is in the log file, a later one at "full" puts both on the disk (sqlite.org/pragma.html#pragma_synchronous).
    private void SetSynchronous(bool full)
    {
        if (full == _isFull)
        {
            return;
        }

        using SqliteCommand pragma = _writer.CreateCommand();
        pragma.CommandText = full ? "pragma synchronous = full" : "pragma synchronous = normal";
        pragma.ExecuteNonQuery();
        _isFull = full;
    }

    private void SweepNowAndThen(SqliteWriter commands)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (now - _lastSweep < TimeSpan.FromSeconds(30))
        {
            return;
        }

        _lastSweep = now;
        commands.Sweep(now, 5000);
    }
}
