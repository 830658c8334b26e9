// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Tokens;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Decisions;

/// <summary>Makes the stored form of a decision. Claims, reference values, policies and evidence stand in it by hash.</summary>
internal static class DecisionRecord
{
    private static readonly string[] ReferenceMembers = ["claims", "reference_values", "policy_text", "evidence", "init_data_claims"];

    public static async ValueTask<JsonObject> WriteAsync(
        PendingDecision decision,
        ContentStore content,
        ShadowPolicies shadows,
        AttestationOptions options,
        CancellationToken ct)
    {
        DecisionTrace trace = decision.Trace;
        var record = new JsonObject
        {
            ["id"] = decision.Id,
            ["time"] = trace.Started.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            ["policy"] = trace.PolicyId,
            ["elapsed_us"] = Microseconds(decision.Elapsed),
        };
        if (decision.Token.TryGet(out AttestationToken? token, out Refusal? why))
        {
            record["outcome"] = "issued";
            record["token_sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token.Compact)));
        }
        else
        {
            record["outcome"] = "refused";
            record["refusal"] = new JsonObject
            {
                ["step"] = (trace.RefusedAt ?? DecisionStep.Issue).ToString().ToLowerInvariant(),
                ["code"] = why.Code.ToString(),
                ["check"] = why.Check,
                ["field"] = why.Field,
                ["detail"] = why.Detail,
            };
        }

        var evidences = new JsonArray();
        foreach (EvidenceTrace evidence in trace.Evidences)
        {
            evidences.Add((JsonNode)await WriteAsync(evidence, content, shadows, options, ct).ConfigureAwait(false));
        }

        record["evidences"] = evidences;
        return record;
    }

    /// <summary>The hashes that a record names.</summary>
    public static void CollectReferences(JsonNode? node, HashSet<string> into)
    {
        switch (node)
        {
            case JsonObject o:
                foreach ((string name, JsonNode? value) in o)
                {
                    if (ReferenceMembers.Contains(name) && value is JsonValue v && v.TryGetValue(out string? hash))
                    {
                        into.Add(hash);
                    }
                    else
                    {
                        CollectReferences(value, into);
                    }
                }

                break;
            case JsonArray a:
                foreach (JsonNode? item in a)
                {
                    CollectReferences(item, into);
                }

                break;
        }
    }

    internal static byte[] Bytes(JsonNode? node)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            SortedJson.Write(json, node);
        }

