// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Which lines were evaluated, file by file.</summary>
internal static class CoverageReport
{
    /// <summary>Covered lines in a hundred, over all files.</summary>
    public static double Percent(IReadOnlyList<RegoFileCoverage> files)
    {
        var covered = files.Sum(static file => file.Covered.Length);
        var all = covered + files.Sum(static file => file.NotCovered.Length);
        return all == 0 ? 100 : 100.0 * covered / all;
    }

    public static void WriteText(IReadOnlyList<RegoFileCoverage> files)
    {
        foreach (var file in files)
        {
            Console.Out.Write(string.Create(CultureInfo.InvariantCulture, $"{file.File}: {file.Percent:0.0} % of lines"));
            Console.Out.WriteLine(file.NotCovered.IsEmpty ? "" : ", not covered: " + string.Join(", ", Ranges(file.NotCovered).Select(static r => r.From == r.To ? $"{r.From}" : $"{r.From}-{r.To}")));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"coverage: {Percent(files):0.0} %"));
    }

    public static void WriteJson(Utf8JsonWriter writer, IReadOnlyList<RegoFileCoverage> files)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("files");
        foreach (var file in files)
        {
            writer.WriteStartObject(file.File);
            Lines(writer, "covered", file.Covered);
            Lines(writer, "not_covered", file.NotCovered);
            writer.WriteNumber("coverage", Math.Round(file.Percent, 2));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteNumber("covered_lines", files.Sum(static file => file.Covered.Length));
        writer.WriteNumber("not_covered_lines", files.Sum(static file => file.NotCovered.Length));
        writer.WriteNumber("coverage", Math.Round(Percent(files), 2));
        writer.WriteEndObject();
    }

    private static void Lines(Utf8JsonWriter writer, string name, IReadOnlyList<int> lines)
    {
        writer.WriteStartArray(name);
        foreach (var (from, to) in Ranges(lines))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("start");
            writer.WriteNumber("row", from);
            writer.WriteEndObject();
            writer.WriteStartObject("end");
            writer.WriteNumber("row", to);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static List<(int From, int To)> Ranges(IReadOnlyList<int> lines)
    {
        var ranges = new List<(int From, int To)>();
        foreach (var line in lines)
        {
            if (ranges.Count > 0 && ranges[^1].To == line - 1)
            {
                ranges[^1] = (ranges[^1].From, line);
            }
            else
            {
                ranges.Add((line, line));
            }
        }

        return ranges;
    }
}
