// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text;
using Coco.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>Writers that store resources at one server without pause, and remember what it acknowledged.</summary>
internal sealed class AcknowledgedWrites(Uri server, string repository)
{
    private const int Writers = 3;
    private const int OverwriteEvery = 4;

    // Of each path, the acknowledged value, and the one that was sent after it without an answer so far.
    private readonly ConcurrentDictionary<string, (string Acknowledged, string? Sent)> _values = new();
    private int _count;

    /// <summary>How many writes were acknowledged.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Why each writer ended before it was told to: the server died, or refused.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>Writes until it is told to stop, or the server fails.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Writers).Select(w => WriteAsync("writer" + w, stop)));

    /// <summary>Reads everything back; gives the paths whose value is neither the acknowledged one nor the one sent after it.</summary>
    public async Task<IReadOnlyList<string>> FindLostAsync(KbsClient guest)
    {
        var lost = new List<string>();
        foreach ((string path, (string acknowledged, string? sent)) in _values)
        {
            Result<Secret> read = await guest.GetResourceAsync(path);
            string found = read.TryGet(out Secret? secret, out Refusal? refusal) ? Encoding.UTF8.GetString(secret.Reveal()) : refusal.ToString();
            secret?.Dispose();
            if (found != acknowledged && found != sent)
            {
                lost.Add($"{path}: {found} instead of {acknowledged}");
            }
        }

        return lost;
    }

    private async Task WriteAsync(string type, CancellationToken stop)
    {
        using KbsAdminClient admin = KbsAdminClient.Create(server, null);
        for (int n = 0; !stop.IsCancellationRequested; n++)
        {
            string path = $"{repository}/{type}/" + (n % OverwriteEvery == 0 ? "same" : "n" + n);
            string value = $"{path} written as {n}";
            if (_values.TryGetValue(path, out (string Acknowledged, string? Sent) before))
            {
                _values[path] = before with { Sent = value };
            }

            try
            {
                if (await admin.SetResourceAsync(path, Encoding.UTF8.GetBytes(value), CancellationToken.None) is { } refusal)
                {
                    Failures.Enqueue(refusal.ToString());
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                Failures.Enqueue(e.Message);
                return;
            }

            _values[path] = (value, null);
            Interlocked.Increment(ref _count);
        }
    }
}
