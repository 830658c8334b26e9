// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;

namespace Coco.Rego;

/// <summary>Why the rules of an evaluation held or did not.</summary>
/// <param name="Rules">The rules that were asked for, each with the rules that it asked for where it failed.</param>
/// <param name="InputReads">Every path of the input that was read, also those that do not exist, each once, in the order of reading.</param>
/// <param name="IsTruncated">More happened than was recorded.</param>
public sealed record RegoExplanation(ImmutableArray<RegoRuleTrace> Rules, ImmutableArray<RegoInputRead> InputReads, bool IsTruncated)
{
    /// <summary>An indented text for people.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        foreach (RegoRuleTrace rule in Rules)
        {
            Write(text, rule, 0);
        }

        RegoInputRead[] missing = [.. InputReads.Where(static r => !r.Exists)];
        if (missing.Length > 0)
        {
            text.Append("not in the input: ").AppendJoin(", ", missing.Select(static r => r.Path)).Append('\n');
        }

        if (IsTruncated)
        {
            text.Append("(more was not recorded)\n");
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => ToText();

    private static void Write(StringBuilder text, RegoRuleTrace rule, int level)
    {
        string outcome = rule.Value is null ? "is undefined" : "is " + Short(rule.Value);
        text.Append(' ', level * 2).Append(rule.Name);
        if (!rule.Arguments.IsEmpty)
        {
            text.Append('(').AppendJoin(", ", rule.Arguments.Select(Short)).Append(')');
        }

        text.Append(' ').Append(outcome).Append(rule.WasKnown ? " (known from above)" : string.Empty).Append('\n');
        foreach (RegoClauseTrace clause in rule.Clauses)
        {
            text.Append(' ', (level + 1) * 2).Append(clause.Location).Append(clause.Holds ? " holds" : " does not hold").Append('\n');
            foreach (RegoFailure failure in clause.Failures)
            {
                Write(text, failure, level + 2);
            }
        }
    }

    private static void Write(StringBuilder text, RegoFailure failure, int level)
    {
        text.Append(' ', level * 2).Append(failure.Location).Append(": ").Append(failure.Expression);
        if (failure.Times > 1)
        {
            text.Append(" (").Append(failure.Times).Append(" times)");
        }

        text.Append('\n');
        foreach ((string name, RegoValue value) in failure.Variables)
        {
            text.Append(' ', (level + 1) * 2).Append(name).Append(" = ").Append(Short(value)).Append('\n');
        }

        foreach (RegoInputRead read in failure.InputReads)
        {
            text.Append(' ', (level + 1) * 2).Append(read.Path).Append(read.Exists ? " = " + Short(read.Value!) : " does not exist").Append('\n');
        }

        foreach (string error in failure.BuiltinErrors)
        {
            text.Append(' ', (level + 1) * 2).Append(error).Append('\n');
        }

        foreach (RegoFailure inner in failure.Inner)
        {
            Write(text, inner, level + 1);
        }

        foreach (RegoRuleTrace rule in failure.Rules)
        {
            Write(text, rule, level + 1);
        }
    }

    private static string Short(RegoValue value)
    {
        const int Longest = 120;
        return RegoText.Short(value, Longest);
    }
}

/// <summary>A path of the input that was read.</summary>
/// <param name="Path">For example <c>input.snp.tcb["boot-loader"]</c>.</param>
/// <param name="Exists">Whether the input has it.</param>
/// <param name="Value">What it has there; null when nothing.</param>
public sealed record RegoInputRead(string Path, bool Exists, RegoValue? Value);

/// <summary>A rule or function that was evaluated.</summary>
/// <param name="Name">For example <c>data.policy.allow</c>.</param>
/// <param name="Arguments">Of a function.</param>
/// <param name="Value">Null: undefined.</param>
/// <param name="WasKnown">It was evaluated before, and is explained there.</param>
/// <param name="Clauses">What was tried.</param>
public sealed record RegoRuleTrace(string Name, ImmutableArray<RegoValue> Arguments, RegoValue? Value, bool WasKnown, ImmutableArray<RegoClauseTrace> Clauses);

/// <summary>One rule of the source, or one of its <c>else</c> branches.</summary>
/// <param name="Location">Where it begins.</param>
/// <param name="Holds">Whether it gave a value.</param>
/// <param name="Failures">The expressions that failed, in order; empty when it holds.</param>
public sealed record RegoClauseTrace(RegoLocation Location, bool Holds, ImmutableArray<RegoFailure> Failures);

/// <summary>An expression that was undefined, false or without solutions.</summary>
/// <param name="Location">Where it begins.</param>
/// <param name="Expression">Its text.</param>
/// <param name="Variables">The values of the variables at that point.</param>
/// <param name="InputReads">What it read of the input.</param>
/// <param name="BuiltinErrors">Errors of built-in functions, which made it undefined.</param>
/// <param name="Rules">The rules that it asked for.</param>
/// <param name="Inner">What failed inside its own body, for <c>every</c>, <c>not</c> and comprehensions.</param>
/// <param name="Times">How often it failed, for different values of the variables; the first is shown.</param>
public sealed record RegoFailure(
    RegoLocation Location,
    string Expression,
    ImmutableArray<(string Name, RegoValue Value)> Variables,
    ImmutableArray<RegoInputRead> InputReads,
    ImmutableArray<string> BuiltinErrors,
    ImmutableArray<RegoRuleTrace> Rules,
    ImmutableArray<RegoFailure> Inner,
    int Times);
