// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>What one caller wants of one key, and what may be done together with what others want.</summary>
internal abstract class PostgresCall(string ns, string key)
{
    /// <summary>The namespace.</summary>
    public string Namespace => ns;

    /// <summary>The key.</summary>
    public string Key => key;

    /// <summary>True when it changes something: it must not be tried again when it may have happened.</summary>
    public abstract bool Writes { get; }

    /// <summary>True when the caller no longer waits for it.</summary>
    public abstract bool IsAbandoned { get; }

    /// <summary>Gives the caller what was kept.</summary>
    public abstract void Complete();

    /// <summary>Gives the caller an error.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A call with the result that its caller waits for.</summary>
internal abstract class PostgresCall<T>(string ns, string key, CancellationToken ct) : PostgresCall(ns, key)
{
    // Callers go on elsewhere: what one of them does next must not hold up the others.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The result so far. It counts only once the transaction has ended.</summary>
    public T Kept { private get; set; } = default!;

    /// <inheritdoc/>
    public override bool IsAbandoned => ct.IsCancellationRequested;

    /// <summary>Ends with the result, the error, or the caller's own cancellation.</summary>
    public Task<T> Done => ct.CanBeCanceled ? _done.Task.WaitAsync(ct) : _done.Task;

    /// <inheritdoc/>
    public override void Complete() => _done.TrySetResult(Kept);

    /// <inheritdoc/>
    public override void Fail(Exception error)
    {
        // An exception of its own for each: they are thrown on several threads at once.
        _done.TrySetException(error is StoreUnavailableException e ? new StoreUnavailableException(e.Message, e.InnerException) : error);

        // The caller may be gone.
        _ = _done.Task.Exception;
    }
}

/// <summary>Reads one row by its key.</summary>
internal sealed class PostgresGet(string ns, string key, CancellationToken ct) : PostgresCall<StoredValue?>(ns, key, ct)
{
    /// <inheritdoc/>
    public override bool Writes => false;
}

/// <summary>A relaxed write of a key without a value, in a namespace whose generation is not counted.</summary>
internal sealed class PostgresAdd(string ns, string key, ReadOnlyMemory<byte> value, DateTimeOffset? expiresAt, CancellationToken ct) : PostgresCall<bool>(ns, key, ct)
{
    /// <inheritdoc/>
    public override bool Writes => true;

    /// <summary>The value; its own copy, since a caller that was cancelled may use its memory for something else before this is sent.</summary>
    public byte[] Value { get; } = value.ToArray();

    /// <summary>From when on it does not exist (UTC); null for never.</summary>
    public DateTime? ExpiresAt => expiresAt?.UtcDateTime;
}
