// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Coco.Protocol;
using Coco.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>Takes audit events and writes them to the chain in the store, many at a time.</summary>
/// <remarks>
/// <para>Thread-safe. A guest's request does not wait for the write, an administrator's does. When the store is gone, events wait in memory;
/// when those are too many, requests are refused rather than decided unrecorded.</para>
/// <para>Challenges, and refusals of strangers, cost a stranger nothing: beyond <see cref="DetailedPerBatch"/> in one batch they are summed up,
/// so that a flood cannot fill the disk.</para>
/// </remarks>
internal sealed partial class AuditLog : BackgroundService
{
    /// <summary>How many events that anybody can cause are written one by one in a batch.</summary>
    internal const int DetailedPerBatch = 256;

    private const int Capacity = 65536;
    private const int MaxBatch = 4096;
    private const int MaxSegmentBytes = 4 << 20;
    private const int EventsPerTurn = 32;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PruneEvery = TimeSpan.FromMinutes(10);

    private readonly KeyBrokerStores _stores;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditLog> _log;
    private readonly Secret? _configuredKey;
    private readonly TimeSpan? _retention;
    private long _prunedAt;
    private readonly Channel<Entry> _channel = Channel.CreateBounded<Entry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);
    private readonly List<Entry> _batch = [];
    private volatile string? _notWritten;
    private volatile TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ECDsa? _key;
    private string _keyId = string.Empty;
    private long _sequence = -1;
    private string _hash = AuditChain.Nothing;

    public AuditLog(KeyBrokerStores stores, TimeProvider time, ILogger<AuditLog> log, KeyBrokerOptions options)
    {
        _stores = stores;
        _time = time;
        _log = log;
        _configuredKey = options.AuditKeyPem;
        _retention = options.AuditRetention;
    }

    private readonly record struct Entry(AuditEvent Event, TaskCompletionSource? Written);

    /// <summary>Records without waiting.</summary>
    /// <exception cref="StoreUnavailableException">Too many events wait for the store.</exception>
    public void Record(AuditEvent e)
    {
        if (!_channel.Writer.TryWrite(new Entry(e, null)))
        {
            throw new StoreUnavailableException("the audit chain is not being written");
        }
    }

    /// <summary>Records and waits until the event is in the store.</summary>
    public async ValueTask RecordDurablyAsync(AuditEvent e, CancellationToken ct)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_channel.Writer.TryWrite(new Entry(e, written)))
        {
            throw new StoreUnavailableException("the audit chain is not being written");
        }

        _hurry.TrySetResult();
        await written.Task.WaitAsync(ct);
    }

    /// <summary>Why events wait in memory; null when they are being written. While the disk is full this is what says so.</summary>
    public Refusal? Check()
    {
        if (_notWritten is not { } cause)
        {
            return null;
        }

        // Who asks is a reason to try at once.
        _hurry.TrySetResult();
        return new Refusal(RefusalCode.Conflict, "audit events wait to be written: " + cause);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _channel.Writer.TryComplete();
        _hurry.TrySetResult();
        if (ExecuteTask is { } running)
        {
            // The rest is written before the process ends, within the host's time for that.
            await Task.WhenAny(running, Task.Delay(Timeout.Infinite, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Off the starter's thread, since the channel may have work at once.
        await Task.Yield();
        ChannelReader<Entry> reader = _channel.Reader;
        while (await WaitAsync(reader, stoppingToken))
        {
            await Task.WhenAny(_hurry.Task, Task.Delay(Gather, stoppingToken));
            _hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (reader.Completion.IsCompleted || stoppingToken.IsCancellationRequested)
            {
                _hurry.TrySetResult();
            }

            while (_batch.Count < MaxBatch && reader.TryRead(out Entry entry))
            {
                _batch.Add(entry);
            }

            if (_batch.Count == MaxBatch || reader.TryPeek(out Entry next) && next.Written is not null)
            {
                _hurry.TrySetResult();
            }

            await WriteBatchAsync(stoppingToken);
            if (_retention is not null && (_prunedAt == 0 || _time.GetElapsedTime(_prunedAt) >= PruneEvery))
            {
                await TryPruneAsync(stoppingToken);
                _prunedAt = Math.Max(1, _time.GetTimestamp());
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _key?.Dispose();
        base.Dispose();
    }

    private static async ValueTask<bool> WaitAsync(ChannelReader<Entry> reader, CancellationToken ct)
    {
        try
        {
            return await reader.WaitToReadAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task WriteBatchAsync(CancellationToken ct)
    {
        List<AuditEvent> events = SumUp(_batch);
        TimeSpan pause = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            try
            {
                await AppendAsync(events, ct);
                foreach (Entry entry in _batch)
                {
                    entry.Written?.TrySetResult();
                }

                _batch.Clear();
                _notWritten = null;
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                if (_notWritten != e.Message)
                {
                    Log.NotWritten(_log, events.Count, e.Message);
                }

                _notWritten = e.Message;
                foreach (Entry entry in _batch)
                {
                    // The change itself stands; its record follows as soon as the store is back.
                    entry.Written?.TrySetException(new StoreUnavailableException("the audit event could not be written yet", e));
                }

                _sequence = -1;

                // An administrator who waits is a reason to try at once.
                _hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await Task.WhenAny(_hurry.Task, Task.Delay(pause, ct));
                ct.ThrowIfCancellationRequested();
                pause = pause < TimeSpan.FromSeconds(5) ? pause * 2 : pause;
            }
        }
    }

    private async Task AppendAsync(List<AuditEvent> events, CancellationToken ct)
    {
        IKeyValueStore store = await _stores.AuditAsync(ct);
        if (_key is null)
        {
            _key = await AuditKey.OpenAsync(_stores, _configuredKey, ct);
            _keyId = AuditVerifier.KeyId(_key);
        }

        // Another replica has written since, as a rule: its head is cheaper to read than our segment to write in vain.
        await FindEndAsync(store, ct);

        // Guests' requests do not wait for their events, so these need not wait for the disk.
        bool relaxed = !_batch.Exists(static e => e.Written is not null);
        int done = 0;
        while (done < events.Count)
        {
            (int taken, byte[] head, string hash) = await WriteSegmentAsync(events, done);
            long first = _sequence + 1;
            if (await store.PutAsync(AuditChain.SegmentKey(first), _buffer.WrittenMemory, new PutOptions { OnlyIfAbsent = true, Relaxed = relaxed }, ct))
            {
                done += taken;
                _sequence += taken;
                _hash = hash;
                events.RemoveRange(0, done);
                done = 0;
                await store.PutAsync(AuditChain.HeadKey, head, new PutOptions { Relaxed = relaxed }, ct);
            }
            else
            {
                // Another replica was first: its events come before ours.
                await FollowAsync(store, ct);
            }
        }
    }

    private async ValueTask<(int Taken, byte[] Head, string Hash)> WriteSegmentAsync(List<AuditEvent> events, int from)
    {
        _buffer.ResetWrittenCount();
        await using Utf8JsonWriter json = AuditChain.NewWriter(_buffer);
        string hash = _hash;
        long sequence = _sequence;
        int taken = 0;
        while (from + taken < events.Count && _buffer.WrittenCount < MaxSegmentBytes)
        {
            hash = AuditChain.WriteEvent(_buffer, json, events[from + taken], ++sequence, hash);
            if (++taken % EventsPerTurn == 0)
            {
                await FairTurn.PassAsync();
            }
        }

        byte[] head = AuditChain.WriteHead(_buffer, json, _key!, _keyId, sequence, hash, _time.GetUtcNow());
        return (taken, head, hash);
    }

    private async Task FindEndAsync(IKeyValueStore store, CancellationToken ct)
    {
        long known = _sequence;
        if (await store.GetAsync(AuditChain.HeadKey, ct) is { } head)
        {
            using JsonDocument document = JsonDocument.Parse(head.Value);
            long sequence = document.RootElement.GetProperty("head"u8).GetInt64();
            if (sequence > known)
            {
                _sequence = sequence;
                _hash = document.RootElement.GetProperty("hash"u8).GetString()!;
            }
        }

        if (known < 0)
        {
            // A segment is written before the head that names it.
            (_sequence, _hash) = _sequence < 0 ? (0, AuditChain.Nothing) : (_sequence, _hash);
            await FollowAsync(store, ct);
        }
    }

    private async Task FollowAsync(IKeyValueStore store, CancellationToken ct)
    {
        while (await store.GetAsync(AuditChain.SegmentKey(_sequence + 1), ct) is { } segment)
        {
            (long sequence, string hash, _) = ReadLastHead(segment);
            _sequence = sequence;
            _hash = hash;
        }
    }

    private async Task TryPruneAsync(CancellationToken ct)
    {
        try
        {
            await PruneAsync(_time.GetUtcNow() - _retention!.Value, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The next round tries again; until then the chain is only longer than it need be.
            Log.NotPruned(_log, e);
        }
    }

    /// <summary>Gives up segments whose last head is older than a time, but never the last segment. An anchor takes their place first.</summary>
    private async Task PruneAsync(DateTimeOffset before, CancellationToken ct)
    {
        IKeyValueStore store = await _stores.AuditAsync(ct);
        var old = new List<string>();
        (long Sequence, string Hash)? anchor = null;
        await foreach (string key in store.ListAsync(AuditChain.SegmentPrefix, ct))
        {
            if (await store.GetAsync(key, ct) is not { } segment)
            {
                break;
            }

            (long Sequence, string Hash, DateTimeOffset Time) head = ReadLastHead(segment);
            if (head.Time >= before || head.Sequence >= _sequence)
            {
                break;
            }

            old.Add(key);
            anchor = (head.Sequence, head.Hash);
        }

        if (anchor is not { } at)
        {
            return;
        }

        _buffer.ResetWrittenCount();
        using Utf8JsonWriter json = AuditChain.NewWriter(_buffer);
        byte[] line = AuditChain.WriteHead(_buffer, json, _key!, _keyId, at.Sequence, at.Hash, _time.GetUtcNow(), AuditChain.AnchorKey);
        await store.PutAsync(AuditChain.AnchorKey, line, default, ct);
        foreach (string key in old)
        {
            await store.DeleteAsync(key, ct);
        }
    }

    private static (long Sequence, string Hash, DateTimeOffset Time) ReadLastHead(StoredValue segment)
    {
        string text = Encoding.UTF8.GetString(segment.Value.Span).TrimEnd('\n');
        using JsonDocument document = JsonDocument.Parse(text[(text.LastIndexOf('\n') + 1)..]);
        JsonElement root = document.RootElement;
        return (root.GetProperty("head"u8).GetInt64(), root.GetProperty("hash"u8).GetString()!, root.GetProperty("time"u8).GetDateTimeOffset());
    }

    private static List<AuditEvent> SumUp(List<Entry> batch)
    {
        var events = new List<AuditEvent>(batch.Count);
        Dictionary<(AuditKind, string?, RefusalCode?), int>? sums = null;
        int detailed = 0;
        foreach (Entry entry in batch)
        {
            AuditEvent e = entry.Event;
            bool anybody = e.Kind == AuditKind.Challenge || (!e.Allowed && e.TokenDigest is null && e.Kind is AuditKind.Attest or AuditKind.Release or AuditKind.AdminAccess);
            if (!anybody || ++detailed <= DetailedPerBatch)
            {
                events.Add(e);
                continue;
            }

            sums ??= [];
            (AuditKind Kind, string? Tee, RefusalCode? Code) key = (e.Kind, e.Tee, e.Code);
            if (sums.TryGetValue(key, out int at))
            {
                events[at] = events[at] with { Count = events[at].Count + 1 };
            }
            else
            {
                sums[key] = events.Count;
                events.Add(new AuditEvent { Time = e.Time, Kind = e.Kind, Allowed = e.Allowed, Code = e.Code, Tee = e.Tee, Reason = "summed up under load", RequestId = e.RequestId });
            }
        }

        return events;
    }

    private static partial class Log
    {
        [LoggerMessage(5002, LogLevel.Warning, "audit events past their time could not be given up")]
        public static partial void NotPruned(ILogger logger, Exception e);

        [LoggerMessage(5001, LogLevel.Error, "{Count} audit events could not be written; they wait in memory: {Cause}")]
        public static partial void NotWritten(ILogger logger, int count, string cause);
    }
}
