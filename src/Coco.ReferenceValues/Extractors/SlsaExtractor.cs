// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.Extractors;

/// <summary>SLSA provenance: every subject becomes a list of digests (rvps.md 6.2).</summary>
/// <remarks>A statement may come in a DSSE envelope; where signers are configured it must, signed by one of them.</remarks>
internal sealed class SlsaExtractor(TimeProvider clock, ReferenceValuesOptions options) : IReferenceValueExtractor
{
    private readonly ImmutableArray<SignerKey> _trusted = SignedMessages.LoadKeys(options.TrustedSigners);

    public string ProvenanceType => "slsa";

    public ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct) => new(Extract(payload));

    private Result<ExtractedProvenance> Extract(string payload)
    {
        if (!Payloads.ParseJsonOrBase64(payload, "slsa payload").TryGet(out JsonElement root, out Refusal? why))
        {
            return why;
        }

        if (root.Text("artifact_type") is not { Length: > 0 })
        {
            return new Refusal(RefusalCode.Malformed, "slsa payload needs artifact_type") { Field = "artifact_type" };
        }

        if (!root.TryGetProperty("slsa_provenance", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "slsa payload needs slsa_provenance") { Field = "slsa_provenance" };
        }

        if (!root.TryGetProperty("artifacts_download_url", out JsonElement urls) || urls.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "slsa payload needs artifacts_download_url") { Field = "artifacts_download_url" };
        }

        JsonElement proof = root.TryGetProperty("audit_proof", out JsonElement a) && a.ValueKind == JsonValueKind.Object ? a : default;
        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(clock.GetUtcNow());
        var byName = new SortedDictionary<string, (List<HashEntry> Hashes, HashSet<HashEntry> Known)>(StringComparer.Ordinal);
        HashSet<string>? signers = null;
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (!Open(item).TryGet(out (JsonElement Statement, ImmutableArray<string> Signers) opened, out why)
                || !SlsaStatements.Read(opened.Statement).TryGet(out ImmutableArray<SlsaSubject> subjects, out why))
            {
                return why;
            }

            // Only who signed all of it vouches for all of it.
            signers = signers is null ? [.. opened.Signers] : [.. signers.Intersect(opened.Signers, StringComparer.Ordinal)];
            foreach (SlsaSubject subject in subjects)
            {
                if (!byName.TryGetValue(subject.Name, out (List<HashEntry> Hashes, HashSet<HashEntry> Known) of))
                {
                    byName[subject.Name] = of = ([], []);
                }

                of.Hashes.AddRange(subject.Hashes.Where(of.Known.Add));
            }
        }

        return new ExtractedProvenance(
            [.. byName.Select(e => ReferenceValueRecord.OfHashes(e.Key, [.. e.Value.Hashes], until) with { AuditProof = proof })],
            [.. signers ?? []]);
    }

    private Result<(JsonElement Statement, ImmutableArray<string> Signers)> Open(JsonElement item)
    {
        JsonElement json = item;
        if (item.ValueKind == JsonValueKind.String && !Payloads.ParseJsonOrBase64(item.GetString()!, "provenance statement").TryGet(out json, out Refusal? why))
        {
            return why;
        }

        if (!DsseEnvelope.Looks(json))
        {
            return _trusted.IsEmpty
                ? (json, ImmutableArray<string>.Empty)
                : new Refusal(RefusalCode.BadSignature, "the provenance is not signed, and signers are configured");
        }

        if (!DsseEnvelope.Parse(json).TryGet(out DsseEnvelope? envelope, out why))
        {
            return why;
        }

        if (!envelope.PayloadType.StartsWith("application/vnd.in-toto", StringComparison.Ordinal))
        {
            return new Refusal(RefusalCode.Unsupported, $"the envelope holds '{envelope.PayloadType}', not an in-toto statement");
        }

        ImmutableArray<string> signers = envelope.VerifiedBy(_trusted);
        if (signers.IsEmpty && !_trusted.IsEmpty)
        {
            return new Refusal(RefusalCode.BadSignature, "no trusted signer signed the provenance");
        }

        return Payloads.ParseJson(envelope.Payload, "provenance statement").TryGet(out JsonElement statement, out why) ? (statement, signers) : why;
    }
}
