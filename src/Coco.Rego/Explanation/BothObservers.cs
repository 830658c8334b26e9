// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Compilation;
using Coco.Rego.Evaluation;

namespace Coco.Rego;

/// <summary>An explanation and a coverage at once.</summary>
internal sealed class BothObservers(Observer first, Observer second) : Observer
{
    internal override void EnterRule(RuleGroup group, ReadOnlySpan<RegoValue> arguments) => first.EnterRule(group, arguments);

    internal override void LeaveRule(RuleGroup group, RegoValue? value) => first.LeaveRule(group, value);

    internal override void KnownRule(RuleGroup group, RegoValue? value) => first.KnownRule(group, value);

    internal override void EnterBranch(CompiledBranch branch) => first.EnterBranch(branch);

    internal override void LeaveBranch(CompiledBranch branch, bool holds)
    {
        first.LeaveBranch(branch, holds);
        second.LeaveBranch(branch, holds);
    }

    internal override void EnterInner() => first.EnterInner();

    internal override void LeaveInner() => first.LeaveInner();

    internal override void Enter(Step step, Frame frame)
    {
        first.Enter(step, frame);
        second.Enter(step, frame);
    }

    internal override void Leave(Step step, Frame frame) => first.Leave(step, frame);

    internal override void Leave(Step step, Frame frame, bool holds) => first.Leave(step, frame, holds);

    internal override void ReadInput(RegoValue? input) => first.ReadInput(input);

    internal override RegoValue? Step(RegoValue? value, RegoValue key) => first.Step(value, key);

    internal override void Enumerate(RegoValue collection) => first.Enumerate(collection);

    internal override void BuiltinFailed(string function, string message, RegoLocation location) => first.BuiltinFailed(function, message, location);
}
