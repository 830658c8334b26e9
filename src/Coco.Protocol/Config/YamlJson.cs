// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Coco.Protocol;

/// <summary>Reads YAML from outside into the JSON model by the core schema of YAML 1.2. No tags, anchors or aliases: they make a small text large.</summary>
public static class YamlJson
{
    private const int MaxDepth = 64;

    /// <summary>Reads one document. Refused: larger than <paramref name="maxBytes"/>, deeper than 64, duplicate keys, keys that are no scalars, tags, anchors, aliases, a second document.</summary>
    /// <returns>The value; an empty document is an empty object.</returns>
    public static Result<JsonNode> Parse(ReadOnlySpan<byte> utf8, int maxBytes = TomlJson.DefaultMaxBytes)
    {
        if (utf8.Length > maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"YAML of {utf8.Length} bytes, {maxBytes} are allowed");
        }

        if (!System.Text.Unicode.Utf8.IsValid(utf8))
        {
            return new Refusal(RefusalCode.Malformed, "YAML is not valid UTF-8");
        }

        try
        {
            var events = new Parser(new StringReader(Encoding.UTF8.GetString(utf8)));
            var reading = new Reading(events);
            return reading.Document();
        }
        catch (YamlException e)
        {
            // The library's words may repeat the text, which may be a secret.
            return At("not YAML", e.Start);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            return new Refusal(RefusalCode.Malformed, "not YAML");
        }
    }

    private static Refusal At(string what, Mark mark) =>
        new(RefusalCode.Malformed, string.Create(CultureInfo.InvariantCulture, $"{what}: line {mark.Line}, column {mark.Column}")) { Offset = mark.Index };

    private sealed class Reading(IParser events)
    {
        private Refusal? _refusal;

        public Result<JsonNode> Document()
        {
            events.Consume<StreamStart>();
            if (events.TryConsume<StreamEnd>(out _))
            {
                return new JsonObject();
            }

            events.Consume<DocumentStart>();
            JsonNode? root = Node(0);
            if (_refusal is not null)
            {
                return _refusal;
            }

            events.Consume<DocumentEnd>();
            return events.TryConsume<StreamEnd>(out _)
                ? root ?? new JsonObject()
                : new Refusal(RefusalCode.Malformed, "YAML: more than one document");
        }

        private JsonNode? Node(int depth)
        {
            if (depth > MaxDepth)
            {
                return Fail(new Refusal(RefusalCode.TooLarge, $"YAML is nested deeper than {MaxDepth}"));
            }

            ParsingEvent current = events.Consume<ParsingEvent>();
            if (current is NodeEvent node && (!node.Anchor.IsEmpty || (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)))
            {
                return Fail(At("YAML: tags and anchors are not accepted", node.Start));
            }

            switch (current)
            {
                case Scalar scalar:
                    return Value(scalar);
                case SequenceStart:
                    {
                        var list = new JsonArray();
                        while (_refusal is null && !Ends<SequenceEnd>())
                        {
                            list.Add(Node(depth + 1));
                        }

                        return list;
                    }

                case MappingStart:
                    {
                        var map = new JsonObject();
                        while (_refusal is null && !Ends<MappingEnd>())
                        {
                            if (!events.TryConsume<Scalar>(out Scalar? key) || key is null || !key.Anchor.IsEmpty || !key.Tag.IsEmpty || (key.Style == ScalarStyle.Plain && key.Value == "<<"))
                            {
                                return Fail(At("YAML: a key must be a plain scalar", current.Start));
                            }

                            JsonNode? value = Node(depth + 1);
                            if (_refusal is null && !map.TryAdd(key.Value, value))
                            {
                                return Fail(At("YAML: a key is defined twice", key.Start));
                            }
                        }

                        return map;
                    }

                default:
                    return Fail(At("YAML: aliases are not accepted", current.Start));
            }
        }

        private bool Ends<T>()
            where T : ParsingEvent => events.TryConsume<T>(out _);

        private JsonNode? Fail(Refusal refusal)
        {
            _refusal ??= refusal;
            return null;
        }

        private JsonNode? Value(Scalar scalar)
        {
            string text = scalar.Value;
            if (scalar.Style != ScalarStyle.Plain)
            {
                return JsonValue.Create(text);
            }

            switch (text)
            {
                case "" or "~" or "null" or "Null" or "NULL":
                    return null;
                case "true" or "True" or "TRUE":
                    return JsonValue.Create(true);
                case "false" or "False" or "FALSE":
                    return JsonValue.Create(false);
                default:
                    break;
            }

            if (text[0] is (>= '0' and <= '9') or '-' or '+' or '.')
            {
                if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
                {
                    return JsonValue.Create(integer);
                }

                if (text.StartsWith("0x", StringComparison.Ordinal) && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out integer))
                {
                    return JsonValue.Create(integer);
                }

                if (text.AsSpan().IndexOfAnyExcept("0123456789+-.eE") < 0
                    && double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number)
                    && double.IsFinite(number))
                {
                    return JsonValue.Create(number);
                }
            }

            return JsonValue.Create(text);
        }
    }
}
