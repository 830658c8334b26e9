// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Rego;

namespace Coco.Attestation.Policies;

/// <summary>A policy in Rego (attestation-service.md 8): errors of built-in functions end the evaluation, and so does every limit.</summary>
internal sealed class RegoAppraisalPolicy(RegoProgram program, string source) : IAppraisalPolicy
{
    private const string Package = "data.policy.";
    private const string Extension = "query_reference_value";

    public string Sha384 => program.Sha384;

    public string Source => source;

    public ImmutableArray<string> ReferenceNames => program.ReferenceNames;

    public PolicyEvaluation Evaluate(ImmutableArray<string> rules, JsonObject input, ReferenceLookup references, JsonObject? data = null)
    {
        RegoRequest request = Request(input, references, data);
        var values = ImmutableArray.CreateBuilder<RuleValue>(rules.Length);
        foreach (string rule in rules)
        {
            string path = Package + rule;
            if (!program.HasRule(path))
            {
                values.Add(default);
                continue;
            }

            RegoEvaluation evaluation = program.Evaluate(path, request);
            switch (evaluation.Outcome)
            {
                case RegoOutcome.Value:
                    values.Add(new RuleValue(true, true, ToNode(evaluation.Value!)));
                    break;
                case RegoOutcome.Undefined:
                    values.Add(new RuleValue(true, false, null));
                    break;
                case RegoOutcome.NeedsData:
                    return new PolicyEvaluation([], new Refusal(RefusalCode.NotFound, "reference values are needed"));
                default:
                    return new PolicyEvaluation([], new Refusal(RefusalCode.PolicyDenied, evaluation.Fault!.ToString()));
            }
        }

        return new PolicyEvaluation(values.ToImmutable(), null);
    }

    public RegoExplanation? Explain(string rule, JsonObject input, ReferenceLookup references) =>
        program.HasRule(Package + rule) ? program.Evaluate(Package + rule, Request(input, references, null) with { Explain = true }).Explanation : null;

    private static RegoRequest Request(JsonObject input, ReferenceLookup references, JsonObject? data) => new()
    {
        Input = RegoValue.FromJson(input),
        Data = data is null ? null : RegoValue.FromJson(data),
        StrictBuiltinErrors = true,
        Functions = new Dictionary<string, RegoHostFunction>(StringComparer.Ordinal) { [Extension] = arguments => Query(arguments, references) },
    };

    // Small results are turned over directly; a text round trip costs more than the rest of the evaluation.
    private static JsonNode? ToNode(RegoValue value)
    {
        switch (value)
        {
            case RegoObject o:
                {
                    var members = new JsonObject();
                    for (int i = 0; i < o.Count; i++)
                    {
                        if (o.Keys[i] is not RegoString name)
                        {
                            return value.ToJsonNode();
                        }

                        members[name.Value] = ToNode(o.Values[i]);
                    }

                    return members;
                }

            case RegoArray a:
                {
                    var items = new JsonArray();
                    for (int i = 0; i < a.Count; i++)
                    {
                        items.Add(ToNode(a[i]));
                    }

                    return items;
                }

            case RegoString s:
                return JsonValue.Create(s.Value);
            case RegoBoolean b:
                return JsonValue.Create(ReferenceEquals(b, RegoValue.True));
            case RegoNumber n when n.TryGetInt64(out long integer):
                return JsonValue.Create(integer);
            default:
                return value.ToJsonNode();
        }
    }

    // Unknown is null, never undefined; a name that is no text is undefined, which fails whatever asked.
    private static RegoValue? Query(ReadOnlySpan<RegoValue> arguments, ReferenceLookup references)
    {
        if (arguments[0] is not RegoString name)
        {
            return null;
        }

        if (!references.TryGet(name.Value, out JsonElement? value))
        {
            throw new RegoNeedsDataException(name.Value);
        }

        return value is { } known ? RegoValue.FromJson(known) : RegoValue.Null;
    }
}
