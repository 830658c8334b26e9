// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Policies;
using Coco.Protocol;

namespace Coco.Attestation.Pipeline;

/// <summary>Step 4: evaluates a policy over shaped claims and reference values (attestation-service.md 8).</summary>
internal sealed class Appraiser(AttestationPolicyStore policies, IReferenceValueSource references, AttestationOptions options)
{
    private const int MaxRounds = 16;
    private static readonly ImmutableArray<string> Rules = ["trust_claims", "extensions"];

    // Which names a policy asked for with this TEE the last time: fetched ahead, so that one round is enough.
    private readonly ConcurrentDictionary<(string Policy, TeeType Tee), ImmutableArray<string>> _lastAsked = new();

    /// <summary>Appraises with the policy of the class; the claims are taken over.</summary>
    public async ValueTask<Result<Appraisal>> AppraiseAsync(PolicyId requested, TeeType tee, string teeClass, JsonObject claims, CancellationToken ct)
    {
        string storedId = $"{requested.Value}_{teeClass}";
        return (await policies.CompiledAsync(storedId, ct).ConfigureAwait(false)).TryGet(out CompiledPolicy? compiled, out Refusal? why)
            ? await AppraiseAsync(compiled.Policy, requested.Value, storedId, tee, teeClass, claims, ct).ConfigureAwait(false)
            : why;
    }

    /// <summary>Appraises with a given policy.</summary>
    public async ValueTask<Result<Appraisal>> AppraiseAsync(
        IAppraisalPolicy policy,
        string requestedId,
        string storedId,
        TeeType tee,
        string teeClass,
        JsonObject claims,
        CancellationToken ct)
    {
        var lookup = new ReferenceLookup();
        (string Sha384, TeeType Tee) memory = (policy.Sha384, tee);
        if (!_lastAsked.TryGetValue(memory, out ImmutableArray<string> ahead))
        {
            ahead = policy.ReferenceNames;
        }

        await FetchAsync(lookup, ahead, ct).ConfigureAwait(false);
        PolicyEvaluation evaluation = policy.Evaluate(Rules, claims, lookup);
        for (int round = 1; lookup.Missing.Count > 0; round++)
        {
            if (round == MaxRounds)
            {
                return new Refusal(RefusalCode.PolicyDenied, $"the policy '{storedId}' asks for new reference values after {MaxRounds} rounds");
            }

            await FetchAsync(lookup, [.. lookup.Missing], ct).ConfigureAwait(false);
            evaluation = policy.Evaluate(Rules, claims, lookup);
        }

        if (_lastAsked.Count > 4096)
        {
            _lastAsked.Clear();
        }

        _lastAsked[memory] = [.. lookup.Asked];
        if (evaluation.Fault is { } fault)
        {
            return fault.Within($"policy '{storedId}'") with { Code = RefusalCode.PolicyDenied };
        }

        if (!ReadVector(evaluation.Values[0], storedId).TryGet(out TrustVector? vector, out Refusal? why))
        {
            return why;
        }

        if (!ReadExtensions(evaluation.Values[1], storedId).TryGet(out ImmutableArray<(string, JsonNode)> extensions, out why))
        {
            return why;
        }

        return new Appraisal(
            tee,
            teeClass,
            claims,
            vector,
            extensions,
            new AppliedPolicy(requestedId, storedId, policy.Sha384, policy.Source),
            Answers(lookup));
    }

    /// <summary>All reference values.</summary>
    internal ValueTask<ImmutableDictionary<string, JsonElement>> AllReferencesAsync(CancellationToken ct) => references.GetAllAsync(ct);

    private static KeyValuePair<string, JsonElement?>[] Answers(ReferenceLookup lookup) =>
        [.. lookup.Asked.Select(n => KeyValuePair.Create(n, lookup.Answer(n)))];

    internal async ValueTask FetchAsync(ReferenceLookup lookup, ImmutableArray<string> names, CancellationToken ct)
    {
        if (names.IsEmpty)
        {
            return;
        }

        ImmutableDictionary<string, JsonElement> found;
        if (references.IsRemote)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
            timeout.CancelAfter(options.ReferenceValueTimeout);
            try
            {
                found = await references.GetAsync(names, timeout.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw new TimeoutException($"reference values did not come within {options.ReferenceValueTimeout.TotalSeconds} s", e);
            }
        }
        else
        {
            found = await references.GetAsync(names, ct).ConfigureAwait(false);
        }

        foreach (string name in names)
        {
            lookup.Put(name, found.TryGetValue(name, out JsonElement value) ? value : null);
        }
    }

    internal static Result<TrustVector> ReadVector(RuleValue rule, string policy)
    {
        if (!rule.Exists)
        {
            return TrustVector.Zero;
        }

        if (rule.Value is not JsonObject claims)
        {
            return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': Trust claims is not an object");
        }

        var vector = new TrustVector();
        foreach ((string name, JsonNode? value) in claims)
        {
            if (!TryNumber(value, out decimal number))
            {
                return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': the trust claim '{name}' is not a number") { Field = name };
            }

            if (vector.Set(name, number) is { } bad)
            {
                return bad.Within($"policy '{policy}'");
            }
        }

        return vector.IsEmpty
            ? new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': At least one policy claim must be set.")
            : vector;
    }

    private static Result<ImmutableArray<(string Name, JsonNode Value)>> ReadExtensions(RuleValue rule, string policy)
    {
        if (!rule.Exists)
        {
            return ImmutableArray<(string, JsonNode)>.Empty;
        }

        if (rule.Value is not JsonArray list)
        {
            return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': extensions is not an array");
        }

        var byName = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        var keys = new HashSet<int>();
        foreach (JsonNode? item in list)
        {
            if (item is not JsonObject extension
                || !extension.TryGetPropertyValue("name", out JsonNode? name) || name is not JsonValue nameValue || !nameValue.TryGetValue(out string? text)
                || !extension.TryGetPropertyValue("key", out JsonNode? key) || !TryNumber(key, out decimal number)
                || !extension.TryGetPropertyValue("value", out JsonNode? value))
            {
                return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': an extension needs name, key and value");
            }

            if (number != decimal.Truncate(number) || number is < int.MinValue or > int.MaxValue)
            {
                return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': the key of extension '{text}' is not a 32-bit integer");
            }

            if (text.StartsWith("ear.", StringComparison.Ordinal) && ReservedNames.Contains(text, StringComparer.Ordinal))
            {
                return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': the extension '{text}' would replace a claim of the token");
            }

            if (!keys.Add((int)number) || !byName.TryAdd(text, value))
            {
                return new Refusal(RefusalCode.PolicyDenied, $"policy '{policy}': the extension '{text}' (key {number}) is given twice");
            }
        }

        return byName.Where(e => e.Value is not null).Select(e => (e.Key, e.Value!.DeepClone())).ToImmutableArray();
    }

    private static readonly ImmutableArray<string> ReservedNames =
    [
        "ear.status", "ear.trustworthiness-vector", "ear.appraisal-policy-id", "ear.veraison.annotated-evidence", "ear.veraison.policy-claims",
        "ear.veraison.key-attestation",
    ];

    private static bool TryNumber(JsonNode? node, out decimal number)
    {
        number = 0;
        return node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && decimal.TryParse(value.ToJsonString(), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out number);
    }
}
