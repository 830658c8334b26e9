// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.Load;

/// <summary>One kind of work over some kept-alive connections.</summary>
/// <param name="Name">What progress lines call it.</param>
/// <param name="Connections">How many connections, each with one unit under way.</param>
/// <param name="Start">Makes the worker of a connection; one call of it is one unit.</param>
/// <param name="Servers">The processes whose processor time is counted.</param>
internal sealed record Load(string Name, int Connections, Func<int, Action> Start, params ServerUnderLoad[] Servers);

/// <summary>A <see cref="Load"/> with its connections open, to be driven for some time as often as is wanted.</summary>
/// <remarks>Each connection has a thread that blocks: that costs less processor time a request than any form of waiting without a thread.</remarks>
internal sealed class LoadRun
{
    private readonly Load _load;
    private readonly Action[] _workers;

    /// <summary>Opens the connections.</summary>
    public LoadRun(Load load)
    {
        _load = load;
        _workers = [.. Enumerable.Range(0, load.Connections).Select(load.Start)];
    }

    /// <summary>Drives all connections for a time.</summary>
    /// <param name="duration">No unit begins after it.</param>
    /// <param name="pace">Units a second in all, evenly; null for as fast as can be.</param>
    public LoadResult Drive(TimeSpan duration, double? pace = null)
    {
        TimeSpan servers = ServerTime(), client = Environment.CpuUsage.TotalTime;
        long begin = Stopwatch.GetTimestamp();
        long end = begin + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var times = new List<long>[_workers.Length];
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, _workers.Length).Select(i => new Thread(() =>
        {
            try
            {
                times[i] = Drive(i, begin, end, pace);
            }
            catch (Exception e)
            {
                failure = e;
            }
        }))];
        Array.ForEach(threads, static t => t.Start());
        Array.ForEach(threads, static t => t.Join());
        return failure is null
            ? new LoadResult(Stopwatch.GetElapsedTime(begin), [.. times.SelectMany(t => t)], ServerTime() - servers, Environment.CpuUsage.TotalTime - client)
            : throw new InvalidOperationException(_load.Name + " failed", failure);
    }

    private List<long> Drive(int connection, long begin, long end, double? pace)
    {
        var times = new List<long>(1 << 14);
        double interval = pace is { } p ? _workers.Length * Stopwatch.Frequency / p : 0;
        double next = begin + (interval * connection / _workers.Length);
        while (true)
        {
            if (interval > 0)
            {
                next += interval;
                double wait = (next - Stopwatch.GetTimestamp()) / Stopwatch.Frequency;
                if (wait > 0.0005)
                {
                    Thread.Sleep(TimeSpan.FromSeconds(wait));
                }
            }

            long from = Stopwatch.GetTimestamp();
            if (from >= end)
            {
                return times;
            }

            _workers[connection]();
            times.Add(Stopwatch.GetTimestamp() - from);
        }
    }

    private TimeSpan ServerTime() => _load.Servers.Aggregate(TimeSpan.Zero, static (sum, s) => sum + s.ProcessorTime);
}

/// <summary>What a run gave.</summary>
/// <param name="Elapsed">From the first unit's beginning to the last one's end.</param>
/// <param name="Ticks">Time of each unit in ticks of <see cref="Stopwatch"/>.</param>
/// <param name="ServerTime">User and system time of the servers.</param>
/// <param name="ClientTime">User and system time of this process.</param>
internal sealed record LoadResult(TimeSpan Elapsed, long[] Ticks, TimeSpan ServerTime, TimeSpan ClientTime)
{
    private readonly Lazy<long[]> _sorted = new(() => [.. Ticks.Order()]);

    /// <summary>How many units were done.</summary>
    public int Units => Ticks.Length;

    /// <summary>Units a second.</summary>
    public double PerSecond => Units / Elapsed.TotalSeconds;

    /// <summary>Processor time of the servers a unit; hardly depends on what else the machine does.</summary>
    public double ServerMicroseconds => ServerTime.TotalMicroseconds / Math.Max(1, Units);

    /// <summary>Processor time of the load program a unit.</summary>
    public double ClientMicroseconds => ClientTime.TotalMicroseconds / Math.Max(1, Units);

    /// <summary>A quantile of the units' times.</summary>
    public double Milliseconds(double quantile) =>
        Units == 0 ? 0 : _sorted.Value[(int)Math.Min(Units - 1, Units * quantile)] * 1000.0 / Stopwatch.Frequency;

    /// <summary>Several runs as one.</summary>
    public static LoadResult Sum(IReadOnlyList<LoadResult> runs) => new(
        runs.Aggregate(TimeSpan.Zero, static (sum, r) => sum + r.Elapsed),
        [.. runs.SelectMany(static r => r.Ticks)],
        runs.Aggregate(TimeSpan.Zero, static (sum, r) => sum + r.ServerTime),
        runs.Aggregate(TimeSpan.Zero, static (sum, r) => sum + r.ClientTime));
}
