// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Results as text and as JSON.</summary>
internal static class RegoOutput
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = RegoValue.MaxDepth + 16,
    };

    /// <summary>Writes indented JSON to standard output.</summary>
    public static void WriteJson(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        Console.Out.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    /// <summary>One value on lines of its own.</summary>
    public static void WriteValue(RegoValue value) => WriteJson(value.WriteJson);

    /// <summary>The member <c>errors</c> of a result.</summary>
    public static void WriteErrors(Utf8JsonWriter writer, IEnumerable<(string Code, string Message, RegoLocation? Location)> errors)
    {
        writer.WriteStartArray("errors");
        foreach (var (code, message, location) in errors)
        {
            writer.WriteStartObject();
            writer.WriteString("code", code);
            writer.WriteString("message", message);
            if (location is { } place)
            {
                writer.WriteStartObject("location");
                writer.WriteString("file", place.File);
                writer.WriteNumber("row", place.Row);
                writer.WriteNumber("col", place.Column);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Rows below a header, in columns.</summary>
    public static void WriteTable(string[] header, IEnumerable<string[]> rows)
    {
        string[][] lines = [header, .. rows];
        var widths = Enumerable.Range(0, header.Length).Select(column => lines.Max(line => line[column].Length)).ToArray();
        var rule = "+" + string.Join('+', widths.Select(static width => new string('-', width + 2))) + "+";
        Console.Out.WriteLine(rule);
        for (var i = 0; i < lines.Length; i++)
        {
            Console.Out.WriteLine("| " + string.Join(" | ", lines[i].Select((cell, column) => cell.PadRight(widths[column]))) + " |");
            if (i == 0 || i == lines.Length - 1)
            {
                Console.Out.WriteLine(rule);
            }
        }
    }
}
