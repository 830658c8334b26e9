// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Coco.Attestation.Policies;
using Coco.Rego;

namespace Coco.Attestation.Decisions;

/// <summary>Turns the engine's explanation of a rule into sentences about claims and reference values.</summary>
internal static partial class PolicyFindings
{
    private const int MaxFindings = 32;

    /// <summary>The expressions that kept a trust claim from being affirmed, most telling first.</summary>
    public static ImmutableArray<Finding> Of(IAppraisalPolicy policy, string claim, JsonObject input, JsonObject references)
    {
        var lookup = new ReferenceLookup();
        foreach ((string name, JsonNode? value) in references)
        {
            lookup.Put(name, value is null ? null : JsonSerializer.SerializeToElement(value, NodeContext.Default.JsonNode));
        }

        string rule = claim.Replace('-', '_');
        RegoExplanation? explanation = policy.Explain(rule, input, lookup) ?? policy.Explain("trust_claims", input, lookup);
        if (explanation is null)
        {
            return [];
        }

        var found = new List<Finding>();
        foreach (RegoRuleTrace trace in explanation.Rules)
        {
            Collect(claim, trace, references, found, 0);
        }

        // What compares a claim that is there says more than what merely finds a TEE absent.
        return [.. found.DistinctBy(f => (f.Line, f.Expression)).OrderBy(f => f.Rank).Take(MaxFindings)];
    }

    private static void Collect(string claim, RegoRuleTrace rule, JsonObject references, List<Finding> found, int depth)
    {
        if (depth > 8)
        {
            return;
        }

        foreach (RegoClauseTrace clause in rule.Clauses)
        {
            foreach (RegoFailure failure in clause.Failures)
            {
                Collect(claim, rule.Name, failure, references, found, depth);
            }
        }
    }

    private static void Collect(string claim, string rule, RegoFailure failure, JsonObject references, List<Finding> found, int depth)
    {
        bool inner = !failure.Rules.IsEmpty || !failure.Inner.IsEmpty;
        foreach (RegoRuleTrace deeper in failure.Rules)
        {
            Collect(claim, deeper, references, found, depth + 1);
        }

        foreach (RegoFailure deeper in failure.Inner)
        {
            Collect(claim, rule, deeper, references, found, depth + 1);
        }

        if (!inner && Describe(claim, rule, failure, references) is { } finding)
        {
            found.Add(finding);
        }
    }

    private static Finding? Describe(string claim, string rule, RegoFailure failure, JsonObject references)
    {
        RegoInputRead? read = failure.InputReads.LastOrDefault(r => r.Exists && r.Value is not (RegoObject or RegoArray)) ?? failure.InputReads.LastOrDefault(r => r.Exists);
        if (read is null && failure.Variables.IsEmpty)
        {
            // Only that another TEE is meant.
            return null;
        }

        string? name = ReferenceName(failure);
        JsonNode? actual = read?.Value?.ToJsonNode();
        if (read is null && name is not null && failure.Variables.LastOrDefault(v => v.Value is not RegoString s || s.Value != name) is { Value: { } bound })
        {
            actual = bound.ToJsonNode();
        }

        string subject = read is not null ? LastPart(read.Path) : "the value";
        var values = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (RegoInputRead r in failure.InputReads)
        {
            values[r.Path] = r.Exists ? r.Value!.ToJsonNode() : null;
        }

        foreach ((string variable, RegoValue value) in failure.Variables)
        {
            values[variable] = value.ToJsonNode();
        }

        string sentence;
        int rank;
        if (name is not null)
        {
            values[$"query_reference_value(\"{name}\")"] = references[name]?.DeepClone();
            sentence = Compare(subject, actual, name, references[name], failure.Expression);
            rank = 0;
        }
        else if (read is not null && failure.InputReads.All(r => r.Exists))
        {
            sentence = $"{subject} is {Short(actual)}, and the policy wants {failure.Expression}";
            rank = 1;
        }
        else if (read is not null)
        {
            RegoInputRead missing = failure.InputReads.Last(r => !r.Exists);
            sentence = $"{missing.Path} is not in the evidence, and the policy wants {failure.Expression}";
            rank = missing.Path.Count(c => c == '.') > 1 ? 2 : 3;
        }
        else
        {
            sentence = $"{failure.Expression} does not hold";
            rank = 3;
        }

        return new Finding(claim, rule, failure.Location.Row, failure.Expression, values.ToImmutableSortedDictionary(StringComparer.Ordinal), sentence, rank);
    }

    private static string Compare(string subject, JsonNode? actual, string name, JsonNode? expected, string expression)
    {
        switch (expected)
        {
            case null:
                return $"{subject} is {Short(actual)}, and nothing is registered under {name}";
            case JsonArray list:
                string registered = list.Count == 1 ? "1 value registered" : string.Create(CultureInfo.InvariantCulture, $"{list.Count} values registered");
                return $"{subject} {Short(actual)} is not in {name}: {registered}{Nearest(actual, list)}";
            default:
                string relation = expression.Contains(">=", StringComparison.Ordinal) ? "is below" : "is not";
                return $"{subject} is {Short(actual)}, which {relation} {Short(expected)}, the value of {name}";
        }
    }

