// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;
using Coco.Rego;

namespace Coco.Attestation.Decisions;

/// <summary>
/// Answers "why?": finds a decision's record, evaluates its policy once more over the recorded claims and reference values, and says first the
/// one sentence that matters. For administrators; a singleton, thread-safe.
/// </summary>
public sealed class DecisionExplainer
{
    /// <summary>Expressions stand in answers as they were written, without escapes for other languages' sake.</summary>
    internal static readonly JsonSerializerOptions Readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = NodeContext.Default };

    private readonly DecisionLog _log;
    private readonly ContentStore _content;
    private readonly IAppraisalPolicyCompiler _compiler;

    internal DecisionExplainer(DecisionLog log, ContentStore content, IAppraisalPolicyCompiler compiler)
    {
        _log = log;
        _content = content;
        _compiler = compiler;
    }

    /// <summary>
    /// The record with <c>sentence</c>, and with claims, reference values and unmet expressions filled in; that of a release also with the appraisal
    /// that it rested on. Null when there is no such decision.
    /// </summary>
    public async ValueTask<JsonObject?> ExplainAsync(string decisionId, CancellationToken ct)
    {
        if (await _log.FindAsync(decisionId, ct).ConfigureAwait(false) is not { } record)
        {
            return null;
        }

        if ((string?)record["kind"] == "release")
        {
            return await OfReleaseAsync(record, ct).ConfigureAwait(false);
        }

        var sentences = new List<string>();
        if (record["refusal"] is JsonObject refusal)
        {
            sentences.Add(OfRefusal(record, refusal));
        }

        foreach (JsonNode? evidence in record["evidences"] as JsonArray ?? [])
        {
            foreach (JsonNode? device in (evidence as JsonObject)?["devices"] as JsonArray ?? [])
            {
                await FillInAsync((JsonObject)evidence!, (JsonObject)device!, sentences, ct).ConfigureAwait(false);
            }
        }

        record.Insert(0, "sentence", sentences.Count > 0 ? sentences[0] : "every trust claim that the policy sets is affirmed");
        record.Insert(1, "findings", new JsonArray([.. sentences.Skip(1).Select(s => (JsonNode?)s)]));
        return record;
    }

    /// <summary>Recent decisions, newest first: id, time, kind, outcome, request of a release, TEEs and status.</summary>
    public async ValueTask<JsonArray> ListAsync(DateTimeOffset since, int count, CancellationToken ct)
    {
        var recent = new Queue<JsonObject>();
        await foreach (JsonObject record in _log.ListAsync(since, ct).ConfigureAwait(false))
        {
            if (recent.Count == count)
            {
                recent.Dequeue();
            }

            recent.Enqueue(Summary(record));
        }

        return new JsonArray([.. recent.Reverse()]);
    }

    internal static JsonObject Summary(JsonObject record) => new()
    {
        ["id"] = record["id"]?.DeepClone(),
        ["time"] = record["time"]?.DeepClone(),
        ["kind"] = (string?)record["kind"] ?? "appraisal",
        ["outcome"] = record["outcome"]?.DeepClone(),
        ["request"] = record["request"]?.DeepClone(),
        ["tees"] = record["tee"] is { } guest
            ? new JsonArray(guest.DeepClone())
            : new JsonArray([.. (record["evidences"] as JsonArray ?? []).Select(e => e!["tee"]?.DeepClone())]),
        ["status"] = new JsonArray([.. (record["evidences"] as JsonArray ?? []).SelectMany(e => e!["devices"] as JsonArray ?? []).Select(d => d!["status"]?.DeepClone())]),
    };

    private static readonly TimeSpan LongestAppraisal = TimeSpan.FromMinutes(2);

    private async ValueTask<JsonObject> OfReleaseAsync(JsonObject record, CancellationToken ct)
    {
        JsonObject? appraisal = await AppraisalOfAsync(record, ct).ConfigureAwait(false);
        string what = (string?)record["request"] ?? "the resource";
        var findings = new JsonArray();
        string sentence;
        if (record["refusal"] is JsonObject refusal)
        {
            string[] unmet = [.. (record["unmet"] as JsonArray ?? []).Select(u => (string?)u!["sentence"]).OfType<string>().Distinct(StringComparer.Ordinal)];
            sentence = $"{what} was refused: {(unmet.Length > 0 ? unmet[0] : (string?)refusal["detail"])}";
            foreach (string more in unmet.Skip(1))
            {
                findings.Add((JsonNode)more);
            }

            if (unmet.Length > 0 && appraisal?["sentence"] is { } why)
            {
                findings.Add((JsonNode)$"the appraisal {(string?)appraisal["id"]} says: {(string?)why}");
            }
        }
        else
        {
            sentence = $"{what} was released under the policy {(string?)record["policy_id"]}";
        }

        record.Insert(0, "sentence", sentence);
        record.Insert(1, "findings", findings);
        record["appraisal"] = appraisal;
        return record;
    }

    // The appraisal that issued the token, when it was made here and is still kept.
    private async ValueTask<JsonObject?> AppraisalOfAsync(JsonObject release, CancellationToken ct)
    {
        if ((string?)release["token_sha256"] is not { } token
            || !DateTimeOffset.TryParse((string?)release["token_issued_at"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset issued))
        {
            return null;
        }

        string end = DecisionId.First(issued + TimeSpan.FromSeconds(2));
        await foreach (JsonObject record in _log.ListAsync(issued - LongestAppraisal, ct).ConfigureAwait(false))
        {
            if (string.CompareOrdinal((string?)record["id"], end) > 0)
            {
                break;
            }

            if ((string?)record["kind"] != "release" && (string?)record["token_sha256"] == token)
            {
                return await ExplainAsync((string)record["id"]!, ct).ConfigureAwait(false);
            }
        }

        return null;
    }

    private static string OfRefusal(JsonObject record, JsonObject refusal)
    {
        string detail = (string?)refusal["detail"] ?? string.Empty;
        string tee = string.Join('+', (record["evidences"] as JsonArray ?? []).Select(e => (string?)e!["tee"]));
        return (string?)refusal["step"] switch
        {
            "bind" => $"the {tee} request was refused before its evidence was looked at: {detail}",
            "verify" => (string?)refusal["check"] is { } check ? $"the {tee} evidence did not pass {check}: {detail}" : $"the {tee} evidence is not genuine: {detail}",
            "appraise" => $"the policy gave no verdict: {detail}",
            _ => $"no token was issued: {detail}",
        };
    }

    private async ValueTask FillInAsync(JsonObject evidence, JsonObject device, List<string> sentences, CancellationToken ct)
    {
        if (await ReadObjectAsync((string?)device["claims"], ct).ConfigureAwait(false) is not { } claims)
        {
            return;
        }

        Rebuild(claims, evidence, device, await ReadObjectAsync((string?)evidence["init_data_claims"], ct).ConfigureAwait(false));
        JsonObject? references = await ReadObjectAsync((string?)device["reference_values"], ct).ConfigureAwait(false);
        device["claim_values"] = claims.DeepClone();
        device["reference_value_answers"] = references?.DeepClone();
        if (references is null || (string?)device["policy_text"] is not { } policyHash
            || await _content.GetAsync(policyHash, vault: false, ct).ConfigureAwait(false) is not { } policyText
            || !_compiler.Compile(Encoding.UTF8.GetString(policyText.Span), (string?)device["policy_id"] ?? "policy").TryGet(out CompiledPolicy? compiled, out _))
        {
            return;
        }

        var found = new List<Finding>();
        var lesser = new List<Finding>();
        var unexplained = new List<string>();
        foreach ((string claim, JsonNode? value) in device["vector"] as JsonObject ?? [])
        {
            TrustTier tier = TrustVector.TierOf((sbyte)(int)value!);
            if (tier is TrustTier.Warning or TrustTier.Contraindicated)
            {
                ImmutableArray<Finding> why = PolicyFindings.Of(compiled.Policy, claim, claims, references);
                found.AddRange(why);
                unexplained.AddRange(why.IsEmpty ? [$"{claim} {value}"] : []);
            }
            else if (tier is TrustTier.Affirming)
            {
                lesser.AddRange(PolicyFindings.OfLesser(compiled.Policy, claim, claims, references)
                    .Select(f => f with { Sentence = $"{f.Sentence} ({claim} is affirmed all the same, with {value})" }));
            }
        }

        found.AddRange(lesser);
        device["unmet"] = new JsonArray([.. found.Select(f => (JsonNode?)f.ToJson())]);
        sentences.AddRange(found.Select(f => f.Sentence).Distinct(StringComparer.Ordinal));
        if (unexplained.Count > 0)
        {
            sentences.Add($"no rule of the policy {device["policy_id"]} affirms {evidence["tee"]} evidence whatever it says: {string.Join(", ", unexplained)}");
        }
    }

    // Puts back what was taken out of the shared claims.
    internal static void Rebuild(JsonObject claims, JsonObject evidence, JsonObject device, JsonObject? initDataClaims)
    {
        if (claims.ContainsKey("init_data"))
        {
            claims["init_data_claims"] = initDataClaims;
        }

        if (device["reported"] is { } reported)
        {
            claims["report_data"] = reported.DeepClone();
            claims["runtime_data_claims"] = evidence["runtime_data_claims"]?.DeepClone();
        }
    }

    internal async ValueTask<JsonObject?> ReadObjectAsync(string? hash, CancellationToken ct)
    {
        if (hash is null || await _content.GetAsync(hash, vault: false, ct).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(bytes.Span) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
