// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;

namespace Coco.Rego;

/// <summary>A path of the input that a policy reads.</summary>
/// <param name="Path">For example <c>input.snp.tcb[_]</c>.</param>
/// <param name="Steps">Keys behind <c>input</c>; null where the policy computes or enumerates them.</param>
/// <param name="Location">Where it is read first.</param>
public sealed record RegoInputReference(string Path, ImmutableArray<RegoValue?> Steps, RegoLocation Location)
{
    /// <summary>All that a program reads, as far as its text tells: also through imports, aliases and <c>some … in</c>. Each path once.</summary>
    public static ImmutableArray<RegoInputReference> Of(RegoProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        var found = new Compilation.InputReferenceFinder();
        foreach (Syntax.Module module in program.Builder.Modules)
        {
            found.Visit(module);
        }

        return [.. found.References];
    }

    /// <summary>Whether an input has such a path; a step that is not known matches every key.</summary>
    public bool OccursIn(RegoValue input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Occurs(input, Steps.AsSpan());
    }

    internal static string Show(ImmutableArray<RegoValue?> steps)
    {
        var text = new StringBuilder("input");
        foreach (RegoValue? step in steps)
        {
            if (step is RegoString { Value: { Length: > 0 } name } && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            {
                text.Append('.').Append(name);
            }
            else
            {
                text.Append('[').Append(step is null ? "_" : step.ToString()).Append(']');
            }
        }

        return text.ToString();
    }

    private static bool Occurs(RegoValue value, ReadOnlySpan<RegoValue?> steps)
    {
        if (steps.IsEmpty)
        {
            return true;
        }

        if (steps[0] is { } key)
        {
            return value.Lookup(key) is { } child && Occurs(child, steps[1..]);
        }

        ReadOnlySpan<RegoValue> children = value switch
        {
            RegoObject members => members.Values,
            RegoArray array => array.Items,
            RegoSet set => set.Items,
            _ => default,
        };
        foreach (RegoValue child in children)
        {
            if (Occurs(child, steps[1..]))
            {
                return true;
            }
        }

        return false;
    }
}
