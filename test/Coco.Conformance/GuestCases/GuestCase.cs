// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Conformance.GuestCases;

/// <summary>One case of the guest manifest.</summary>
public sealed class GuestCase(string folder, JsonElement json)
{
    /// <summary>The id.</summary>
    public string Id => json.GetProperty("id").GetString()!;

    /// <summary>The kind.</summary>
    public string Kind => json.GetProperty("kind").GetString()!;

    /// <summary>Whether it must end in an ordinary, typed error.</summary>
    public bool IsReject => json.GetProperty("expect").GetString() switch
    {
        "accept" => false,
        "reject" => true,
        string other => throw new FormatException("unknown expectation " + other),
        null => throw new FormatException("no expectation"),
    };

    /// <summary>The parameters.</summary>
    public JsonElement Params => json.GetProperty("params");

    /// <summary>What must come out.</summary>
    public JsonElement Expected => json.TryGetProperty("expect_detail", out JsonElement e) ? e : default;

    /// <summary>Whether a file of this role is named.</summary>
    public bool HasFile(string role) => json.TryGetProperty("files", out JsonElement files) && files.TryGetProperty(role, out _);

    /// <summary>The path of a role.</summary>
    public string PathOf(string role) => Path.Combine(folder, json.GetProperty("files").GetProperty(role).GetString()!);

    /// <summary>The bytes of a role.</summary>
    public byte[] Bytes(string role) => File.ReadAllBytes(PathOf(role));

    /// <summary>The text of a role.</summary>
    public string Text(string role) => File.ReadAllText(PathOf(role));

    /// <summary>A text parameter; null when absent.</summary>
    public string? Param(string name) => Params.ValueKind == JsonValueKind.Object && Params.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;

    /// <summary>An expected member; null when absent.</summary>
    public JsonElement? Expect(string name) => Expected.ValueKind == JsonValueKind.Object && Expected.TryGetProperty(name, out JsonElement e) ? e : null;

    /// <summary>An expected text; null when absent.</summary>
    public string? ExpectText(string name) => Expect(name) is { ValueKind: JsonValueKind.String } e ? e.GetString() : null;

    /// <summary>The verdict of an operation that was refused, or (null) was not and gave all that it should.</summary>
    public CaseVerdict Refused(Refusal refusal) => IsReject ? CaseVerdict.Passed : CaseVerdict.Failed("refused: " + refusal);

    /// <summary>The verdict of an operation that succeeded.</summary>
    /// <param name="differences">What is not as expected; nothing when all is.</param>
    public CaseVerdict Accepted(params IEnumerable<string?> differences)
    {
        if (IsReject)
        {
            return CaseVerdict.Failed("accepted, should be refused: " + ExpectText("reason"));
        }

        string[] all = [.. differences.OfType<string>()];
        return all.Length == 0 ? CaseVerdict.Passed : CaseVerdict.Failed(string.Join("; ", all));
    }

    /// <summary>Null when the expected text is absent or equal.</summary>
    public string? Compare(string name, string? actual) =>
        Expect(name) is not { } e || (e.ValueKind == JsonValueKind.String ? e.GetString() : e.GetRawText()) == actual ? null : $"{name} is {actual}, expected {e}";

    /// <summary>Null when the expected JSON is absent or equal as JSON.</summary>
    public string? CompareJson(string name, JsonNode? actual) =>
        Expect(name) is not { } e || JsonNode.DeepEquals(JsonNode.Parse(e.GetRawText()), actual) ? null : $"{name} is {actual?.ToJsonString()}, expected {e.GetRawText()}";
}
