// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary><c>coco rego bench</c>: measures how long a query takes.</summary>
internal static class BenchCommand
{
    public static Command Build()
    {
        var policies = new PolicyOptions();
        var query = new Argument<string>("QUERY") { Description = "For example data.policy.allow" };
        var seconds = new Option<double>("--seconds") { Description = "How long to measure", DefaultValueFactory = _ => 1 };
        var format = new Option<string>("--format", "-f") { Description = "pretty or json", DefaultValueFactory = _ => "pretty" };
        format.AcceptOnlyFromAmong("pretty", "json");
        var command = new Command("bench", "Measure a query") { query, seconds, format };
        policies.AddTo(command, withInput: true);
        command.SetAction(async (result, ct) =>
        {
            var set = await policies.LoadAsync(result, ct: ct).ConfigureAwait(false);
            var request = await policies.RequestAsync(result, set, null, ct).ConfigureAwait(false);
            var text = result.GetRequiredValue(query);
            var isPath = set.Program.HasRule(text);
            Func<RegoEvaluation> evaluate = isPath ? () => set.Program.Evaluate(text, request) : () => set.Program.EvaluateQuery(text, request);
            if (evaluate().Fault is { } fault)
            {
                throw new CommandFailedException(fault.ToString(), ExitCode.Refused);
            }

            var (nanoseconds, bytes) = Measure(evaluate, TimeSpan.FromSeconds(Math.Clamp(result.GetValue(seconds), 0.01, 600)), ct);
            Array.Sort(nanoseconds);
            (string Name, double Value)[] figures =
            [
                ("samples", nanoseconds.Length),
                ("ns/op", nanoseconds.Average()),
                ("ns/op p50", nanoseconds[nanoseconds.Length / 2]),
                ("ns/op p99", nanoseconds[(int)(nanoseconds.Length * 0.99)]),
                ("B/op", bytes),
                ("steps/op", evaluate().Steps),
            ];
            if (result.GetValue(format) == "json")
            {
                RegoOutput.WriteJson(writer =>
                {
                    writer.WriteStartObject();
                    foreach (var (name, value) in figures)
                    {
                        writer.WriteNumber(name, Math.Round(value));
                    }

                    writer.WriteEndObject();
                });
            }
            else
            {
                RegoOutput.WriteTable(["figure", "value"], figures.Select(static figure => (string[])[figure.Name, figure.Value.ToString("0", CultureInfo.InvariantCulture)]));
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static (double[] Nanoseconds, double Bytes) Measure(Func<RegoEvaluation> evaluate, TimeSpan duration, CancellationToken ct)
    {
        // The first tenth lets the compiler settle and does not count.
        Collect(evaluate, duration / 10, ct);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var times = Collect(evaluate, duration, ct);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before - (times.Capacity * 2L * sizeof(double));
        return ([.. times], Math.Max(0, bytes) / (double)times.Count);
    }

    private static List<double> Collect(Func<RegoEvaluation> evaluate, TimeSpan duration, CancellationToken ct)
    {
        var times = new List<double>(1 << 16);
        var begin = Stopwatch.GetTimestamp();
        do
        {
            ct.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            evaluate();
            times.Add(Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
        while (Stopwatch.GetElapsedTime(begin) < duration);
        return times;
    }
}