        return buffer.ToArray();
    }

    private static async ValueTask<JsonObject> WriteAsync(
        EvidenceTrace evidence,
        ContentStore content,
        ShadowPolicies shadows,
        AttestationOptions options,
        CancellationToken ct)
    {
        byte[] body = evidence.Input.Evidence.Body.ValueKind == JsonValueKind.Undefined
            ? []
            : Encoding.UTF8.GetBytes(evidence.Input.Evidence.Body.GetRawText());
        var written = new JsonObject
        {
            ["tee"] = evidence.Input.Evidence.Tee.ToWireName(),
            ["evidence"] = options.Decisions.RecordEvidence
                ? await content.PutAsync(body, vault: true, ct).ConfigureAwait(false)
                : Convert.ToHexStringLower(SHA256.HashData(body)),
            ["verify_us"] = Microseconds(evidence.VerifyTime),
            ["appraise_us"] = Microseconds(evidence.AppraiseTime),
            ["checks"] = new JsonArray([.. evidence.Verification.Checks.Select(Check)]),
            ["collateral"] = new JsonArray([.. evidence.Verification.Collateral.Select(Collateral)]),
        };
        if (evidence.Bound is { } bound)
        {
            written["report_data"] = WriteBinding(bound.Evidence.ReportData);
            written["init_data"] = WriteBinding(bound.Evidence.InitDataHash);
            if (bound.Evidence.AlternativeReportData.Count > 0)
            {
                written["report_data_alternatives"] = new JsonArray([.. bound.Evidence.AlternativeReportData.Select(b => (JsonNode?)WriteBinding(b))]);
            }

            written["runtime_data_claims"] = WithoutEvidence(bound.RuntimeDataClaims);
            if (bound.InitDataClaims is { } initData)
            {
                written["init_data_claims"] = await content.PutAsync(Bytes(initData), vault: false, ct).ConfigureAwait(false);
            }
        }

        var devices = new JsonArray();
        for (int i = 0; i < evidence.Claims.Count; i++)
        {
            (string teeClass, JsonObject claims) = evidence.Claims[i];
            Appraisal? appraisal = i < evidence.Appraisals.Count ? evidence.Appraisals[i] : null;
            JsonObject device = await WriteAsync(teeClass, claims, appraisal, content, ct).ConfigureAwait(false);
            if (appraisal is not null && await shadows.EvaluateAsync(appraisal, ct).ConfigureAwait(false) is { } shadow)
            {
                device["shadow"] = shadow;
            }

            devices.Add((JsonNode)device);
        }

        written["devices"] = devices;
        return written;
    }

    private static async ValueTask<JsonObject> WriteAsync(string teeClass, JsonObject claims, Appraisal? appraisal, ContentStore content, CancellationToken ct)
    {
        // What differs from guest to guest stands in the record; the rest is the same for every guest of an image and a machine.
        var shared = new JsonObject();
        foreach ((string name, JsonNode? value) in claims)
        {
            if (name is not ("report_data" or "runtime_data_claims" or "init_data_claims"))
            {
                shared[name] = value?.DeepClone();
            }
        }

        var written = new JsonObject
        {
            ["class"] = teeClass,
            ["claims"] = await content.PutAsync(Bytes(shared), vault: false, ct).ConfigureAwait(false),
            ["reported"] = claims["report_data"]?.DeepClone(),
        };
        if (appraisal is not null)
        {
            var vector = new JsonObject();
            foreach ((string claim, sbyte value) in appraisal.Vector.Claims())
            {
                vector[claim] = value;
            }

            var references = new JsonObject();
            foreach ((string name, JsonNode? value) in appraisal.ReferenceValues)
            {
                references[name] = value?.DeepClone();
            }

            written["status"] = appraisal.Vector.Status.ToWireName();
            written["vector"] = vector;
            written["policy_id"] = appraisal.Policy.StoredId;
            written["policy_sha384"] = appraisal.Policy.Sha384;
            written["policy_text"] = await content.PutAsync(Encoding.UTF8.GetBytes(appraisal.Policy.Source), vault: false, ct).ConfigureAwait(false);
            written["reference_values"] = await content.PutAsync(Bytes(references), vault: false, ct).ConfigureAwait(false);
        }

        return written;
    }

    private static JsonNode? WithoutEvidence(JsonNode? runtime)
    {
        JsonNode? copy = runtime?.DeepClone();
        (copy as JsonObject)?.Remove("additional-evidence");
        return copy;
    }

    private static JsonObject WriteBinding(Binding binding) => binding.IsNotChecked
        ? new JsonObject { ["form"] = "not-checked" }
        : new JsonObject { ["form"] = binding.IsRaw ? "raw" : "digest", ["expected"] = Convert.ToHexStringLower(binding.Expected.Span) };

    private static JsonNode? Check(CheckOutcome check) => new JsonObject
    {
        ["check"] = check.Check,
        ["held"] = check.Held,
        ["detail"] = check.Detail,
    };

    private static JsonNode? Collateral(CollateralUse use) => new JsonObject
    {
        ["kind"] = use.Kind,
        ["name"] = use.Name,
        ["not_before"] = Instant(use.NotBefore),
        ["not_after"] = Instant(use.NotAfter),
        ["sha256"] = use.Sha256,
    };

    private static string? Instant(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static long Microseconds(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;
}
