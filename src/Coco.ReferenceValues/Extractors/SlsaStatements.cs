// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.ReferenceValues.Extractors;

/// <summary>Reads in-toto statements with SLSA predicates (rvps.md 6.2).</summary>
internal static class SlsaStatements
{
    private static readonly string[][] VersionPaths =
    [
        ["predicate", "invocation", "configSource", "digest", "sha1"],
        ["predicate", "invocation", "configSource", "digest", "sha"],
        ["predicate", "materials", "0", "digest", "sha1"],
        ["predicate", "materials", "0", "digest", "sha"],
        ["predicate", "invocation", "environment", "github_sha"],
        ["predicate", "invocation", "environment", "github_sha1"],
        ["predicate", "invocation", "environment", "github_event_payload", "head_commit", "id"],
        ["predicate", "invocation", "environment", "github_event_payload", "commits", "0", "id"],
        ["predicate", "invocation", "environment", "github_event_payload", "after"],
    ];

    /// <summary>The subjects with their digests.</summary>
    public static Result<ImmutableArray<SlsaSubject>> Read(JsonElement statement)
    {
        if (statement.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "a provenance statement is not a JSON object");
        }

        if (statement.TryGetProperty("_type", out _) && statement.Text("_type") is not ("https://in-toto.io/Statement/v1" or "https://in-toto.io/Statement/v0.1"))
        {
            return new Refusal(RefusalCode.Unsupported, "the provenance is no in-toto statement of version 0.1 or 1") { Field = "_type" };
        }

        if (statement.TryGetProperty("predicateType", out _) && statement.Text("predicateType")?.Contains("slsa", StringComparison.Ordinal) != true)
        {
            return new Refusal(RefusalCode.Unsupported, "the predicate is not a SLSA one") { Field = "predicateType" };
        }

        string? version = VersionPaths.Select(p => Follow(statement, p)).FirstOrDefault(v => !string.IsNullOrEmpty(v));
        var subjects = ImmutableArray.CreateBuilder<SlsaSubject>();
        foreach (string member in new[] { "subject", "subjects" })
        {
            if (!statement.TryGetProperty(member, out JsonElement list))
            {
                continue;
            }

            if (list.ValueKind != JsonValueKind.Array)
            {
                return new Refusal(RefusalCode.Malformed, $"'{member}' is not an array") { Field = member };
            }

            foreach (JsonElement item in list.EnumerateArray())
            {
                if (!ReadSubject(item, version).TryGet(out SlsaSubject? subject, out Refusal? why))
                {
                    return why;
                }

                subjects.Add(subject);
            }
        }

        return subjects.Count == 0 ? new Refusal(RefusalCode.Malformed, "the statement has no subject") { Field = "subject" } : subjects.ToImmutable();
    }

    private static Result<SlsaSubject> ReadSubject(JsonElement item, string? version)
    {
        if (item.Text("name") is not { Length: > 0 } name || !item.TryGetProperty("digest", out JsonElement digest) || digest.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "a subject needs name and digest") { Field = "subject" };
        }

        var hashes = ImmutableArray.CreateBuilder<HashEntry>();
        foreach (JsonProperty one in digest.EnumerateObject())
        {
            if (one.Value.ValueKind != JsonValueKind.String)
            {
                return new Refusal(RefusalCode.Malformed, $"the digest '{one.Name}' of '{name}' is not a text") { Field = "digest" };
            }

            hashes.Add(new HashEntry(one.Name, one.Value.GetString()!) { ArtifactVersion = version });
        }

        return hashes.Count == 0
            ? new Refusal(RefusalCode.Malformed, $"the subject '{name}' has no digest") { Field = "digest" }
            : new SlsaSubject(name, hashes.ToImmutable());
    }

    private static string? Follow(JsonElement element, string[] path)
    {
        foreach (string step in path)
        {
            if (element.ValueKind == JsonValueKind.Array && step == "0")
            {
                if (element.GetArrayLength() == 0)
                {
                    return null;
                }

                element = element[0];
            }
            else if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
            {
                return null;
            }
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
    }
}

/// <summary>One subject of a statement.</summary>
internal sealed record SlsaSubject(string Name, ImmutableArray<HashEntry> Hashes);
