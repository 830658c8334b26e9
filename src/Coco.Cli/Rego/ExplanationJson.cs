// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Explanations for programs.</summary>
internal static class ExplanationJson
{
    public static void Write(Utf8JsonWriter writer, RegoExplanation explanation)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("rules");
        foreach (var rule in explanation.Rules)
        {
            Write(writer, rule);
        }

        writer.WriteEndArray();
        Write(writer, "input_reads", explanation.InputReads);
        writer.WriteBoolean("truncated", explanation.IsTruncated);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, RegoRuleTrace rule)
    {
        writer.WriteStartObject();
        writer.WriteString("name", rule.Name);
        if (rule.Value is not null)
        {
            writer.WritePropertyName("value");
            rule.Value.WriteJson(writer);
        }

        writer.WriteStartArray("clauses");
        foreach (var clause in rule.Clauses)
        {
            writer.WriteStartObject();
            writer.WriteString("location", clause.Location.ToString());
            writer.WriteBoolean("holds", clause.Holds);
            Failures(writer, "failures", clause.Failures);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Failures(Utf8JsonWriter writer, string name, IEnumerable<RegoFailure> failures)
    {
        writer.WriteStartArray(name);
        foreach (var failure in failures)
        {
            writer.WriteStartObject();
            writer.WriteString("location", failure.Location.ToString());
            writer.WriteString("expression", failure.Expression);
            writer.WriteStartObject("variables");
            foreach (var (variable, value) in failure.Variables)
            {
                writer.WritePropertyName(variable);
                value.WriteJson(writer);
            }

            writer.WriteEndObject();
            Write(writer, "input_reads", failure.InputReads);
            if (!failure.BuiltinErrors.IsEmpty)
            {
                writer.WriteStartArray("builtin_errors");
                foreach (var error in failure.BuiltinErrors)
                {
                    writer.WriteStringValue(error);
                }

                writer.WriteEndArray();
            }

            if (!failure.Inner.IsEmpty)
            {
                Failures(writer, "inner", failure.Inner);
            }

            writer.WriteStartArray("rules");
            foreach (var rule in failure.Rules)
            {
                Write(writer, rule);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, string name, IEnumerable<RegoInputRead> reads)
    {
        writer.WriteStartArray(name);
        foreach (var read in reads)
        {
            writer.WriteStartObject();
            writer.WriteString("path", read.Path);
            writer.WriteBoolean("exists", read.Exists);
            if (read.Value is not null)
            {
                writer.WritePropertyName("value");
                read.Value.WriteJson(writer);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
