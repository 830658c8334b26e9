// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Coco.Storage;

/// <summary>One namespace in memory.</summary>
internal sealed class MemoryStore(TimeProvider time) : IKeyValueStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private long _version;
    private int _writesSinceSweep;

    private readonly record struct Row(byte[] Value, long Version, DateTimeOffset? ExpiresAt);

    /// <inheritdoc/>
    public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        lock (_gate)
        {
            return new(Find(key) is { } row ? new StoredValue(row.Value, row.Version) { ExpiresAt = row.ExpiresAt } : null);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
    {
        StoreKeys.Require(key);
        StoreKeys.RequireValue(value);
        byte[] copy = value.ToArray();
        lock (_gate)
        {
            Row? present = Find(key);
            if ((options.OnlyIfAbsent && present is not null) || (options.IfVersion is { } wanted && present?.Version != wanted))
            {
                return new(false);
            }

            _rows[key] = new Row(copy, ++_version, options.ExpiresAt);
            SweepNowAndThen();
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        lock (_gate)
        {
            if (Find(key) is not { } row)
            {
                return new((StoredValue?)null);
            }

            _rows.Remove(key);
            _version++;
            return new(new StoredValue(row.Value, row.Version) { ExpiresAt = row.ExpiresAt });
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        string[] keys;
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            keys = [.. _rows.Where(r => r.Key.StartsWith(prefix, StringComparison.Ordinal) && !(r.Value.ExpiresAt <= now)).Select(r => r.Key)];
        }

        foreach (string key in keys)
        {
            ct.ThrowIfCancellationRequested();
            yield return key;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<long> GetGenerationAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            return new(_version);
        }
    }

    public bool HasAny()
    {
        lock (_gate)
        {
            return _rows.Count > 0;
        }
    }

    private Row? Find(string key)
    {
        if (!_rows.TryGetValue(key, out Row row))
        {
            return null;
        }

        if (row.ExpiresAt <= time.GetUtcNow())
        {
            _rows.Remove(key);
            return null;
        }

        return row;
    }

    // Sessions expire without ever being read again; without this they would stay for the life of the process.
    private void SweepNowAndThen()
    {
        if (++_writesSinceSweep < 1024)
        {
            return;
        }

        _writesSinceSweep = 0;
        DateTimeOffset now = time.GetUtcNow();
        foreach (string key in _rows.Where(r => r.Value.ExpiresAt <= now).Select(r => r.Key).ToArray())
        {
            _rows.Remove(key);
        }
    }
}
