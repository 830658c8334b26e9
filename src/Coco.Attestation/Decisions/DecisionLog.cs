// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Coco.Attestation.Pipeline;
using Coco.Protocol;
using Coco.Storage;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation.Decisions;

/// <summary>
/// Keeps decision records. They are gathered into segments, since one store write per decision would cost more than the decision; what many
/// decisions share (claims, reference values, policies) is kept once, by hash.
/// </summary>
internal sealed partial class DecisionLog : IAsyncDisposable
{
    /// <summary>Namespace of the segments; a key is <c>first.last.bytes</c>.</summary>
    internal const string SegmentNamespace = "attestation_decision";

    private const int MaxBatch = 512;
    private const int MaxSegmentBytes = 4 << 20;
    private const int MaxKeptBuffer = 1 << 20;
    private const int RecordsPerTurn = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly IStoreProvider _stores;
    private readonly ContentStore _content;
    private readonly DecisionRecord _records;
    private readonly ShadowPolicies? _shadows;
    private readonly AttestationOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<DecisionLog> _log;
    private readonly Channel<PendingDecision> _queue = Channel.CreateBounded<PendingDecision>(
        new BoundedChannelOptions(8192) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly ConcurrentDictionary<string, PendingDecision> _pending = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _starting = new();

    // The writer's, for one segment after the other.
    private readonly MemoryStream _segment = new();
    private Task? _writer;

    // Set by who waits for what is queued.
    private volatile TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _sinceRetention;

    // Bytes of shared content that removed segments were the first to name, since content was last swept.
    private long _perhapsUnnamed;

    public DecisionLog(
        IStoreProvider stores,
        ContentStore content,
        ShadowPolicies? shadows,
        AttestationOptions options,
        TimeProvider clock,
        ILogger<DecisionLog> log)
    {
        _records = new DecisionRecord(content, shadows, options);
        _shadows = shadows;
        _stores = stores;
        _content = content;
        _options = options;
        _clock = clock;
        _log = log;
    }

    /// <summary>Gives the decision its id and queues the record.</summary>
    public async ValueTask<string> WriteAsync(DecisionTrace trace, Result<AttestationToken> token, CancellationToken ct)
    {
        string id = DecisionId.Create(trace.Started);

        // Shadow policies are counted also where nothing is recorded.
        if (!_options.Decisions.Enabled && (_shadows is null || !await _shadows.HasAnyAsync(trace.Evidences.SelectMany(e => e.Appraisals), ct).ConfigureAwait(false)))
        {
            return id;
        }

        EnsureWriter();
        var pending = new PendingAppraisal(id, trace, token, trace.Elapsed);
        _pending[id] = pending;
        await _queue.Writer.WriteAsync(pending, ct).ConfigureAwait(false);
        return id;
    }

    /// <summary>The same for a release, without waiting: when the queue is full the record is lost and counted.</summary>
    public string Record(ReleaseDecision decision)
    {
        string id = DecisionId.Create(decision.Time);
        if (!_options.Decisions.Enabled)
        {
            return id;
        }

        EnsureWriter();
        var pending = new PendingRelease(id, decision);
        _pending[id] = pending;
        if (!_queue.Writer.TryWrite(pending))
        {
            _pending.TryRemove(id, out _);
            AttestationMetrics.Lost.Add(1);
        }

        return id;
    }

    /// <summary>The record; null when there is none (any more).</summary>
    public async ValueTask<JsonObject?> FindAsync(string id, CancellationToken ct)
    {
        if (!DecisionId.IsValid(id))
        {
            return null;
        }

        if (_pending.TryGetValue(id, out PendingDecision? pending))
        {
            // Its blobs may not be stored yet, and whoever explains it will want them.
            await FlushAsync(ct).ConfigureAwait(false);
        }

        IKeyValueStore segments = await SegmentsAsync(ct).ConfigureAwait(false);
        await foreach (string key in segments.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (!SegmentKey.TryParse(key, out SegmentKey segment))
            {
                continue;
            }

            if (string.CompareOrdinal(segment.First, id) > 0)
            {
                break;
            }

            if (string.CompareOrdinal(segment.Last, id) >= 0)
            {
                await foreach (JsonObject record in ReadAsync(segments, key, ct).ConfigureAwait(false))
                {
                    if ((string?)record["id"] == id)
                    {
                        return record;
                    }
                }
            }
        }

        return null;
    }

    /// <summary>The records from <paramref name="since"/> on, oldest first (nearly: replicas interleave).</summary>
    public async IAsyncEnumerable<JsonObject> ListAsync(DateTimeOffset since, [EnumeratorCancellation] CancellationToken ct)
    {
        await FlushAsync(ct).ConfigureAwait(false);
        string first = DecisionId.First(since);
        IKeyValueStore segments = await SegmentsAsync(ct).ConfigureAwait(false);
        await foreach (string key in segments.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (SegmentKey.TryParse(key, out SegmentKey segment) && string.CompareOrdinal(segment.Last, first) >= 0)
            {
                await foreach (JsonObject record in ReadAsync(segments, key, ct).ConfigureAwait(false))
                {
                    if (string.CompareOrdinal((string?)record["id"], first) >= 0)
                    {
                        yield return record;
                    }
                }
            }
        }
    }

    /// <summary>Waits until everything that was queued is stored.</summary>
    public async ValueTask FlushAsync(CancellationToken ct)
    {
        foreach (PendingDecision pending in _pending.Values)
        {
            _hurry.TrySetResult();
            await pending.Stored.Task.WaitAsync(ct).ConfigureAwait(false);
        }
    }

    /// <summary>Removes what is too old or too much; done by itself now and then.</summary>
    public async ValueTask EnforceRetentionAsync(CancellationToken ct)
    {
        IKeyValueStore segments = await SegmentsAsync(ct).ConfigureAwait(false);
        string oldest = DecisionId.First(_clock.GetUtcNow() - _options.Decisions.Retention);
        var kept = new List<(string Key, SegmentKey Segment)>();
        long total = 0;
        await foreach (string key in segments.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (!SegmentKey.TryParse(key, out SegmentKey segment))
            {
                continue;
            }

            if (string.CompareOrdinal(segment.Last, oldest) < 0)
            {
                await RemoveAsync(segments, key, segment, ct).ConfigureAwait(false);
            }
            else
            {
                kept.Add((key, segment));
                total += segment.Bytes;
            }
        }

        int removed = 0;
        while (total > _options.Decisions.MaxBytes && removed < kept.Count)
        {
            (string key, SegmentKey segment) = kept[removed];
            await RemoveAsync(segments, key, segment, ct).ConfigureAwait(false);
            total -= segment.Bytes;
            removed++;
        }

        if (removed > 0)
        {
            Log.Trimmed(_log, removed, _options.Decisions.MaxBytes);
        }

        // Finding what is named no more takes a look at every record that is kept, so it is done only where there may be much to win.
        if (Interlocked.Read(ref _perhapsUnnamed) > _options.Decisions.MaxBytes / 16)
        {
            Interlocked.Exchange(ref _perhapsUnnamed, 0);
            var referenced = new HashSet<string>(StringComparer.Ordinal);
            foreach ((string key, _) in kept.Skip(removed))
            {
                if (await segments.GetAsync(key, ct).ConfigureAwait(false) is { } stored)
                {
                    DecisionRecord.CollectReferences(stored.Value.Span, referenced);
                }
            }

            await _content.KeepOnlyAsync(referenced, ct).ConfigureAwait(false);
        }
    }

    private async ValueTask RemoveAsync(IKeyValueStore segments, string key, SegmentKey segment, CancellationToken ct)
    {
        if (await segments.DeleteAsync(key, ct).ConfigureAwait(false) is { } gone)
        {
            Interlocked.Add(ref _perhapsUnnamed, segment.Bytes - gone.Value.Length);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        if (_writer is { } writer)
        {
            // What is queued is still written; a store that hangs must not hang the shutdown.
            Task done = await Task.WhenAny(writer, Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System)).ConfigureAwait(false);
            if (done != writer)
            {
                await _stop.CancelAsync().ConfigureAwait(false);
            }
        }

        _stop.Dispose();
        await _segment.DisposeAsync().ConfigureAwait(false);
    }

    private static async IAsyncEnumerable<JsonObject> ReadAsync(IKeyValueStore segments, string key, [EnumeratorCancellation] CancellationToken ct)
    {
        if (await segments.GetAsync(key, ct).ConfigureAwait(false) is not { } stored)
        {
            yield break;
        }

        JsonArray? records;
        try
        {
            records = JsonNode.Parse(stored.Value.Span) as JsonArray;
        }
        catch (JsonException)
        {
            yield break;
        }

        for (int i = 0; i < records?.Count; i++)
        {
            JsonNode? record = records[i];

            // Whoever gets it owns it.
            records[i] = null;
            if (record is JsonObject o)
            {
                yield return o;
            }
        }
    }

    private void EnsureWriter()
    {
        if (_writer is null)
        {
            lock (_starting)
            {
                _writer ??= Task.Run(WriteLoopAsync);
            }
        }
    }

    private async Task WriteLoopAsync()
    {
        var batch = new List<PendingDecision>(MaxBatch);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out PendingDecision? next))
            {
                batch.Add(next);
            }

