// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Functions;

/// <summary>A built-in function: how it is called and what it does.</summary>
/// <param name="Name">As written in a policy, with dots.</param>
/// <param name="Parameters">The types that each parameter accepts; its length is the arity. An argument of another type is an <c>eval_type_error</c>,
/// made by the evaluator; declare <see cref="RegoTypes.Any"/> where the function has its own message or answers other types with false.</param>
/// <param name="Function">The code.</param>
internal sealed record Builtin(string Name, RegoTypes[] Parameters, BuiltinFunction Function)
{
    /// <summary>Takes any number of arguments from the number of <see cref="Parameters"/> on.</summary>
    public bool IsVariadic { get; init; }

    /// <summary>Gives an array of results, each of which is one solution (<c>walk</c>).</summary>
    public bool IsRelation { get; init; }

    /// <summary>Known in v0 modules only.</summary>
    public bool IsV0Only { get; init; }

    /// <summary>Exists only when the host grants this.</summary>
    public RegoGrants Requires { get; init; }

    /// <summary>Number of arguments without the optional output argument.</summary>
    public int Arity => Parameters.Length;
}
