// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Compilation;
using Coco.Rego.Syntax;

namespace Coco.Rego.Evaluation;

/// <summary>
/// A compiled condition. A body is a chain of steps; a step runs the rest of the chain once for each of its solutions. The answer true
/// means: enough, look for no further solutions.
/// </summary>
internal abstract class Step
{
    internal Step? Next { get; set; }

    internal StepOrigin? Origin { get; init; }

    internal abstract bool Execute(Machine machine, Frame frame);

    /// <summary>Whether entering another step means that this one has succeeded.</summary>
    internal virtual bool LeadsTo(Step other) => ReferenceEquals(Next, other);

    internal static bool Run(Step first, Machine machine, Frame frame)
    {
        Step step = first;
        while (true)
        {
            machine.Context.Step();
            if (machine.Observer is { } observer)
            {
                observer.Enter(step, frame);
                if (step is not TestStep tested)
                {
                    bool enough = step.Execute(machine, frame);
                    observer.Leave(step, frame);
                    return enough;
                }

                bool holds = tested.Test(machine, frame);
                observer.Leave(step, frame, holds);
                if (!holds)
                {
                    return false;
                }
            }
            else if (step is not TestStep test)
            {
                return step.Execute(machine, frame);
            }
            else if (!test.Test(machine, frame))
            {
                return false;
            }

            step = step.Next!;
        }
    }
}

/// <summary>A step that has at most one solution.</summary>
internal abstract class TestStep : Step
{
    internal abstract bool Test(Machine machine, Frame frame);

    internal sealed override bool Execute(Machine machine, Frame frame) => Test(machine, frame) && Run(Next!, machine, frame);
}

internal sealed class ConditionStep(Expression expression) : TestStep
{
    internal override bool Test(Machine machine, Frame frame) => expression.Evaluate(machine, frame) is { IsTruthy: true };
}

internal sealed class BindStep(Expression expression, int slot) : TestStep
{
    internal override bool Test(Machine machine, Frame frame) => (frame.Slots[slot] = expression.Evaluate(machine, frame)) is not null;
}

internal sealed class MatchStep(Expression expression, Pattern pattern) : TestStep
{
    internal override bool Test(Machine machine, Frame frame) =>
        expression.Evaluate(machine, frame) is { } value && pattern.Match(machine, frame, value);
}

internal sealed class FailStep : TestStep
{
    internal override bool Test(Machine machine, Frame frame) => false;
}

internal sealed class NotStep(Step inner) : TestStep
{
    internal override bool Test(Machine machine, Frame frame)
    {
        machine.Observer?.EnterInner();
        bool found = Run(inner, machine, frame);
        machine.Observer?.LeaveInner();
        return !found;
    }
}

internal sealed class EveryStep(Expression domain, Pattern key, Pattern value, Step inner) : TestStep
{
    internal override bool Test(Machine machine, Frame frame)
    {
        RegoValue? collection = domain.Evaluate(machine, frame);
        switch (collection)
        {
            case RegoArray array:
                machine.Observer?.Enumerate(array);
                for (int i = 0; i < array.Count; i++)
                {
                    if (!Holds(machine, frame, RegoNumber.Of(i), array[i]))
                    {
                        return false;
                    }
                }

                return true;
            case RegoObject members:
                machine.Observer?.Enumerate(members);
                for (int i = 0; i < members.Count; i++)
                {
                    if (!Holds(machine, frame, members.Keys[i], members.Values[i]))
                    {
                        return false;
                    }
                }

                return true;
            case RegoSet set:
                for (int i = 0; i < set.Count; i++)
                {
                    if (!Holds(machine, frame, set.Items[i], set.Items[i]))
                    {
                        return false;
                    }
                }

                return true;
            default:
                return false;
        }
    }

    private bool Holds(Machine machine, Frame frame, RegoValue k, RegoValue v)
    {
        machine.Observer?.EnterInner();
        bool holds = key.Match(machine, frame, k) && value.Match(machine, frame, v) && Run(inner, machine, frame);
        machine.Observer?.LeaveInner();
        return holds;
    }
}

/// <summary>One solution for each element of a collection.</summary>
internal sealed class ScanStep(Expression collection, Pattern key, Pattern value) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (collection.Evaluate(machine, frame))
        {
            case RegoArray array:
                machine.Observer?.Enumerate(array);
                for (int i = 0; i < array.Count; i++)
                {
                    machine.Context.Step();
                    if (key.Match(machine, frame, RegoNumber.Of(i)) && value.Match(machine, frame, array[i]) && Run(Next!, machine, frame))
                    {
                        return true;
                    }
                }

                return false;
            case RegoObject members:
                machine.Observer?.Enumerate(members);
                for (int i = 0; i < members.Count; i++)
                {
                    machine.Context.Step();
                    if (key.Match(machine, frame, members.Keys[i]) && value.Match(machine, frame, members.Values[i]) && Run(Next!, machine, frame))
                    {
                        return true;
                    }
                }

                return false;
            case RegoSet set:
                for (int i = 0; i < set.Count; i++)
                {
                    machine.Context.Step();
                    if (key.Match(machine, frame, set.Items[i]) && value.Match(machine, frame, set.Items[i]) && Run(Next!, machine, frame))
                    {
                        return true;
                    }
                }

                return false;
            default:
                return false;
        }
    }
}

