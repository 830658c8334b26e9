// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Rego;

/// <summary>JSON to values and back.</summary>
internal static class RegoJson
{
    internal static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = RegoValue.MaxDepth + 1,
        SkipValidation = true,
    };

    internal static Result<RegoValue> Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = RegoValue.MaxDepth });
        try
        {
            if (!reader.Read())
            {
                return new Refusal(RefusalCode.Malformed, "JSON: empty");
            }

            RegoValue? value = Read(ref reader);
            return value is null
                ? new Refusal(RefusalCode.Malformed, $"JSON at byte {reader.TokenStartIndex}: number is too long") { Offset = reader.TokenStartIndex }
                : reader.Read()
                    ? new Refusal(RefusalCode.Malformed, $"JSON at byte {reader.TokenStartIndex}: more than one value") { Offset = reader.TokenStartIndex }
                    : value;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or RegoValueTooDeepException or RegoValueTooLargeException)
        {
            return new Refusal(RefusalCode.Malformed, $"JSON near byte {reader.BytesConsumed}: {FirstSentence(e.Message)}") { Offset = reader.BytesConsumed };
        }
    }

    internal static RegoValue FromElement(JsonElement element, int depth)
    {
        if (depth > RegoValue.MaxDepth)
        {
            throw new RegoValueTooDeepException();
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.True:
                return RegoValue.True;
            case JsonValueKind.False:
                return RegoValue.False;
            case JsonValueKind.String:
                return RegoString.Of(element.GetString()!);
            case JsonValueKind.Number:
                return RegoNumber.TryParse(element.GetRawText(), out RegoNumber? n) ? n : throw new RegoNumberTooLargeException();
            case JsonValueKind.Array:
                {
                    var items = new RegoValue[element.GetArrayLength()];
                    int i = 0;
                    foreach (JsonElement item in element.EnumerateArray())
                    {
                        items[i++] = FromElement(item, depth + 1);
                    }

                    return RegoArray.Adopt(items);
                }

            case JsonValueKind.Object:
                {
                    var keys = new List<RegoValue>();
                    var values = new List<RegoValue>();
                    foreach (JsonProperty member in element.EnumerateObject())
                    {
                        keys.Add(RegoString.Of(member.Name));
                        values.Add(FromElement(member.Value, depth + 1));
                    }

                    return RegoObject.Adopt([.. keys], [.. values]);
                }

            default:
                return RegoValue.Null;
        }
    }

    internal static RegoValue FromNode(JsonNode? node, int depth)
    {
        if (depth > RegoValue.MaxDepth)
        {
            throw new RegoValueTooDeepException();
        }

        switch (node)
        {
            case null:
                return RegoValue.Null;
            case JsonArray array:
                {
                    var items = new RegoValue[array.Count];
                    for (int i = 0; i < items.Length; i++)
                    {
                        items[i] = FromNode(array[i], depth + 1);
                    }

                    return RegoArray.Adopt(items);
                }

            case JsonObject members:
                {
                    var keys = new RegoValue[members.Count];
                    var values = new RegoValue[members.Count];
                    int i = 0;
                    foreach ((string name, JsonNode? value) in members)
                    {
                        keys[i] = RegoString.Of(name);
                        values[i++] = FromNode(value, depth + 1);
                    }

                    return RegoObject.Adopt(keys, values);
                }

            default:
                return FromScalar(node.AsValue());
        }
    }

    internal static void Write(Utf8JsonWriter writer, RegoValue value)
    {
        switch (value)
        {
            case RegoNull:
                writer.WriteNullValue();
                break;
            case RegoBoolean b:
                writer.WriteBooleanValue(b.Value);
                break;
            case RegoNumber n:
                if (n.TryGetInt64(out long small))
                {
                    writer.WriteNumberValue(small);
                }
                else
                {
                    writer.WriteRawValue(n.ToText(), skipInputValidation: true);
                }

                break;
            case RegoString s:
                writer.WriteStringValue(s.Value);
                break;
            case RegoArray a:
                WriteItems(writer, a.Items);
                break;
            case RegoSet s:
                WriteItems(writer, s.Items);
                break;
            case RegoObject o:
                writer.WriteStartObject();
                for (int i = 0; i < o.Count; i++)
                {
                    writer.WritePropertyName(o.Keys[i] is RegoString name ? name.Value : o.Keys[i].ToJson());
                    Write(writer, o.Values[i]);
                }

                writer.WriteEndObject();
                break;
        }
    }

    private static void WriteItems(Utf8JsonWriter writer, ReadOnlySpan<RegoValue> items)
    {
        writer.WriteStartArray();
        foreach (RegoValue item in items)
        {
            Write(writer, item);
        }

        writer.WriteEndArray();
    }

    private static RegoValue FromScalar(JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                return RegoValue.True;
            case JsonValueKind.False:
                return RegoValue.False;
            case JsonValueKind.String:
                return RegoString.Of(value.TryGetValue(out string? text) ? text : value.ToString());
            case JsonValueKind.Number:
                if (value.TryGetValue(out long number))
                {
                    return RegoNumber.Of(number);
                }

                return RegoNumber.TryParse(value.ToJsonString(), out RegoNumber? n) ? n : throw new RegoNumberTooLargeException();
            default:
                return RegoValue.Null;
        }
    }

    // Null when a number has more digits than are allowed.
    private static RegoValue? Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return RegoValue.Null;
            case JsonTokenType.True:
                return RegoValue.True;
            case JsonTokenType.False:
                return RegoValue.False;
            case JsonTokenType.String:
                return RegoString.Of(reader.GetString()!);
            case JsonTokenType.Number:
                if (reader.TryGetInt64(out long small) && reader.ValueSpan.IndexOfAny("eE."u8) < 0)
                {
                    return RegoNumber.Of(small);
                }

                return RegoNumber.TryParse(Encoding.ASCII.GetString(reader.ValueSpan), out RegoNumber? n) ? n : null;
            case JsonTokenType.StartArray:
                {
                    var items = new List<RegoValue>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    {
                        if (Read(ref reader) is not { } item)
                        {
                            return null;
                        }

                        items.Add(item);
                    }

                    return RegoArray.OfList(items);
                }

            default:
                {
                    var keys = new List<RegoValue>();
                    var values = new List<RegoValue>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                    {
                        keys.Add(RegoString.Of(reader.GetString()!));
                        reader.Read();
                        if (Read(ref reader) is not { } value)
                        {
                            return null;
                        }

                        values.Add(value);
                    }

                    return RegoObject.Adopt([.. keys], [.. values]);
                }
        }
    }

    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(". ", StringComparison.Ordinal);
        return end > 0 ? message[..end] : message;
    }
}
