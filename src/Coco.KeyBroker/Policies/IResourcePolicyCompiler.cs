// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego;

namespace Coco.KeyBroker;

/// <summary>Makes decisions out of policy text. One implementation speaks Rego; tests have their own.</summary>
internal interface IResourcePolicyCompiler
{
    /// <summary>Checks the syntax and compiles. The refusal's detail is the parser's message, for administrators.</summary>
    Result<CompiledResourcePolicy> Compile(string source, string name);
}

/// <summary>A policy that can be asked. Immutable and thread-safe.</summary>
internal abstract class CompiledResourcePolicy
{
    /// <summary>SHA-384 (hex) of the source.</summary>
    public abstract string Sha384 { get; }

    /// <summary>Asks <c>data.policy.allow</c> with the token's claims as input (kbs.md 5.4).</summary>
    public abstract PolicyDecision Evaluate(PolicyQuestion question);

    /// <summary>Asks once more and says what did not hold; null when there is nothing to say. Costs several times an evaluation.</summary>
    public virtual RegoExplanation? Explain(PolicyQuestion question) => null;
}

/// <summary>What a resource policy is asked.</summary>
/// <param name="Token">Its claims are the <c>input</c>.</param>
/// <param name="Plugin">First segment.</param>
/// <param name="Path">The other segments.</param>
/// <param name="Query">The decoded query.</param>
internal sealed record PolicyQuestion(VerifiedToken Token, string Plugin, ImmutableArray<string> Path, ImmutableSortedDictionary<string, string> Query);

/// <summary>How an evaluation ended. Everything but <see cref="Allowed"/> denies.</summary>
internal enum PolicyOutcome
{
    Allowed,
    False,
    Undefined,
    NotBoolean,
    Fault,
}

/// <summary>An answer of a resource policy.</summary>
internal readonly record struct PolicyDecision(PolicyOutcome Outcome, string? Detail = null);
