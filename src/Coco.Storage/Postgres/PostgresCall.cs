// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using NpgsqlTypes;

namespace Coco.Storage;

/// <summary>One statement that may share a round trip, and so a transaction, with those of other callers.</summary>
internal abstract class PostgresCall
{
    /// <summary>The row that it locks; null when it locks none. Locks are taken in this order, so that no two transactions wait for each other.</summary>
    public abstract string? Locks { get; }

    /// <summary>True when the caller no longer waits for it.</summary>
    public abstract bool IsAbandoned { get; }

    /// <summary>The statement with its parameters.</summary>
    public abstract NpgsqlBatchCommand Command();

    /// <summary>Keeps the statement's result. It counts only once the transaction has ended.</summary>
    public abstract Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct);

    /// <summary>Gives the caller what was read.</summary>
    public abstract void Complete();

    /// <summary>Gives the caller an error.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A statement with the result that its caller waits for.</summary>
internal abstract class PostgresCall<T>(CancellationToken ct) : PostgresCall
{
    // Callers go on elsewhere: what one of them does next must not hold up the others.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;

    /// <inheritdoc/>
    public override bool IsAbandoned => ct.IsCancellationRequested;

    /// <summary>Ends with the result, the error, or the caller's own cancellation.</summary>
    public Task<T> Done => ct.CanBeCanceled ? _done.Task.WaitAsync(ct) : _done.Task;

    /// <inheritdoc/>
    public override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct) => _result = await ReadResultAsync(reader, ct).ConfigureAwait(false);

    /// <inheritdoc/>
    public override void Complete() => _done.TrySetResult(_result);

    /// <inheritdoc/>
    public override void Fail(Exception error)
    {
        // An exception of its own for each: they are thrown on several threads at once.
        _done.TrySetException(error is StoreUnavailableException e ? new StoreUnavailableException(e.Message, e.InnerException) : error);

        // The caller may be gone.
        _ = _done.Task.Exception;
    }

    protected abstract Task<T> ReadResultAsync(NpgsqlDataReader reader, CancellationToken ct);
}

/// <summary>Reads one row by its key.</summary>
internal sealed class PostgresGet(string ns, string key, DateTime now, CancellationToken ct) : PostgresCall<StoredValue?>(ct)
{
    /// <inheritdoc/>
    public override string? Locks => null;

    /// <inheritdoc/>
    public override NpgsqlBatchCommand Command()
    {
        var command = new NpgsqlBatchCommand(
            "select value, version, expires_at from coco_kv where namespace = $1 and key = $2 and (expires_at is null or expires_at > $3)");
        PostgresStore.Add(command.Parameters, ns);
        PostgresStore.Add(command.Parameters, key);
        PostgresStore.Add(command.Parameters, now);
        return command;
    }

    /// <inheritdoc/>
    protected override Task<StoredValue?> ReadResultAsync(NpgsqlDataReader reader, CancellationToken ct) => PostgresStore.ReadRowAsync(reader, ct);
}

/// <summary>A relaxed write of a key without a value, in a namespace whose generation is not counted.</summary>
internal sealed class PostgresAdd(string ns, string key, ReadOnlyMemory<byte> value, DateTimeOffset? expiresAt, DateTime now, CancellationToken ct) : PostgresCall<bool>(ct)
{
    // A caller that was cancelled may use its memory for something else before this is sent.
    private readonly byte[] _value = value.ToArray();

    /// <inheritdoc/>
    public override string? Locks => key;

    /// <inheritdoc/>
    public override NpgsqlBatchCommand Command()
    {
        var command = new NpgsqlBatchCommand(
            $"with w as ({PostgresStore.InsertIfAbsent} returning version) select count(*), set_config('synchronous_commit', 'off', true) from w");
        PostgresStore.Add(command.Parameters, ns);
        PostgresStore.Add(command.Parameters, key);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = _value, NpgsqlDbType = NpgsqlDbType.Bytea });
        command.Parameters.Add(PostgresStore.Instant(expiresAt));
        PostgresStore.Add(command.Parameters, now);
        return command;
    }

    /// <inheritdoc/>
    protected override async Task<bool> ReadResultAsync(NpgsqlDataReader reader, CancellationToken ct) =>
        await reader.ReadAsync(ct).ConfigureAwait(false) && reader.GetInt64(0) == 1;
}