            try
            {
                await StoreAsync(batch, _stop.Token).ConfigureAwait(false);
                if (Interlocked.Add(ref _sinceRetention, batch.Count) >= 10_000)
                {
                    _sinceRetention = 0;
                    await EnforceRetentionAsync(_stop.Token).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !_stop.IsCancellationRequested)
            {
                // Attestation goes on when its records cannot be kept; a person has to know.
                AttestationMetrics.Lost.Add(batch.Count);
                Log.Lost(_log, batch.Count, e);
            }
            finally
            {
                foreach (PendingDecision done in batch)
                {
                    _pending.TryRemove(done.Id, out _);
                    done.Stored.TrySetResult();
                }
            }

            if (batch.Count < MaxBatch && !_queue.Reader.Completion.IsCompleted)
            {
                await Task.WhenAny(_hurry.Task, Task.Delay(Pause, TimeProvider.System)).ConfigureAwait(false);
                _hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private async Task StoreAsync(List<PendingDecision> batch, CancellationToken ct)
    {
        if (!_options.Decisions.Enabled && _shadows is not null)
        {
            foreach (Appraisal appraisal in batch.OfType<PendingAppraisal>().SelectMany(p => p.Trace.Evidences).SelectMany(e => e.Appraisals))
            {
                await _shadows.EvaluateAsync(appraisal, ct).ConfigureAwait(false);
            }

            return;
        }

        batch.Sort(static (a, b) => string.CompareOrdinal(a.Id, b.Id));
        IKeyValueStore segments = await SegmentsAsync(ct).ConfigureAwait(false);
        int at = 0;
        while (at < batch.Count)
        {
            MemoryStream buffer = _segment;
            buffer.SetLength(0);
            if (buffer.Capacity > MaxKeptBuffer)
            {
                buffer.Capacity = 0;
            }

            int first = at;
            long shared = 0;
            await using (var json = new Utf8JsonWriter(buffer, Tokens.SortedJson.Options))
            {
                json.WriteStartArray();
                while (at < batch.Count && buffer.Length + json.BytesPending < MaxSegmentBytes)
                {
                    await WriteAsync(json, batch[at], ct).ConfigureAwait(false);
                    if (++at % RecordsPerTurn == 0)
                    {
                        await FairTurn.PassAsync().ConfigureAwait(false);
                    }
                }

                json.WriteEndArray();
            }

            shared += _content.TakeBytesAdded();
            string key = new SegmentKey(batch[first].Id, batch[at - 1].Id, buffer.Length + shared).ToString();
            var options = new PutOptions { ExpiresAt = _clock.GetUtcNow() + _options.Decisions.Retention, Relaxed = true };
            await segments.PutAsync(key, buffer.GetBuffer().AsMemory(0, (int)buffer.Length), options, ct).ConfigureAwait(false);
        }
    }

    private async ValueTask WriteAsync(Utf8JsonWriter json, PendingDecision decision, CancellationToken ct)
    {
        switch (decision)
        {
            case PendingAppraisal appraisal:
                await _records.WriteAsync(json, appraisal, ct).ConfigureAwait(false);
                break;
            case PendingRelease release:
                ReleaseRecord.Write(json, release.Id, release.Decision);
                break;
        }
    }

    private ValueTask<IKeyValueStore> SegmentsAsync(CancellationToken ct) =>
        _stores.OpenAsync(StoreNamespace.Parse(SegmentNamespace).Require(), ct);

    private static partial class Log
    {
        [LoggerMessage(EventId = 4020, Level = LogLevel.Error, Message = "{Count} decision records could not be kept")]
        public static partial void Lost(ILogger logger, int count, Exception e);

        [LoggerMessage(EventId = 4021, Level = LogLevel.Information, Message = "{Count} segments of decision records removed to stay below {Bytes} bytes")]
        public static partial void Trimmed(ILogger logger, int count, long bytes);
    }

    private readonly record struct SegmentKey(string First, string Last, long Bytes)
    {
        public static bool TryParse(string key, out SegmentKey segment)
        {
            string[] parts = key.Split('.');
            segment = default;
            if (parts.Length != 3 || !long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long bytes))
            {
                return false;
            }

            segment = new SegmentKey(parts[0], parts[1], bytes);
            return true;
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}.{Last}.{Bytes}");
    }
}

/// <summary>A decision that waits to be stored.</summary>
internal abstract record PendingDecision(string Id)
{
    public TaskCompletionSource Stored { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>An appraisal.</summary>
internal sealed record PendingAppraisal(string Id, DecisionTrace Trace, Result<AttestationToken> Token, TimeSpan Elapsed) : PendingDecision(Id);

/// <summary>A release.</summary>
internal sealed record PendingRelease(string Id, ReleaseDecision Decision) : PendingDecision(Id);
