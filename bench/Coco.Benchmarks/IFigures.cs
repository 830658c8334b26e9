// SPDX-License-Identifier: Apache-2.0
namespace Coco.Benchmarks;

/// <summary>A benchmark class that says what its measurements mean. Found by reflection; the group is the word that the filter selects.</summary>
public interface IFigures
{
    /// <summary>Name of the group, for example <c>verify</c>, <c>rego</c>.</summary>
    static abstract string Group { get; }

    /// <summary>The figures, made of what was measured in this run.</summary>
    static abstract IEnumerable<Figure> Figures(Measured run);
}

/// <summary>One line of the report.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">How much.</param>
/// <param name="Unit">Of what.</param>
/// <param name="Limit">What the machine allowed in the same run, in the same unit; null where there is none.</param>
public sealed record Figure(string Name, double Value, string Unit, double? Limit);

/// <summary>What BenchmarkDotNet measured, by method name.</summary>
public sealed class Measured(IReadOnlyDictionary<string, (double Nanoseconds, double Bytes)> results)
{
    /// <summary>Mean time of one operation in nanoseconds.</summary>
    public double Nanoseconds(string method) => results[method].Nanoseconds;

    /// <summary>Operations a second.</summary>
    public double PerSecond(string method) => 1e9 / results[method].Nanoseconds;

    /// <summary>Bytes allocated by one operation.</summary>
    public double Bytes(string method) => results[method].Bytes;
}
