// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.Lists;

/// <summary>Finds digests in the material of a list item (rvps.md 7): manifests and statements, bare, in DSSE envelopes, or in bundles.</summary>
internal sealed class ReferenceMaterial(ImmutableArray<SignerKey> trusted)
{
    private const string ManifestType = "application/vnd.trustee.rv.release+json";
    private const string StatementType = "application/vnd.in-toto";
    private const string IndexHash = "artifact-index-hash";
    private static readonly string[][] EnvelopePaths =
    [
        ["dsseEnvelope"], ["content", "dsseEnvelope"], ["sourceBundle", "dsseEnvelope"], ["sourceBundle", "content", "dsseEnvelope"],
    ];

    /// <summary>The digests of the item, and who signed all of the material.</summary>
    public Result<(ImmutableArray<HashEntry> Hashes, ImmutableArray<string> Signers)> Read(ReferenceValueListItem item, ReadOnlyMemory<byte> bytes)
    {
        if (!Documents(bytes).TryGet(out ImmutableArray<JsonElement> documents, out Refusal? why))
        {
            return why;
        }

        var hashes = new List<HashEntry>();
        HashSet<string>? signers = null;
        foreach (JsonElement document in documents)
        {
            if (!Open(document, item.Kind).TryGet(out (JsonElement Body, ImmutableArray<string> Signers) opened, out why))
            {
                return why;
            }

            signers = signers is null ? [.. opened.Signers] : [.. signers.Intersect(opened.Signers, StringComparer.Ordinal)];
            if (!(item.Kind == ProvenanceKind.ReleaseManifest ? FromManifest(opened.Body, item) : FromStatement(opened.Body, item)).TryGet(out ImmutableArray<HashEntry> found, out why))
            {
                return why;
            }

            hashes.AddRange(found.Where(h => !hashes.Contains(h)));
        }

        return hashes.Count == 0
            ? new Refusal(RefusalCode.NotFound, $"the material names no digest of '{item.Id}'")
            : ([.. hashes], [.. signers ?? []]);
    }

    /// <summary>Digests of statements that Rekor gave; Rekor's own signature is not checked, so nobody vouches.</summary>
    public static Result<ImmutableArray<HashEntry>> FromStatement(JsonElement statement, ReferenceValueListItem item)
    {
        if (statement.Text("predicateType")?.Contains("slsa", StringComparison.Ordinal) != true)
        {
            return new Refusal(RefusalCode.Unsupported, "the predicate is not a SLSA one") { Field = "predicateType" };
        }

        return SlsaStatements.Read(statement).TryGet(out ImmutableArray<SlsaSubject> subjects, out Refusal? why)
            ? subjects.Where(s => s.Name == item.Id && s.Name != IndexHash)
                .SelectMany(s => s.Hashes)
                .Select(h => h with { ArtifactVersion = item.Version })
                .ToImmutableArray()
            : why;
    }

    private static Result<ImmutableArray<HashEntry>> FromManifest(JsonElement manifest, ReferenceValueListItem item)
    {
        if (manifest.ValueKind == JsonValueKind.Object && manifest.TryGetProperty("releasePayload", out JsonElement inner))
        {
            manifest = inner;
        }

        if (manifest.ValueKind != JsonValueKind.Object || !manifest.TryGetProperty("schemaVersion", out JsonElement schema)
            || schema.ValueKind != JsonValueKind.Number || !schema.TryGetInt32(out int version) || version != 1)
        {
            return new Refusal(RefusalCode.Unsupported, "release manifest is not of schemaVersion 1") { Field = "schemaVersion" };
        }

        if (!manifest.TryGetProperty("measurements", out JsonElement measurements) || measurements.ValueKind != JsonValueKind.Object
            || !measurements.EnumerateObject().Any())
        {
            return new Refusal(RefusalCode.Malformed, "release manifest has no measurements") { Field = "measurements" };
        }

        if (!measurements.TryGetProperty(item.Id, out JsonElement measurement))
        {
            return ImmutableArray<HashEntry>.Empty;
        }

        string? algorithm = measurement.Text("algorithm"), value = measurement.Text("value");
        int digits = algorithm switch { "sha256" => 64, "sha384" => 96, _ => 0 };
        return digits == 0 || value?.Length != digits || !value.All(char.IsAsciiHexDigitLower)
            ? new Refusal(RefusalCode.Malformed, $"the measurement '{item.Id}' is not a lower-case SHA-256 or SHA-384") { Field = item.Id }
            : ImmutableArray.Create(new HashEntry(algorithm!, value) { ArtifactVersion = item.Version });
    }

