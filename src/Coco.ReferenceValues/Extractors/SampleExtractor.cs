// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.ReferenceValues.Extractors;

/// <summary>Base64 of a JSON object: each member is a reference value (rvps.md 5.1). Verifies nothing.</summary>
internal sealed class SampleExtractor(TimeProvider clock) : IReferenceValueExtractor
{
    public string ProvenanceType => "sample";

    public ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct) => new(Extract(payload));

    private Result<ExtractedProvenance> Extract(string payload)
    {
        if (!Payloads.DecodeBase64(payload, "sample payload").TryGet(out byte[]? bytes, out Refusal? why))
        {
            return why;
        }

        if (!Payloads.ParseJson(bytes, "sample payload").TryGet(out JsonElement root, out why))
        {
            return why;
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "sample payload is not a JSON object");
        }

        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(clock.GetUtcNow());
        var records = ImmutableArray.CreateBuilder<ReferenceValueRecord>();
        foreach (JsonProperty member in root.EnumerateObject())
        {
            records.Add(new ReferenceValueRecord(member.Name, member.Value, until));
        }

        return new ExtractedProvenance(records.DrainToImmutable(), []);
    }
}
