// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Coco.Benchmarks;

bool cpuTime = args.Contains("--cpu-time");
string filter = args.FirstOrDefault(a => a != "--cpu-time") ?? string.Empty;
Type[] suites =
[
    .. typeof(IFigures).Assembly.GetTypes()
        .Where(t => t is { IsClass: true, IsAbstract: false } && typeof(IFigures).IsAssignableFrom(t))
        .OrderBy(t => t.FullName, StringComparer.Ordinal),
];
Type[] chosen = [.. suites.Where(t => filter.Length == 0 || GroupOf(t) == filter || t.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];
if (chosen.Length == 0)
{
    Console.Error.WriteLine($"bench: nothing matches '{filter}'; groups: {string.Join(", ", suites.Select(GroupOf).Distinct())}");
    return 1;
}

// In process: the machine is small, and the limits must be taken in the same run as what is measured against them.
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(Job.Default.WithToolchain(InProcessNoEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(8))
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddLogger(Environment.GetEnvironmentVariable("COCO_BENCH_VERBOSE") == "1" ? ConsoleLogger.Default : NullLogger.Instance)
    .WithOptions(ConfigOptions.DisableLogFile)
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "coco-bench"));
Console.WriteLine("name value unit limit ratio");
bool failed = false;
foreach (Type suite in chosen)
{
    Console.Error.WriteLine($"measuring {suite.Name} …");
    if (cpuTime)
    {
        Print(FiguresOf(suite, new Measured(CpuTime.Measure(suite))));
        continue;
    }

    Summary summary = BenchmarkRunner.Run(suite, config);
    var results = new Dictionary<string, (double, double)>(StringComparer.Ordinal);
    foreach (BenchmarkReport report in summary.Reports)
    {
        if (report.ResultStatistics is { } statistics)
        {
            long operations = report.GcStats.TotalOperations;
            double bytes = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0;
            results[report.BenchmarkCase.Descriptor.WorkloadMethod.Name] = (statistics.Median, operations == 0 ? 0 : bytes);
        }
        else
        {
            Console.Error.WriteLine($"bench: {suite.Name}.{report.BenchmarkCase.Descriptor.WorkloadMethod.Name} did not run");
            failed = true;
        }
    }

    if (failed || results.Count == 0)
    {
        continue;
    }

    Print(FiguresOf(suite, new Measured(results)));
}

return failed ? 1 : 0;

static void Print(IEnumerable<Figure> figures)
{
    foreach (Figure figure in figures)
    {
        string limit = figure.Limit is { } l ? l.ToString("0.###", CultureInfo.InvariantCulture) : "-";
        string ratio = figure.Limit is { } r && r > 0 ? (figure.Value / r).ToString("0.000", CultureInfo.InvariantCulture) : "-";
        Console.WriteLine($"{figure.Name} {figure.Value.ToString("0.###", CultureInfo.InvariantCulture)} {figure.Unit} {limit} {ratio}");
    }
}

static string GroupOf(Type t) => (string)Property(t, nameof(IFigures.Group)).GetValue(null)!;

static IEnumerable<Figure> FiguresOf(Type t, Measured run) =>
    (IEnumerable<Figure>)t.GetMethod(nameof(IFigures.Figures), BindingFlags.Public | BindingFlags.Static)!.Invoke(null, [run])!;

static PropertyInfo Property(Type t, string name) => t.GetProperty(name, BindingFlags.Public | BindingFlags.Static)!;
