// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Coco.Benchmarks;

/// <summary>
/// Measures the CPU time of the process instead of the time that passes, for machines that others use too. The methods of a class take turns, so that
/// what disturbs one disturbs the others; figures in "per-second" are per second of CPU time.
/// </summary>
internal static class CpuTime
{
    private const int Rounds = 9;
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(200);

    /// <summary>The median nanoseconds and the bytes of one operation, by method name.</summary>
    public static Dictionary<string, (double Nanoseconds, double Bytes)> Measure(Type suite)
    {
        object instance = Activator.CreateInstance(suite)!;
        Call(suite, instance, typeof(GlobalSetupAttribute));
        (string Name, Action Run)[] methods =
        [
            .. suite.GetMethods().Where(m => m.GetCustomAttribute<BenchmarkAttribute>() is not null && m.GetParameters().Length == 0)
                .Select(m => (m.Name, Action(m, instance))),
        ];
        foreach ((_, Action run) in methods)
        {
            Operations(run, Warmup);
        }

        var turns = methods.ToDictionary(m => m.Name, _ => new List<double>());
        var bytes = methods.ToDictionary(m => m.Name, _ => 0.0);
        for (int round = 0; round < Rounds; round++)
        {
            foreach ((string name, Action run) in methods)
            {
                (double nanoseconds, bytes[name]) = Operations(run, Turn);
                turns[name].Add(nanoseconds);
            }
        }

        Call(suite, instance, typeof(GlobalCleanupAttribute));
        return turns.ToDictionary(t => t.Key, t => (t.Value.Order().ElementAt(t.Value.Count / 2), bytes[t.Key]));
    }

    private static (double Nanoseconds, double Bytes) Operations(Action run, TimeSpan atLeast)
    {
        long operations = 0, allocated = GC.GetTotalAllocatedBytes();
        TimeSpan from = Environment.CpuUsage.TotalTime, spent;
        do
        {
            run();
            operations++;
            spent = Environment.CpuUsage.TotalTime - from;
        }
        while (spent < atLeast);
        return (spent.TotalNanoseconds / operations, (GC.GetTotalAllocatedBytes() - allocated) / (double)operations);
    }

    private static Action Action(MethodInfo method, object instance)
    {
        if (method.ReturnType == typeof(void))
        {
            return method.CreateDelegate<Action>(instance);
        }

        // Boxing a result would cost more than some of the methods.
        return (Action)typeof(CpuTime).GetMethod(nameof(Discard), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(method.ReturnType).Invoke(null, [method.CreateDelegate(typeof(Func<>).MakeGenericType(method.ReturnType), instance)])!;
    }

    private static Action Discard<T>(Func<T> run) => () => _ = run();

    private static void Call(Type suite, object instance, Type attribute) =>
        suite.GetMethods().FirstOrDefault(m => m.IsDefined(attribute))?.Invoke(instance, null);
}
