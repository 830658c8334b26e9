// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>Reading members of Intel's collateral. Each says in its refusal which member was wrong.</summary>
internal static class CollateralJson
{
    public static bool TryHex(string? text, int length, out byte[] bytes)
    {
        bytes = [];
        if (text is null || text.Length != 2 * length)
        {
            return false;
        }

        byte[] found = new byte[length];
        if (Convert.FromHexString(text, found, out _, out int written) != System.Buffers.OperationStatus.Done || written != length)
        {
            return false;
        }

        bytes = found;
        return true;
    }

    public static Result<byte[]> Hex(JsonElement owner, string name, int length) =>
        owner.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String && TryHex(e.GetString(), length, out byte[] bytes)
            ? bytes
            : Bad(name, $"not {2 * length} hex digits");

    public static Result<int> Number(JsonElement owner, string name, int most) =>
        owner.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int number) && number >= 0 && number <= most
            ? number
            : Bad(name, $"not a whole number from 0 to {most}");

    public static Result<string> Text(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String
            ? e.GetString()!
            : Bad(name, "not a text");

    public static Result<DateTimeOffset> Date(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String
        && DateTimeOffset.TryParseExact(
            e.GetString(), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)
            ? date
            : Bad(name, "not a time of the form 2025-06-19T10:16:03Z");

    public static Result<JsonElement> Array(JsonElement owner, string name, int most)
    {
        if (!owner.TryGetProperty(name, out JsonElement e) || e.ValueKind != JsonValueKind.Array)
        {
            return Bad(name, "not an array");
        }

        return e.GetArrayLength() <= most ? e : new Refusal(RefusalCode.TooLarge, $"{name}: more than {most} elements") { Field = name };
    }

    public static Result<JsonElement> Object(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.Object ? e : Bad(name, "not an object");

    public static Refusal Bad(string name, string detail) => new(RefusalCode.Malformed, $"{name}: missing, or {detail}") { Field = name };
}