    // One JSON document, an array of them, or one a line.
    private static Result<ImmutableArray<JsonElement>> Documents(ReadOnlyMemory<byte> bytes)
    {
        if (Payloads.ParseJson(bytes, "material").TryGet(out JsonElement root, out Refusal? why))
        {
            return root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().ToImmutableArray() : ImmutableArray.Create(root);
        }

        var lines = ImmutableArray.CreateBuilder<JsonElement>();
        foreach (string line in Encoding.UTF8.GetString(bytes.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Payloads.ParseJson(Encoding.UTF8.GetBytes(line), "material").TryGet(out JsonElement one, out _))
            {
                return why;
            }

            lines.Add(one);
        }

        return lines.ToImmutable();
    }

    private Result<(JsonElement Body, ImmutableArray<string> Signers)> Open(JsonElement document, ProvenanceKind kind)
    {
        if (FindEnvelope(document) is not { } json)
        {
            return trusted.IsEmpty
                ? (document, ImmutableArray<string>.Empty)
                : new Refusal(RefusalCode.BadSignature, "the material is not signed, and signers are configured");
        }

        if (!DsseEnvelope.Parse(json).TryGet(out DsseEnvelope? envelope, out Refusal? why))
        {
            return why;
        }

        bool fits = kind == ProvenanceKind.ReleaseManifest ? envelope.PayloadType == ManifestType : envelope.PayloadType.StartsWith(StatementType, StringComparison.Ordinal);
        if (!fits)
        {
            return new Refusal(RefusalCode.Unsupported, $"the envelope holds '{envelope.PayloadType}'") { Field = "payloadType" };
        }

        ImmutableArray<string> signers = envelope.VerifiedBy(trusted);
        if (signers.IsEmpty && !trusted.IsEmpty)
        {
            return new Refusal(RefusalCode.BadSignature, "no trusted signer signed the material");
        }

        if (CheckLogEntry(document, envelope) is { } inconsistent)
        {
            return inconsistent;
        }

        return Payloads.ParseJson(envelope.Payload, "payload").TryGet(out JsonElement body, out why) ? (body, signers) : why;
    }

    // A log entry that comes along must speak of this payload.
    private static Refusal? CheckLogEntry(JsonElement document, DsseEnvelope envelope)
    {
        JsonElement? transparency = Follow(document, ["verificationMaterial", "tlogEntries"]) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? list[0] : null;
        foreach (JsonElement? candidate in new[] { Follow(document, ["rekorEntryV1"]), Follow(document, ["rekorEntryV2"]), transparency })
        {
            if (candidate is not { ValueKind: JsonValueKind.Object } entry || (entry.Text("canonicalizedBody") ?? entry.Text("body")) is not { } body)
            {
                continue;
            }

            if (!Payloads.DecodeBase64(body, "log entry").TryGet(out byte[]? bytes, out Refusal? why) || !Payloads.ParseJson(bytes, "log entry").TryGet(out JsonElement json, out why))
            {
                return why;
            }

            byte[] hash = SHA256.HashData(envelope.Payload.Span);
            string? first = Follow(json, ["spec", "payloadHash"])?.Text("value");
            string? second = (Follow(json, ["spec", "dsseV002", "data"]) ?? Follow(json, ["spec", "dsseV002", "payloadHash"]))?.Text("digest");
            bool same = json.Text("kind") == "dsse"
                && (first is not null ? first.Equals(Convert.ToHexStringLower(hash), StringComparison.OrdinalIgnoreCase) : second == Convert.ToBase64String(hash));
            if (!same)
            {
                return new Refusal(RefusalCode.Mismatch, "the transparency log entry speaks of another payload") { Field = "spec" };
            }
        }

        return null;
    }

    private static JsonElement? FindEnvelope(JsonElement document)
    {
        if (DsseEnvelope.Looks(document))
        {
            return document;
        }

        return EnvelopePaths.Select(p => Follow(document, p)).FirstOrDefault(e => e is { } found && DsseEnvelope.Looks(found));
    }

    private static JsonElement? Follow(JsonElement element, string[] path)
    {
        foreach (string step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
            {
                return null;
            }
        }

        return element;
    }
}
