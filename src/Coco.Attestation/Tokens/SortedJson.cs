// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>Writes JSON with the members of every object sorted by name, as the reference's maps do.</summary>
internal static class SortedJson
{
    public static readonly JsonWriterOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static void Write(Utf8JsonWriter json, JsonNode? node)
    {
        switch (node)
        {
            case null:
                json.WriteNullValue();
                break;
            case JsonObject o:
                json.WriteStartObject();
                string[] names = new string[o.Count];
                int n = 0;
                bool sorted = true;
                foreach ((string name, _) in o)
                {
                    names[n] = name;
                    sorted &= n == 0 || string.CompareOrdinal(names[n - 1], name) < 0;
                    n++;
                }

                if (!sorted)
                {
                    Array.Sort(names, StringComparer.Ordinal);
                }

                foreach (string name in names)
                {
                    json.WritePropertyName(name);
                    Write(json, o[name]);
                }

                json.WriteEndObject();
                break;
            case JsonArray a:
                json.WriteStartArray();
                foreach (JsonNode? item in a)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case JsonValue v when v.TryGetValue(out JsonElement element) && element.ValueKind is JsonValueKind.Object or JsonValueKind.Array:
                Write(json, element.ValueKind == JsonValueKind.Object ? JsonObject.Create(element) : JsonArray.Create(element));
                break;
            default:
                node.WriteTo(json);
                break;
        }
    }
}
