// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Rego;

namespace Coco.Attestation.Policies;

/// <summary>A compiled appraisal policy. Immutable, thread-safe.</summary>
internal interface IAppraisalPolicy
{
    /// <summary>SHA-384 of the text, lower-case hexadecimal.</summary>
    string Sha384 { get; }

    /// <summary>The text.</summary>
    string Source { get; }

    /// <summary>Names of reference values that stand in the text.</summary>
    ImmutableArray<string> ReferenceNames { get; }

    /// <summary>Evaluates rules of package <c>policy</c>. Pure: fetches nothing.</summary>
    /// <param name="rules">For example <c>trust_claims</c>.</param>
    /// <param name="input">The shaped claims.</param>
    /// <param name="references">Answers <c>query_reference_value</c>; says which names it lacks.</param>
    /// <param name="data">The <c>data</c> document; null for none.</param>
    PolicyEvaluation Evaluate(ImmutableArray<string> rules, JsonObject input, ReferenceLookup references, JsonObject? data = null);

    /// <summary>Why rules did not hold; null when the policy has no such rule.</summary>
    RegoExplanation? Explain(string rule, JsonObject input, ReferenceLookup references);
}

/// <summary>Compiles policies.</summary>
internal interface IAppraisalPolicyCompiler
{
    /// <summary>Refuses text that is not a policy, with the place of the mistake.</summary>
    Result<CompiledPolicy> Compile(string source, string name);
}

/// <summary>Wraps a policy, since a <see cref="Result{T}"/> takes no interface.</summary>
internal sealed record CompiledPolicy(IAppraisalPolicy Policy);

/// <summary>What an evaluation gave.</summary>
/// <param name="Values">Per rule.</param>
/// <param name="Fault">Why the evaluation ended; null when it did not.</param>
internal sealed record PolicyEvaluation(ImmutableArray<RuleValue> Values, Refusal? Fault);

/// <summary>The value of a rule.</summary>
/// <param name="Exists">The policy has such a rule.</param>
/// <param name="IsDefined">It has a value.</param>
/// <param name="Value">The value; null is JSON's null.</param>
internal readonly record struct RuleValue(bool Exists, bool IsDefined, JsonNode? Value);
