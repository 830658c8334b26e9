// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.ReferenceValues.Extractors;

/// <summary>The encodings that payloads share.</summary>
internal static class Payloads
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Standard base64 with padding; line breaks at the end (as <c>base64</c> writes them) are tolerated.</summary>
    public static Result<byte[]> DecodeBase64(string text, string what)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().TrimEnd("\r\n");
        byte[] bytes = new byte[(trimmed.Length / 4 * 3) + 3];
        if (trimmed.ContainsAny(" \t\r\n") || !Convert.TryFromBase64Chars(trimmed, bytes, out int written))
        {
            return new Refusal(RefusalCode.Malformed, $"{what} is not base64");
        }

        return bytes[..written];
    }

    /// <summary>JSON without duplicate members, at most 64 deep. The element outlives the call.</summary>
    public static Result<JsonElement> ParseJson(ReadOnlyMemory<byte> utf8, string what)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, Strict);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            return new Refusal(RefusalCode.Malformed, $"{what} is not JSON: {e.Message}");
        }
    }

    /// <summary>JSON text, or base64 of JSON text.</summary>
    public static Result<JsonElement> ParseJsonOrBase64(string text, string what)
    {
        ReadOnlySpan<char> start = text.AsSpan().TrimStart();
        if (!start.IsEmpty && start[0] is '{' or '[')
        {
            return ParseJson(System.Text.Encoding.UTF8.GetBytes(text), what);
        }

        return DecodeBase64(text, what).TryGet(out byte[]? bytes, out Refusal? why) ? ParseJson(bytes, what) : why;
    }

    /// <summary>A text member; null when absent or of another kind.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String
            ? member.GetString()
            : null;
}