/// <summary>One solution for each result of a relation, which comes as an array.</summary>
internal sealed class RelationStep(Expression call, Pattern output) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (call.Evaluate(machine, frame) is not RegoArray results)
        {
            return false;
        }

        foreach (RegoValue result in results.Items)
        {
            machine.Context.Step();
            if (output.Match(machine, frame, result) && Run(Next!, machine, frame))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A step of a reference into documents: a known key, or a pattern that all keys are matched with.</summary>
internal readonly record struct DocumentPart(Expression? Key, Pattern? Pattern);

/// <summary>One solution for each document that a reference with variables can mean, where rules are among them.</summary>
internal sealed class DocumentScanStep(TreeNode start, DocumentPart[] parts, int slot) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        Patch? patch = machine.Environment.Patches;
        RegoValue? known = machine.Data;
        foreach (RegoValue key in start.Path)
        {
            if (patch?.Value is { } replaced)
            {
                return Walk(machine, frame, replaced.Lookup(key), 0);
            }

            known = known?.Lookup(key);
            patch = patch?.Find(key);
        }

        return Visit(machine, frame, start, known, patch, 0);
    }

    private bool Visit(Machine machine, Frame frame, TreeNode? node, RegoValue? known, Patch? patch, int at)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (patch?.Value is { } replaced)
        {
            return Walk(machine, frame, replaced, at);
        }

        if (at == parts.Length || node is null || node.Group is not null)
        {
            return Walk(machine, frame, machine.Extent(node, known, patch), at);
        }

        if (parts[at].Key is { } ground)
        {
            return ground.Evaluate(machine, frame) is { } key
                && Visit(machine, frame, node.Find(key), known?.Lookup(key), patch?.Find(key), at + 1);
        }

        foreach (RegoValue key in machine.KeysOf(node, known, patch))
        {
            machine.Context.Step();
            if (parts[at].Pattern!.Match(machine, frame, key) && Visit(machine, frame, node.Find(key), known?.Lookup(key), patch?.Find(key), at + 1))
            {
                return true;
            }
        }

        return false;
    }

    private bool Walk(Machine machine, Frame frame, RegoValue? value, int at)
    {
        if (value is null)
        {
            return false;
        }

        if (at == parts.Length)
        {
            frame.Slots[slot] = value;
            return Run(Next!, machine, frame);
        }

        if (parts[at].Key is { } ground)
        {
            return ground.Evaluate(machine, frame) is { } key && Walk(machine, frame, value.Lookup(key), at + 1);
        }

        Pattern pattern = parts[at].Pattern!;
        switch (value)
        {
            case RegoArray array:
                for (int i = 0; i < array.Count; i++)
                {
                    machine.Context.Step();
                    if (pattern.Match(machine, frame, RegoNumber.Of(i)) && Walk(machine, frame, array[i], at + 1))
                    {
                        return true;
                    }
                }

                return false;
            case RegoObject members:
                for (int i = 0; i < members.Count; i++)
                {
                    machine.Context.Step();
                    if (pattern.Match(machine, frame, members.Keys[i]) && Walk(machine, frame, members.Values[i], at + 1))
                    {
                        return true;
                    }
                }

                return false;
            case RegoSet set:
                for (int i = 0; i < set.Count; i++)
                {
                    machine.Context.Step();
                    if (pattern.Match(machine, frame, set.Items[i]) && Walk(machine, frame, set.Items[i], at + 1))
                    {
                        return true;
                    }
                }

                return false;
            default:
                return false;
        }
    }
}

/// <summary>A <c>with</c> modifier, compiled.</summary>
internal sealed record Modifier(WithKind Kind, RegoValue[] Path, string Function, Expression? Value, CallTarget? Replacement);

/// <summary>Runs the steps of one condition in another environment.</summary>
internal sealed class WithStep(Modifier[] modifiers) : Step
{
    internal Step? Inner { get; set; }

    internal override bool LeadsTo(Step other) => ReferenceEquals(Inner, other);

    internal override bool Execute(Machine machine, Frame frame)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Environment outer = machine.Environment;
        RegoValue? input = outer.Input;
        Patch? patches = outer.Patches;
        Mock? mocks = outer.Mocks;
        foreach (Modifier modifier in modifiers)
        {
            RegoValue? value = null;
            if (modifier.Value is not null)
            {
                value = modifier.Value.Evaluate(machine, frame);
                if (value is null)
                {
                    return false;
                }
            }

            switch (modifier.Kind)
            {
                case WithKind.Input:
                    machine.Context.Charge((input as RegoObject)?.Count ?? 0);
                    input = modifier.Path.Length == 0 ? value : Machine.Replace(input, modifier.Path, value!);
                    break;
                case WithKind.Data:
                    patches = Patch.With(patches, modifier.Path, value!);
                    break;
                default:
                    mocks = new Mock(modifier.Function, value, modifier.Replacement, mocks);
                    break;
            }
        }

