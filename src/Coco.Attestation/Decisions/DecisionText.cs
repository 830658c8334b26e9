// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Decisions;

/// <summary>An explained decision as text for people: the one sentence that matters, then the detail.</summary>
internal static class DecisionText
{
    private const int LongestValue = 160;

    public static string Of(JsonObject explained)
    {
        var text = new StringBuilder();
        text.Append(explained["sentence"]).Append('\n');
        foreach (JsonNode? more in explained["findings"] as JsonArray ?? [])
        {
            text.Append("also: ").Append(more).Append('\n');
        }

        text.Append('\n');
        if ((string?)explained["kind"] == "release")
        {
            AppendRelease(text, explained);
        }
        else
        {
            AppendAppraisal(text, explained);
        }

        return text.ToString();
    }

    private static void AppendRelease(StringBuilder text, JsonObject release)
    {
        Line(text, 0, $"release {release["id"]} at {release["time"]}: {release["outcome"]} after {release["elapsed_us"]} us, request {release["request_id"] ?? "-"}");
        Line(text, 1, $"asked by {release["tee"] ?? "nobody who attested"}, token sha256 {release["token_sha256"] ?? "-"}");
        Line(text, 1, $"policy {release["policy_id"] ?? "-"}, sha384 {release["policy_sha384"] ?? "-"}");
        if (release["refusal"] is JsonObject refusal)
        {
            Line(text, 1, $"{refusal["code"]}: {refusal["detail"]}");
        }

        AppendUnmet(text, release, 1);
        if (release["appraisal"] is JsonObject appraisal)
        {
            text.Append('\n');
            AppendAppraisal(text, appraisal);
        }
    }

    private static void AppendAppraisal(StringBuilder text, JsonObject appraisal)
    {
        Line(text, 0, $"appraisal {appraisal["id"]} at {appraisal["time"]}: {appraisal["outcome"]} after {appraisal["elapsed_us"]} us under the policy {appraisal["policy"]}");
        if (appraisal["token_sha256"] is { } token)
        {
            Line(text, 1, $"token sha256 {token}");
        }

        if (appraisal["refusal"] is JsonObject refusal)
        {
            Line(text, 1, $"refused in step {refusal["step"]}: {refusal["code"]}{(refusal["field"] is { } field ? $" in {field}" : string.Empty)}: {refusal["detail"]}");
        }

        foreach (JsonObject evidence in (appraisal["evidences"] as JsonArray ?? []).OfType<JsonObject>())
        {
            AppendEvidence(text, evidence);
        }
    }

    private static void AppendEvidence(StringBuilder text, JsonObject evidence)
    {
        Line(text, 0, $"evidence of {evidence["tee"]}, sha256 {evidence["evidence"]}, verified in {evidence["verify_us"]} us, appraised in {evidence["appraise_us"]} us");
        AppendBinding(text, "report data", evidence["report_data"]);
        AppendBinding(text, "init-data", evidence["init_data"]);
        foreach (JsonNode? check in evidence["checks"] as JsonArray ?? [])
        {
            string mark = check!["held"] is not JsonValue held ? "skip" : held.GetValue<bool>() ? "ok  " : "FAIL";
            Line(text, 1, $"{mark} {check["check"]}{(check["detail"] is { } detail ? ": " + detail : string.Empty)}");
        }

        foreach (JsonNode? use in evidence["collateral"] as JsonArray ?? [])
        {
            Line(text, 1, $"collateral {use!["kind"]} {use["name"]}, {use["not_before"] ?? "-"} to {use["not_after"] ?? "-"}, sha256 {use["sha256"] ?? "-"}");
        }

        foreach (JsonObject device in (evidence["devices"] as JsonArray ?? []).OfType<JsonObject>())
        {
            AppendDevice(text, device);
        }
    }

    private static void AppendDevice(StringBuilder text, JsonObject device)
    {
        if (device["status"] is null)
        {
            Line(text, 1, $"{device["class"]}: not appraised");
        }
        else
        {
            Line(text, 1, $"{device["class"]}: {device["status"]} under {device["policy_id"]}, sha384 {device["policy_sha384"]}");
            Line(text, 2, string.Join(", ", (device["vector"] as JsonObject ?? []).Select(c => $"{c.Key} {c.Value}")));
        }

        AppendUnmet(text, device, 2);
        foreach ((string name, JsonNode? value) in device["reference_value_answers"] as JsonObject ?? [])
        {
            Line(text, 2, $"reference value {name}: {(value is null ? "nothing registered" : Value(value))}");
        }

        if (device["shadow"] is JsonObject shadow)
        {
            Line(text, 2, $"shadow {shadow["policy_id"]}: {shadow["result"]}, {shadow["status"] ?? shadow["fault"]}");
        }

        if (device["claim_values"] is JsonObject claims)
        {
            Line(text, 2, $"claims, sha256 {device["claims"]}:");
            AppendClaims(text, string.Empty, claims);
        }
    }

    private static void AppendUnmet(StringBuilder text, JsonObject owner, int depth)
    {
        foreach (JsonNode? unmet in owner["unmet"] as JsonArray ?? [])
        {
            Line(text, depth, $"{unmet!["rule"]}, line {unmet["line"]}, did not hold: {unmet["expression"]}");
            foreach ((string name, JsonNode? value) in unmet["values"] as JsonObject ?? [])
            {
                Line(text, depth + 1, $"{name} = {Value(value)}");
            }
        }
    }

    private static void AppendBinding(StringBuilder text, string name, JsonNode? binding)
    {
        if (binding is not null)
        {
            Line(text, 1, (string?)binding["form"] == "not-checked" ? $"{name}: not bound" : $"{name}: must hold the {binding["form"]} value {binding["expected"]}");
        }
    }

    private static void AppendClaims(StringBuilder text, string path, JsonNode? node)
    {
        if (node is JsonObject { Count: > 0 } o)
        {
            foreach ((string name, JsonNode? value) in o)
            {
                AppendClaims(text, path.Length == 0 ? name : path + "." + name, value);
            }
        }
        else
        {
            Line(text, 3, $"{path} = {Value(node)}");
        }
    }

    private static string Value(JsonNode? value)
    {
        string text = value?.ToJsonString(DecisionExplainer.Readable) ?? "null";
        return text.Length <= LongestValue ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, LongestValue)}… ({text.Length} characters)");
    }

    private static void Line(StringBuilder text, int depth, string line) => text.Append(' ', depth * 2).Append(line).Append('\n');
}
