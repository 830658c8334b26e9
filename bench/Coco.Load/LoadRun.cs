// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.Load;

/// <summary>Drives one kind of work over some connections for a bounded time.</summary>
internal static class LoadRun
{
    /// <summary>Runs <paramref name="work"/> again and again on each connection; one call is one unit.</summary>
    /// <param name="connections">How many connections, each with one unit under way.</param>
    /// <param name="warmup">Not counted.</param>
    /// <param name="duration">Counted.</param>
    /// <param name="start">Makes the worker of a connection.</param>
    /// <param name="pace">Units a second in all, evenly; null for as fast as can be.</param>
    public static async Task<LoadResult> RunAsync(
        int connections, TimeSpan warmup, TimeSpan duration, Func<int, Task<Func<ValueTask>>> start, double? pace = null)
    {
        Func<ValueTask>[] workers = new Func<ValueTask>[connections];
        for (int i = 0; i < connections; i++)
        {
            workers[i] = await start(i);
        }

        long begin = Stopwatch.GetTimestamp();
        long countFrom = begin + (long)(warmup.TotalSeconds * Stopwatch.Frequency);
        long end = countFrom + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var times = new List<long>[connections];
        long units = 0;
        await Task.WhenAll(Enumerable.Range(0, connections).Select(i => Task.Run(async () =>
        {
            var own = new List<long>(1 << 16);
            times[i] = own;
            double interval = pace is { } p ? connections * Stopwatch.Frequency / p : 0;
            double next = begin + (interval * i / connections);
            while (true)
            {
                if (interval > 0)
                {
                    next += interval;
                    double wait = (next - Stopwatch.GetTimestamp()) / Stopwatch.Frequency;
                    if (wait > 0.0005)
                    {
                        await Task.Delay(TimeSpan.FromSeconds(wait));
                    }
                }

                long from = Stopwatch.GetTimestamp();
                if (from >= end)
                {
                    return;
                }

                await workers[i]();
                long to = Stopwatch.GetTimestamp();
                if (from >= countFrom && to <= end)
                {
                    own.Add(to - from);
                    Interlocked.Increment(ref units);
                }
            }
        })));
        long[] all = [.. times.SelectMany(t => t).Order()];
        double Milliseconds(double quantile) => all.Length == 0 ? 0 : all[(int)Math.Min(all.Length - 1, all.Length * quantile)] * 1000.0 / Stopwatch.Frequency;
        return new LoadResult(units / duration.TotalSeconds, Milliseconds(0.5), Milliseconds(0.99), units);
    }
}

/// <summary>What a run gave.</summary>
internal sealed record LoadResult(double PerSecond, double MedianMilliseconds, double P99Milliseconds, long Units);