        machine.Environment = machine.Derive(input, patches, mocks, outer);
        bool enough = Run(Inner!, machine, frame);
        machine.Environment = outer;
        return enough;
    }
}

/// <summary>The end of what a <c>with</c> covers: the rest of the body runs outside.</summary>
internal sealed class EndWithStep(WithStep owner) : Step
{
    internal override bool LeadsTo(Step other) => ReferenceEquals(owner.Next, other);

    internal override bool Execute(Machine machine, Frame frame)
    {
        Environment inner = machine.Environment;
        machine.Environment = inner.Outer!;
        bool enough = Run(owner.Next!, machine, frame);
        machine.Environment = inner;
        return enough;
    }
}

/// <summary>A solution is enough.</summary>
internal sealed class FoundStep : Step
{
    internal override bool Execute(Machine machine, Frame frame) => true;
}

/// <summary>A solution of a complete rule or function.</summary>
internal sealed class ResultStep(Expression value, bool isFunction, SourceText source, int start) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        RegoValue? result = value.Evaluate(machine, frame);
        if (result is null)
        {
            return false;
        }

        if (frame.Result is null)
        {
            frame.Result = result;
        }
        else if (!frame.Result.Equals(result))
        {
            throw Conflict(isFunction, source.Locate(start));
        }

        return value is ConstantExpression;
    }

    internal static RegoFaultException Conflict(bool isFunction, RegoLocation location) => new(
        RegoErrorCodes.Conflict,
        isFunction ? "functions must not produce multiple outputs for same inputs" : "complete rules must not produce multiple outputs",
        location);
}

/// <summary>A solution of a partial set.</summary>
internal sealed class MemberStep(Expression member) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        if (member.Evaluate(machine, frame) is { } value)
        {
            machine.Context.ChargeValues(1);
            machine.ChargeSize(value);
            ((Accumulator)frame.Collector!).Values.Add(value);
        }

        return member is ConstantExpression;
    }
}

/// <summary>A solution of a partial object.</summary>
internal sealed class EntryStep(Expression[] path, Expression value, bool isMember, bool isFixed, SourceText source, int start) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        var keys = new RegoValue[path.Length];
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i].Evaluate(machine, frame) is not { } key)
            {
                return false;
            }

            machine.ChargeSize(key);
            keys[i] = key;
        }

        if (value.Evaluate(machine, frame) is { } made)
        {
            machine.Context.ChargeValues(1);
            machine.ChargeSize(made);
            if (!((DocumentBuilder)frame.Collector!).Add(keys, made, isMember))
            {
                throw isFixed
                    ? ResultStep.Conflict(false, source.Locate(start))
                    : new RegoFaultException(RegoErrorCodes.Conflict, "object keys must be unique", source.Locate(start));
            }
        }

        return false;
    }
}

/// <summary>A solution of a comprehension.</summary>
internal sealed class CollectStep(ComprehensionKind kind, int accumulator, Expression? key, Expression value, SourceText source, int start) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        RegoValue? made = value.Evaluate(machine, frame);
        if (made is null)
        {
            return false;
        }

        Accumulator collected = frame.Accumulators[accumulator]!;
        if (kind == ComprehensionKind.Object)
        {
            if (key!.Evaluate(machine, frame) is not { } name)
            {
                return false;
            }

            machine.ChargeSize(name);
            collected.Seen ??= [];
            if (collected.Seen.TryGetValue(name, out RegoValue? before))
            {
                return before.Equals(made) ? false : throw new RegoFaultException(RegoErrorCodes.Conflict, "object keys must be unique", source.Locate(start));
            }

            collected.Seen.Add(name, made);
            collected.Keys.Add(name);
        }

        machine.Context.ChargeValues(1);
        if (kind == ComprehensionKind.Set)
        {
            machine.ChargeSize(made);
        }

        collected.Values.Add(made);
        return false;
    }
}

/// <summary>A solution of a query.</summary>
internal sealed class BindingsStep(Variable[] variables) : Step
{
    internal override bool Execute(Machine machine, Frame frame)
    {
        var keys = new RegoValue[variables.Length];
        var values = new RegoValue[variables.Length];
        for (int i = 0; i < variables.Length; i++)
        {
            keys[i] = RegoString.Of(variables[i].Name);
            values[i] = frame.Slots[variables[i].Slot]!;
        }

        machine.Context.ChargeValues(variables.Length + 1);
        ((Accumulator)frame.Collector!).Values.Add(RegoObject.Adopt(keys, values));
        return variables.Length == 0;
    }
}
