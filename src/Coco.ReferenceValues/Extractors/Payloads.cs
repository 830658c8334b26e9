// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.ReferenceValues.Extractors;

/// <summary>The encodings that payloads share.</summary>
internal static class Payloads
{
    private const int MaxJsonBytes = ReferenceValueMessage.MaxBytes;

    /// <summary>Standard base64 with padding; a line break at the end (as <c>base64</c> writes it) is tolerated.</summary>
    public static Result<byte[]> DecodeBase64(string text, string what) =>
        StrictBase64.DecodeStandard(text.AsSpan().TrimEnd("\r\n")).TryGet(out byte[]? bytes, out Refusal? why) ? bytes : why.Within(what);

    /// <summary>JSON without duplicate members, at most 64 deep. The element owns its memory.</summary>
    public static Result<JsonElement> ParseJson(ReadOnlyMemory<byte> utf8, string what) =>
        HostileJson.Parse(utf8.Span, MaxJsonBytes).TryGet(out JsonElement json, out Refusal? why) ? json : why.Within(what);

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
