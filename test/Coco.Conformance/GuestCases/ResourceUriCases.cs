// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Conformance.GuestCases;

/// <summary>Resource URIs and the paths that stand for them.</summary>
public sealed class ResourceUriCases : IGuestCaseJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["resource-uri"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => Task.FromResult(Judge(one));

    private static CaseVerdict Judge(GuestCase one)
    {
        string input = one.Param("input")!;
        ResourceUri? uri;
        ResourcePath path;
        Refusal? refusal;
        switch (one.Param("form"))
        {
            case "uri":
                return ResourceUri.Parse(input).TryGet(out uri, out refusal)
                    ? one.Accepted(
                        one.Compare("plugin", uri.Plugin),
                        one.Compare("host", uri.KbsAddress),
                        one.CompareJson("path", new JsonArray([.. uri.Segments.Select(s => (JsonNode)s)])),
                        one.Expect("query") is null && uri.Query is not null ? "has a query" : one.Compare("query", uri.Query),
                        one.Compare("canonical", uri.ToString()),
                        one.Compare("http_path", uri.HttpPath))
                    : one.Refused(refusal);
            case "triple":
                return ResourceUri.Parse(input).TryGet(out uri, out refusal) && uri.ToResourcePath().TryGet(out path, out refusal)
                    ? Triple(one, path)
                    : one.Refused(refusal);
            case "legacy-path":
                return ResourceUri.ParseLegacyPath(input).TryGet(out path, out refusal) ? Triple(one, path) : one.Refused(refusal);
            case "legacy-url":
                return ResourceUri.Parse(input).TryGet(out uri, out refusal) && uri.ToLegacyUrl(one.Param("kbs_url")!).TryGet(out string? url, out refusal)
                    ? one.Accepted(one.Compare("url", url))
                    : one.Refused(refusal);
            case "rest-path":
                return ResourceUri.FromRestPath(input).TryGet(out uri, out refusal) ? one.Accepted(one.Compare("canonical", uri.ToString())) : one.Refused(refusal);
            case string other:
                throw new FormatException("unknown form " + other);
            default:
                throw new FormatException("no form");
        }
    }

    private static CaseVerdict Triple(GuestCase one, ResourcePath path) =>
        one.Accepted(one.Compare("repository", path.Repository), one.Compare("type", path.Type), one.Compare("tag", path.Tag));
}
