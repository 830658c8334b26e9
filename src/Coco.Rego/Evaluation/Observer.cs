// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Compilation;

namespace Coco.Rego.Evaluation;

/// <summary>Watches an evaluation: for explanations and for coverage. An evaluation without one pays a null check per step.</summary>
internal abstract class Observer
{
    /// <summary>A rule or function begins.</summary>
    internal virtual void EnterRule(RuleGroup group, ReadOnlySpan<RegoValue> arguments)
    {
    }

    /// <summary>It ends with a value, or undefined.</summary>
    internal virtual void LeaveRule(RuleGroup group, RegoValue? value)
    {
    }

    /// <summary>A rule that was evaluated before is asked for again.</summary>
    internal virtual void KnownRule(RuleGroup group, RegoValue? value)
    {
    }

    /// <summary>One branch of a rule begins.</summary>
    internal virtual void EnterBranch(CompiledBranch branch)
    {
    }

    /// <summary>It ends; holds when it had a solution.</summary>
    internal virtual void LeaveBranch(CompiledBranch branch, bool holds)
    {
    }

    /// <summary>The body of a negation, comprehension or <c>every</c> begins.</summary>
    internal virtual void EnterInner()
    {
    }

    /// <summary>It ends.</summary>
    internal virtual void LeaveInner()
    {
    }

    /// <summary>A step begins.</summary>
    internal virtual void Enter(Step step, Frame frame)
    {
    }

    /// <summary>A step that may have many solutions ends.</summary>
    internal virtual void Leave(Step step, Frame frame)
    {
    }

    /// <summary>A step with one solution at most ends.</summary>
    internal virtual void Leave(Step step, Frame frame, bool holds)
    {
    }

    /// <summary>The input is read.</summary>
    internal virtual void ReadInput(RegoValue? input)
    {
    }

    /// <summary>A step into a value, which may be a part of the input. Gives what is found.</summary>
    internal virtual RegoValue? Step(RegoValue? value, RegoValue key) => value?.Lookup(key);

    /// <summary>All elements of a collection are visited.</summary>
    internal virtual void Enumerate(RegoValue collection)
    {
    }

    /// <summary>A built-in refused its arguments.</summary>
    internal virtual void BuiltinFailed(string function, string message, RegoLocation location)
    {
    }
}
