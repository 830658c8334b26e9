// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.ReferenceValues;

/// <summary>The envelope of a registration (rvps.md 3).</summary>
/// <param name="Type">Names the extractor.</param>
/// <param name="Payload">Extractor specific.</param>
public sealed record ReferenceValueMessage(string Type, string Payload)
{
    /// <summary>Larger messages are refused: 16 MiB, since in-toto messages carry files.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>Reads the JSON text; the version must be 0.1.0 (or absent).</summary>
    public static Result<ReferenceValueMessage> Parse(string text)
    {
        if (text.Length > MaxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"message has {text.Length} characters, at most {MaxBytes} are read");
        }

        return HostileJson.Parse(text, 4 * MaxBytes).TryGet(out JsonElement root, out Refusal? why) ? Read(root) : why.Within("message");
    }

    /// <summary>The JSON text of a message.</summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("version"u8, ReferenceValueRecord.CurrentVersion);
            json.WriteString("type"u8, Type);
            json.WriteString("payload"u8, Payload);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static Result<ReferenceValueMessage> Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "message is not a JSON object");
        }

        if (root.TryGetProperty("version", out JsonElement version))
        {
            string? given = version.ValueKind == JsonValueKind.String ? version.GetString() : version.GetRawText();
            if (given != ReferenceValueRecord.CurrentVersion)
            {
                return new Refusal(RefusalCode.Unsupported, $"Version unmatched! Need {ReferenceValueRecord.CurrentVersion}, given {given}.") { Field = "version" };
            }
        }

        if (!root.TryGetProperty("type", out JsonElement type) || type.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "message has no 'type'") { Field = "type" };
        }

        if (!root.TryGetProperty("payload", out JsonElement payload) || payload.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "message has no 'payload'") { Field = "payload" };
        }

        return new ReferenceValueMessage(type.GetString()!, payload.GetString()!);
    }
}