    // Of the registered values, the one that differs least, and where.
    private static string Nearest(JsonNode? actual, JsonArray list)
    {
        if (actual is not JsonValue value)
        {
            return string.Empty;
        }

        if (value.GetValueKind() == JsonValueKind.Number)
        {
            string[] numbers = [.. list.Where(i => i is JsonValue v && v.GetValueKind() == JsonValueKind.Number).Select(i => i!.ToJsonString()).Take(8)];
            return numbers.Length == 0 ? string.Empty : ": " + string.Join(", ", numbers);
        }

        if (!value.TryGetValue(out string? text))
        {
            return string.Empty;
        }

        string? best = null;
        int least = int.MaxValue;
        foreach (JsonNode? item in list.Take(10_000))
        {
            if (item is JsonValue v && v.TryGetValue(out string? other) && other.Length == text.Length)
            {
                int differences = Differences(text, other).Count();
                if (differences < least)
                {
                    least = differences;
                    best = other;
                }
            }
        }

        if (best is null)
        {
            return list.Count == 0 ? string.Empty : ", none of the same length";
        }

        int unit = IsHex(text) && IsHex(best) ? 2 : 1;
        int[] places = [.. Differences(text, best).Select(i => i / unit).Distinct()];
        string what = unit == 2 ? "byte" : "character";
        int total = text.Length / unit;
        return places.Length switch
        {
            1 => string.Create(CultureInfo.InvariantCulture, $", nearest differs in {what} {places[0]} only ({Part(best, places[0], unit)} there, {Part(text, places[0], unit)} here)"),
            _ when places.Length <= total / 4 => string.Create(CultureInfo.InvariantCulture, $", nearest differs in {places.Length} of {total} {what}s, first in {what} {places[0]}"),
            _ => ", nearest differs almost everywhere",
        };
    }

    private static IEnumerable<int> Differences(string a, string b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i])
            {
                yield return i;
            }
        }
    }

    private static string Part(string text, int place, int unit) => text.Substring(place * unit, unit);

    private static bool IsHex(string text) => text.Length >= 8 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit);

    private static string? ReferenceName(RegoFailure failure)
    {
        Match literal = Literal().Match(failure.Expression);
        if (literal.Success)
        {
            return literal.Groups[1].Value;
        }

        Match variable = Variable().Match(failure.Expression);
        return variable.Success
            && failure.Variables.FirstOrDefault(v => v.Name == variable.Groups[1].Value).Value is RegoString name
            ? name.Value
            : null;
    }

    private static string LastPart(string path)
    {
        // input.tdx.quote.body.mr_td is mr_td; input["az-snp-vtpm"].tpm.pcr11 is tpm.pcr11; the TEE's name says nothing new.
        string[] parts = path.Split('.');
        return parts.Length > 2 && parts[^2] is "tpm" or "platform_version" ? $"{parts[^2]}.{parts[^1]}" : parts[^1];
    }

    private static string Short(JsonNode? node)
    {
        string text = node is JsonValue v && v.TryGetValue(out string? s) ? s : node?.ToJsonString() ?? "null";
        return text.Length <= 20 ? text : text[..16] + "…";
    }

    [GeneratedRegex("query_reference_value\\(\\s*\"([^\"]*)\"\\s*\\)", RegexOptions.None, 1000)]
    private static partial Regex Literal();

    [GeneratedRegex(@"query_reference_value\(\s*([A-Za-z_][A-Za-z0-9_]*)\s*\)", RegexOptions.None, 1000)]
    private static partial Regex Variable();
}

/// <summary>An expression of a policy that did not hold.</summary>
/// <param name="Claim">The trust claim that it kept down.</param>
/// <param name="Rule">The rule that it stands in.</param>
/// <param name="Line">Its line.</param>
/// <param name="Expression">Its text.</param>
/// <param name="Values">What it saw.</param>
/// <param name="Sentence">For people.</param>
/// <param name="Rank">Smaller is more telling.</param>
internal sealed record Finding(
    string Claim,
    string Rule,
    int Line,
    string Expression,
    ImmutableSortedDictionary<string, JsonNode?> Values,
    string Sentence,
    int Rank)
{
    public JsonObject ToJson()
    {
        var values = new JsonObject();
        foreach ((string name, JsonNode? value) in Values)
        {
            values[name] = value?.DeepClone();
        }

        return new JsonObject
        {
            ["claim"] = Claim,
            ["rule"] = Rule,
            ["line"] = Line,
            ["expression"] = Expression,
            ["values"] = values,
            ["sentence"] = Sentence,
        };
    }
}
