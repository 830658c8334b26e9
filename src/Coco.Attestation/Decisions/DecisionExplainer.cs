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
    private readonly DecisionLog _log;
    private readonly ContentStore _content;
    private readonly IAppraisalPolicyCompiler _compiler;

    internal DecisionExplainer(DecisionLog log, ContentStore content, IAppraisalPolicyCompiler compiler)
    {
        _log = log;
        _content = content;
        _compiler = compiler;
    }

    /// <summary>The record with <c>sentence</c>, and with claims, reference values and unmet expressions filled in; null when there is no such decision.</summary>
    public async ValueTask<JsonObject?> ExplainAsync(string decisionId, CancellationToken ct)
    {
        if (await _log.FindAsync(decisionId, ct).ConfigureAwait(false) is not { } record)
        {
            return null;
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

    /// <summary>Recent decisions, newest first: id, time, outcome, TEEs and status.</summary>
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

    /// <summary>The explanation as indented text, the sentence first.</summary>
    public static string ToText(JsonObject explained)
    {
        var text = new StringBuilder();
        text.Append(explained["sentence"]).Append('\n');
        foreach (JsonNode? more in explained["findings"] as JsonArray ?? [])
        {
            text.Append("also: ").Append(more).Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"\ndecision {explained["id"]} at {explained["time"]}: {explained["outcome"]}, {explained["elapsed_us"]} us\n");
        foreach (JsonNode? evidence in explained["evidences"] as JsonArray ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"evidence of {evidence!["tee"]}, sha256 {evidence["evidence"]}\n");
            foreach (JsonNode? check in evidence["checks"] as JsonArray ?? [])
            {
                string mark = check!["held"] is not JsonValue held ? "skip" : held.GetValue<bool>() ? "ok  " : "FAIL";
                text.Append(CultureInfo.InvariantCulture, $"  {mark} {check["check"]}{(check["detail"] is { } d ? ": " + d : string.Empty)}\n");
            }

            foreach (JsonNode? use in evidence["collateral"] as JsonArray ?? [])
            {
                text.Append(CultureInfo.InvariantCulture, $"  collateral {use!["kind"]} {use["name"]}, {use["not_before"] ?? "-"} to {use["not_after"] ?? "-"}\n");
            }

            foreach (JsonNode? device in evidence["devices"] as JsonArray ?? [])
            {
                text.Append(CultureInfo.InvariantCulture, $"  {device!["class"]}: {device["status"] ?? "not appraised"} {device["vector"]?.ToJsonString()} under {device["policy_id"]}\n");
                foreach (JsonNode? unmet in device["unmet"] as JsonArray ?? [])
                {
                    text.Append(CultureInfo.InvariantCulture, $"    {unmet!["rule"]} line {unmet["line"]}: {unmet["expression"]}\n");
                    foreach ((string name, JsonNode? value) in unmet["values"] as JsonObject ?? [])
                    {
                        text.Append(CultureInfo.InvariantCulture, $"      {name} = {value?.ToJsonString() ?? "null"}\n");
                    }
                }
            }
        }

        return text.ToString();
    }

    internal static JsonObject Summary(JsonObject record) => new()
    {
        ["id"] = record["id"]?.DeepClone(),
        ["time"] = record["time"]?.DeepClone(),
        ["outcome"] = record["outcome"]?.DeepClone(),
        ["tees"] = new JsonArray([.. (record["evidences"] as JsonArray ?? []).Select(e => e!["tee"]?.DeepClone())]),
        ["status"] = new JsonArray([.. (record["evidences"] as JsonArray ?? []).SelectMany(e => e!["devices"] as JsonArray ?? []).Select(d => d!["status"]?.DeepClone())]),
    };

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
