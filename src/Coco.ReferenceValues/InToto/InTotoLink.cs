// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;

namespace Coco.ReferenceValues.InToto;

/// <summary>What a step did (rvps.md 9.3).</summary>
/// <param name="Name">Name of the step.</param>
/// <param name="Materials">Path to digests by algorithm.</param>
/// <param name="Products">Path to digests by algorithm.</param>
/// <param name="Command">What was run.</param>
internal sealed record InTotoLink(
    string Name,
    ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Materials,
    ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Products,
    ImmutableArray<string> Command)
{
    private const int MaxArtifacts = 100_000;

    public static InTotoLink Empty(string name) => new(
        name,
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal),
        []);

    /// <summary>Reads the body of a link.</summary>
    public static Result<InTotoLink> Parse(JsonElement json)
    {
        if (json.Text("_type") != "link" || json.Text("name") is not { } name)
        {
            return new Refusal(RefusalCode.Malformed, "a link needs _type 'link' and a name") { Check = "in-toto.format" };
        }

        if (!ReadArtifacts(json, "materials").TryGet(out ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>? materials, out Refusal? why)
            || !ReadArtifacts(json, "products").TryGet(out ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>? products, out why))
        {
            return why;
        }

        ImmutableArray<string> command = json.TryGetProperty("command", out JsonElement c) && c.ValueKind == JsonValueKind.Array
            ? [.. c.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : e.GetRawText())]
            : [];
        return new InTotoLink(name, materials, products, command);
    }

    /// <summary>Whether both name the same artifacts with the same digests.</summary>
    public bool HasSameArtifacts(InTotoLink other) => Same(Materials, other.Materials) && Same(Products, other.Products);

    public static bool Same(ImmutableSortedDictionary<string, string> a, ImmutableSortedDictionary<string, string> b) =>
        a.Count == b.Count && a.All(e => b.TryGetValue(e.Key, out string? v) && v == e.Value);

    private static bool Same(
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> a,
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> b) =>
        a.Count == b.Count && a.All(e => b.TryGetValue(e.Key, out ImmutableSortedDictionary<string, string>? v) && Same(e.Value, v));

    private static Result<ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>> ReadArtifacts(JsonElement json, string member)
    {
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>.Builder all =
            ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
        if (!json.TryGetProperty(member, out JsonElement list))
        {
            return all.ToImmutable();
        }

        if (list.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, $"'{member}' of a link is not an object") { Check = "in-toto.format" };
        }

        foreach (JsonProperty artifact in list.EnumerateObject())
        {
            if (all.Count == MaxArtifacts)
            {
                return new Refusal(RefusalCode.TooLarge, $"a link names more than {MaxArtifacts} {member}");
            }

            if (artifact.Value.ValueKind != JsonValueKind.Object || artifact.Value.EnumerateObject().Any(h => h.Value.ValueKind != JsonValueKind.String))
            {
                return new Refusal(RefusalCode.Malformed, $"the digests of '{artifact.Name}' are not texts") { Check = "in-toto.format" };
            }

            all[artifact.Name] = artifact.Value.EnumerateObject().ToImmutableSortedDictionary(h => h.Name, h => h.Value.GetString()!, StringComparer.Ordinal);
        }

        return all.ToImmutable();
    }
}
