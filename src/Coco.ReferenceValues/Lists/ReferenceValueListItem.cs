// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;

namespace Coco.ReferenceValues.Lists;

/// <summary>One entry of <c>rv_list</c> (rvps.md 7).</summary>
internal sealed record ReferenceValueListItem(string Id, string Version, string Type, ProvenanceKind Kind, bool Merge, string Name)
{
    private const int MaxItems = 10_000;

    /// <summary>Where the material is; null: Rekor.</summary>
    public MaterialLocation? Source { get; init; }

    public string? RekorUrl { get; init; }

    /// <summary>Reads the whole payload.</summary>
    public static Result<ImmutableArray<ReferenceValueListItem>> ParseAll(string payload)
    {
        if (!HostileJson.Parse(payload, ReferenceValueMessage.MaxBytes).TryGet(out JsonElement root, out Refusal? why))
        {
            return why.Within("reference value list");
        }

        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("rv_list", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "reference value list has no array rv_list") { Field = "rv_list" };
        }

        if (list.GetArrayLength() > MaxItems)
        {
            return new Refusal(RefusalCode.TooLarge, $"rv_list has {list.GetArrayLength()} items, at most {MaxItems}");
        }

        var items = ImmutableArray.CreateBuilder<ReferenceValueListItem>();
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (!Parse(one).TryGet(out ReferenceValueListItem? item, out why))
            {
                return why.Within($"rv_list[{items.Count}]");
            }

            items.Add(item);
        }

        return items.ToImmutable();
    }

    private static Result<ReferenceValueListItem> Parse(JsonElement json)
    {
        foreach (string member in new[] { "id", "version", "type", "operation_type" })
        {
            if (json.Text(member) is not { Length: > 0 })
            {
                return new Refusal(RefusalCode.Malformed, $"'{member}' is missing or empty") { Field = member };
            }
        }

        if (!json.TryGetProperty("provenance_info", out JsonElement info) || info.ValueKind != JsonValueKind.Object || info.Text("rekor_url") is not { } rekor)
        {
            return new Refusal(RefusalCode.Malformed, "provenance_info needs type and rekor_url") { Field = "provenance_info" };
        }

        ProvenanceKind? kind = info.Text("type") switch
        {
            "rv-release-manifest" => ProvenanceKind.ReleaseManifest,
            "slsa-intoto-statements" => ProvenanceKind.SlsaStatements,
            _ => null,
        };
        if (kind is null)
        {
            return new Refusal(RefusalCode.Unsupported, $"provenance of type '{info.Text("type")}' is not known") { Field = "provenance_info.type" };
        }

        bool? merge = json.Text("operation_type")!.ToUpperInvariant() switch { "ADD" => true, "REFRESH" => false, _ => null };
        if (merge is null)
        {
            return new Refusal(RefusalCode.Malformed, "operation_type is add or refresh") { Field = "operation_type" };
        }

        MaterialLocation? source = null;
        if (json.TryGetProperty("provenance_source", out JsonElement s) && s.ValueKind != JsonValueKind.Null)
        {
            if (s.Text("protocol") is not ("oci" or "file") || s.Text("uri") is not { Length: > 0 } uri)
            {
                return new Refusal(RefusalCode.Malformed, "provenance_source needs protocol (oci or file) and uri") { Field = "provenance_source" };
            }

            source = new MaterialLocation(s.Text("protocol")!, uri, s.Text("artifact"));
        }
        else if (kind == ProvenanceKind.ReleaseManifest)
        {
            return new Refusal(RefusalCode.Malformed, "a release manifest needs provenance_source") { Field = "provenance_source" };
        }

        string id = json.Text("id")!, type = json.Text("type")!;
        string name = json.Text("rv_name")?.Trim() ?? (kind == ProvenanceKind.ReleaseManifest ? id : $"measurement.{type}.{id}");
        return name.Length == 0
            ? new Refusal(RefusalCode.Malformed, "rv_name is empty") { Field = "rv_name" }
            : new ReferenceValueListItem(id, json.Text("version")!, type, kind.Value, merge.Value, name) { Source = source, RekorUrl = rekor };
    }
}

/// <summary>The kinds of provenance in a list.</summary>
internal enum ProvenanceKind
{
    ReleaseManifest,
    SlsaStatements,
}

/// <summary>Where material is.</summary>
/// <param name="Protocol"><c>oci</c> or <c>file</c>.</param>
/// <param name="Uri">Where.</param>
/// <param name="Artifact">Null, <c>bundle</c>, <c>provenance</c> or another word.</param>
internal sealed record MaterialLocation(string Protocol, string Uri, string? Artifact);
