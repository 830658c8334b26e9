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
        ReferenceLookup lookup = Lookup(references);
        string rule = claim.Replace('-', '_');
        RegoExplanation? explanation = policy.Explain(rule, input, lookup) ?? policy.Explain("trust_claims", input, lookup);
        return explanation is null ? [] : Of(explanation, claim, input, references);
    }

    /// <summary>The expressions of an explanation that did not hold, most telling first.</summary>
    public static ImmutableArray<Finding> Of(RegoExplanation explanation, string claim, JsonObject input, JsonObject references)
    {
        var found = new List<Finding>();
        foreach (RegoRuleTrace trace in explanation.Rules)
        {
            Collect(claim, trace, new Facts(input, references), found, 0);
        }

        return Sorted(found);
    }

    /// <summary>
    /// Why a trust claim that is affirmed has only the value of an <c>else</c>: what the branches before it found different from what is registered.
    /// Where nothing is registered, the better value was not asked for.
    /// </summary>
    public static ImmutableArray<Finding> OfLesser(IAppraisalPolicy policy, string claim, JsonObject input, JsonObject references)
    {
        var found = new List<Finding>();
        foreach (RegoRuleTrace trace in policy.Explain(claim.Replace('-', '_'), input, Lookup(references))?.Rules ?? [])
        {
            int holds = trace.Clauses.ToList().FindIndex(c => c.Holds);
            for (int i = holds; i > 0 && IsElse(policy.Source, trace.Clauses[i].Location); i--)
            {
                if (Deepest(trace.Clauses[i - 1]) is { } failure)
                {
                    Collect(claim, trace.Name, failure, new Facts(input, references), found, 0);
                }
            }
        }

        return Sorted(found.Where(f => !f.IsUnregistered));
    }

    // What compares a claim that is there says more than what merely finds a TEE absent.
    private static ImmutableArray<Finding> Sorted(IEnumerable<Finding> found) =>
        [.. found.DistinctBy(f => (f.Line, f.Expression)).OrderBy(f => f.Rank).Take(MaxFindings)];

    private static ReferenceLookup Lookup(JsonObject references)
    {
        var lookup = new ReferenceLookup();
        foreach ((string name, JsonNode? value) in references)
        {
            lookup.Put(name, value is null ? null : JsonSerializer.SerializeToElement(value, NodeContext.Default.JsonNode));
        }

        return lookup;
    }

    private static bool IsElse(string source, RegoLocation at)
    {
        string? line = source.Split('\n').ElementAtOrDefault(at.Row - 1);
        return line is not null && at.Column - 1 < line.Length && line.AsSpan(at.Column - 1).TrimStart("} ").StartsWith("else", StringComparison.Ordinal);
    }

    private static void Collect(string claim, RegoRuleTrace rule, Facts facts, List<Finding> found, int depth)
    {
        if (depth > 8)
        {
            return;
        }

        foreach (RegoClauseTrace clause in rule.Clauses)
        {
            if (Deepest(clause) is { } failure)
            {
                Collect(claim, rule.Name, failure, facts, found, depth);
            }
        }
    }

    // A body that tries several values fails at several places; how far the best of them came tells what is missing.
    private static RegoFailure? Deepest(RegoClauseTrace clause) => clause.Failures.MaxBy(f => (f.Location.Row, f.Location.Column));

    private static void Collect(string claim, string rule, RegoFailure failure, Facts facts, List<Finding> found, int depth)
    {
        // A rule that has a value is only an operand here: what it is compared with is what failed.
        RegoRuleTrace[] rules = [.. failure.Rules.Where(r => r.Value is null || r.Value == RegoValue.False)];
        bool inner = rules.Length > 0 || !failure.Inner.IsEmpty;
        foreach (RegoRuleTrace deeper in rules)
        {
            Collect(claim, deeper, facts, found, depth + 1);
        }

        foreach (RegoFailure deeper in failure.Inner)
        {
            Collect(claim, rule, deeper, facts, found, depth + 1);
        }

        if (!inner && Describe(claim, rule, failure, facts) is { } finding)
        {
            found.Add(finding);
        }
    }

    private static Finding? Describe(string claim, string rule, RegoFailure failure, Facts facts)
    {
        JsonObject references = facts.References;
        RegoInputRead? read = failure.InputReads.LastOrDefault(r => r.Exists && r.Value is not (RegoObject or RegoArray)) ?? failure.InputReads.LastOrDefault(r => r.Exists);
        if (read is null && failure.Variables.IsEmpty)
        {
            // Only that another TEE is meant.
            return null;
        }

        string? name = ReferenceName(failure, references);
        JsonNode? actual = read?.Value?.ToJsonNode();
        if (read is null && name is not null && failure.Variables.LastOrDefault(v => v.Value is not RegoString s || s.Value != name) is { Value: { } bound })
        {
            actual = bound.ToJsonNode();
        }

        string subject = read is not null ? LastPart(read.Path) : PathOf(facts.Input, actual) is { } path ? LastPart(path) : "the value";
        var values = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (RegoInputRead r in failure.InputReads)
        {
            // What was only passed through on the way says nothing.
            if (!failure.InputReads.Any(other => other.Path.Length > r.Path.Length && other.Path.StartsWith(r.Path, StringComparison.Ordinal) && other.Path[r.Path.Length] is '.' or '['))
            {
                values[r.Path] = r.Exists ? r.Value!.ToJsonNode() : null;
            }
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

        bool unregistered = name is not null ? references[name] is null : read is null && failure.Variables.Any(v => v.Value is RegoNull);
        return new Finding(claim, rule, failure.Location.Row, failure.Expression, values.ToImmutableSortedDictionary(StringComparer.Ordinal), sentence, rank, unregistered);
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

    // query_reference_value("name"), query_reference_value(variable), or a variable that holds what one of the names answered.
    private static string? ReferenceName(RegoFailure failure, JsonObject references)
    {
        Match literal = Literal().Match(failure.Expression);
        if (literal.Success)
        {
            return literal.Groups[1].Value;
        }

        Match variable = Variable().Match(failure.Expression);
        if (variable.Success)
        {
            return failure.Variables.FirstOrDefault(v => v.Name == variable.Groups[1].Value).Value is RegoString name ? name.Value : null;
        }

        string[] words = Word().Split(failure.Expression);
        foreach ((string _, RegoValue value) in failure.Variables.Where(v => v.Value is not RegoNull && words.Contains(v.Name)))
        {
            JsonNode? held = value.ToJsonNode();
            string[] names = [.. references.Where(r => r.Value is not null && JsonNode.DeepEquals(r.Value, held)).Select(r => r.Key)];
            if (names.Length == 1)
            {
                return names[0];
            }
        }

        return null;
    }

    // Where in the input a value stands that a policy walked over; null when that is not clear.
    private static string? PathOf(JsonObject input, JsonNode? value)
    {
        const int Shortest = 8;
        if (value is not JsonValue v || !v.TryGetValue(out string? text) || text.Length < Shortest)
        {
            return null;
        }

        string[] paths = [.. Paths(input, "input", 0).Where(p => p.Text == text).Select(p => p.Path).Take(2)];
        return paths.Length == 1 ? paths[0] : null;
    }

    private static IEnumerable<(string Path, string Text)> Paths(JsonNode? node, string path, int depth)
    {
        const int Deepest = 32;
        IEnumerable<(JsonNode? Node, string Path)> inner = node switch
        {
            JsonObject o => o.Select(m => (m.Value, $"{path}[\"{m.Key}\"]")),
            JsonArray a => a.Select((item, i) => (item, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"))),
            _ => [],
        };
        return node is JsonValue v && v.TryGetValue(out string? text) ? [(path, text)]
            : depth == Deepest ? []
            : inner.SelectMany(m => Paths(m.Node, m.Path, depth + 1));
    }

    private static string LastPart(string path)
    {
        // input.tdx.quote.body.mr_td is mr_td; input["az-snp-vtpm"].tpm.pcr11 is tpm.pcr11; the TEE's name says nothing new.
        // Inside a list it takes the list's name to find it: uefi_event_logs[3].digests[0].digest.
        string[] parts = [.. Part().Matches(path).Select(m => m.Groups[1].Success ? m.Groups[1].Value : m.Value)];
        int inList = Array.FindIndex(parts, p => p[0] == '[') - 1;
        int first = inList > 0 ? inList : parts.Length > 3 && parts[^2] is "tpm" or "platform_version" ? parts.Length - 2 : parts.Length - 1;
        return string.Join('.', parts[first..]).Replace(".[", "[", StringComparison.Ordinal);
    }

    private readonly record struct Facts(JsonObject Input, JsonObject References);

    private static string Short(JsonNode? node)
    {
        string text = node is JsonValue v && v.TryGetValue(out string? s) ? s : node?.ToJsonString() ?? "null";
        int longest = IsHex(text) ? 20 : 64;
        return text.Length <= longest ? text : text[..(longest - 4)] + "…";
    }

    [GeneratedRegex("query_reference_value\\(\\s*\"([^\"]*)\"\\s*\\)", RegexOptions.None, 1000)]
    private static partial Regex Literal();

    [GeneratedRegex(@"query_reference_value\(\s*([A-Za-z_][A-Za-z0-9_]*)\s*\)", RegexOptions.None, 1000)]
    private static partial Regex Variable();

    // A name, ["a name"], or [0].
    [GeneratedRegex(@"\[""((?:[^""\\]|\\.)*)""\]|\[[0-9]+\]|[^.\[\]]+", RegexOptions.None, 1000)]
    private static partial Regex Part();

    [GeneratedRegex("[^A-Za-z0-9_]+", RegexOptions.None, 1000)]
    private static partial Regex Word();
}

/// <summary>An expression of a policy that did not hold.</summary>
/// <param name="Claim">The trust claim that it kept down.</param>
/// <param name="Rule">The rule that it stands in.</param>
/// <param name="Line">Its line.</param>
/// <param name="Expression">Its text.</param>
/// <param name="Values">What it saw.</param>
/// <param name="Sentence">For people.</param>
/// <param name="Rank">Smaller is more telling.</param>
/// <param name="IsUnregistered">It failed because the reference value that it asks for is not registered.</param>
internal sealed record Finding(
    string Claim,
    string Rule,
    int Line,
    string Expression,
    ImmutableSortedDictionary<string, JsonNode?> Values,
    string Sentence,
    int Rank,
    bool IsUnregistered)
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
