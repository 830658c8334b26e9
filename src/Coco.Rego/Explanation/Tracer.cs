// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego.Compilation;
using Coco.Rego.Evaluation;

namespace Coco.Rego;

/// <summary>Records what failed.</summary>
internal sealed class Tracer : Observer
{
    private readonly Stack<Activation> _stack = new();
    private readonly Stack<RuleNode> _rules = new();
    private readonly Dictionary<string, RegoInputRead> _reads = new(StringComparer.Ordinal);
    private readonly List<RegoInputRead> _readOrder = [];
    private readonly List<RegoRuleTrace> _roots = [];
    private readonly InputPaths _paths = new();
    private readonly int _max;
    private int _events;

    internal Tracer(RegoValue? input, int maxEvents)
    {
        _max = maxEvents;
        _paths.Root(input);
    }

    internal RegoExplanation Finish()
    {
        // After a fault rules are still open: they are told as far as they came.
        while (_rules.Count > 0)
        {
            CloseRule(null);
        }

        return new RegoExplanation([.. _roots], [.. _readOrder], _events > _max);
    }

    internal override void EnterRule(RuleGroup group, ReadOnlySpan<RegoValue> arguments) =>
        _rules.Push(new RuleNode(group.Name, [.. arguments], _stack.Count));

    internal override void LeaveRule(RuleGroup group, RegoValue? value) => CloseRule(value);

    internal override void KnownRule(RuleGroup group, RegoValue? value)
    {
        if (Room())
        {
            AddRule(new RegoRuleTrace(group.Name, [], value, true, []));
        }
    }

    internal override void EnterBranch(CompiledBranch branch) => _stack.Push(new Activation(null) { Branch = branch });

    internal override void LeaveBranch(CompiledBranch branch, bool holds)
    {
        Activation closed = _stack.Pop();
        RegoLocation location = branch.Source.Locate(branch.SourceStart);
        if (Room())
        {
            var clause = new RegoClauseTrace(location, holds, holds ? [] : [.. closed.Failures.Select(static f => f.Close())]);
            if (_rules.TryPeek(out RuleNode? rule))
            {
                rule.Clauses.Add(clause);
            }
            else if (!holds)
            {
                _roots.Add(new RegoRuleTrace("query", [], null, false, [clause]));
            }
        }

        if (_rules.Count == 0)
        {
            foreach (RegoRuleTrace rule in closed.Rules)
            {
                _roots.Add(rule);
            }
        }
    }

    internal override void EnterInner() => _stack.Push(new Activation(null) { IsInner = true });

    internal override void LeaveInner()
    {
        Activation inner = _stack.Pop();
        if (_stack.TryPeek(out Activation? outer))
        {
            outer.Inner.AddRange(inner.Failures);
            Raise(inner, outer);
        }
    }

    internal override void Enter(Step step, Frame frame)
    {
        if (_stack.TryPeek(out Activation? above) && above.Step is not null && above.Step.LeadsTo(step))
        {
            above.Reached = true;
        }

        _stack.Push(new Activation(step) { IsInner = above is { IsInner: true } });
    }

    internal override void Leave(Step step, Frame frame)
    {
        Activation done = _stack.Pop();
        bool isEnd = step.Next is null && step is not (WithStep or EndWithStep);
        bool failed = isEnd ? step is ResultStep && frame.Result is null : !done.Reached;
        Pass(done, step, frame, failed);
    }

    internal override void Leave(Step step, Frame frame, bool holds) => Pass(_stack.Pop(), step, frame, !holds);

    internal override void ReadInput(RegoValue? input)
    {
        if (input is null)
        {
            Note("input", null);
        }
    }

    internal override RegoValue? Step(RegoValue? value, RegoValue key)
    {
        if (value is null)
        {
            return null;
        }

        RegoValue? part = value.Lookup(key);
        if (_paths.Of(value, key) is { } path)
        {
            Note(path, part);
            if (part is not null)
            {
                _paths.Note(part, path);
            }
        }

        return part;
    }

    internal override void Enumerate(RegoValue collection) => _paths.Children(collection);

    internal override void BuiltinFailed(string function, string message, RegoLocation location)
    {
        if (_stack.TryPeek(out Activation? top) && Room())
        {
            top.Errors.Add(function + ": " + message);
        }
    }

    private bool Room() => ++_events <= _max;

    private void Note(string path, RegoValue? value)
    {
        if (!_reads.TryGetValue(path, out RegoInputRead? read))
        {
            if (!Room())
            {
                return;
            }

            read = new RegoInputRead(path, value is not null, value);
            _reads.Add(path, read);
            _readOrder.Add(read);
        }

        if (_stack.TryPeek(out Activation? top) && !top.Reads.Contains(read))
        {
            top.Reads.Add(read);
        }
    }

    private void Pass(Activation done, Step step, Frame frame, bool failed)
    {
        if (!_stack.TryPeek(out Activation? above))
        {
            return;
        }

        // Steps of a chain are nested where a step has many solutions: failures go up to the body.
        above.Failures.AddRange(done.Failures);
        if (!failed || step.Origin is not { } origin)
        {
            if (done.IsInner)
            {
                // What holds inside a negation is the reason why the negation does not.
                Raise(done, above);
            }

            return;
        }

        FailureNode? same = above.Failures.Find(f => ReferenceEquals(f.Origin.Source, origin.Source) && f.Origin.Start == origin.Start && f.Origin.End == origin.End);
        if (same is not null)
        {
            same.Times++;
            return;
        }

        if (!Room())
        {
            return;
        }

        above.Failures.Add(new FailureNode(origin, done)
        {
            Variables = [.. origin.Bound.Where(v => frame.Slots[v.Slot] is not null).Select(v => (v.Name, frame.Slots[v.Slot]!))],
        });
    }

    private static void Raise(Activation inner, Activation outer)
    {
        const int Most = 32;
        outer.Rules.AddRange(inner.Rules.Take(Most - outer.Rules.Count));
        foreach (RegoInputRead read in inner.Reads)
        {
            if (outer.Reads.Count < Most && !outer.Reads.Contains(read))
            {
                outer.Reads.Add(read);
            }
        }
    }

    private void AddRule(RegoRuleTrace rule)
    {
        if (_stack.TryPeek(out Activation? top))
        {
            top.Rules.Add(rule);
        }
        else
        {
            _roots.Add(rule);
        }
    }

    private void CloseRule(RegoValue? value)
    {
        RuleNode node = _rules.Pop();
        while (_stack.Count > node.StackDepth)
        {
            _stack.Pop();
        }

        AddRule(new RegoRuleTrace(node.Name, node.Arguments, value, false, [.. node.Clauses]));
    }

    private sealed class RuleNode(string name, ImmutableArray<RegoValue> arguments, int stackDepth)
    {
        internal string Name { get; } = name;

        internal ImmutableArray<RegoValue> Arguments { get; } = arguments;

        internal int StackDepth { get; } = stackDepth;

        internal List<RegoClauseTrace> Clauses { get; } = [];
    }

    private sealed class Activation(Step? step)
    {
        internal Step? Step { get; } = step;

        internal CompiledBranch? Branch { get; init; }

        internal bool Reached { get; set; }

        /// <summary>Inside the body of a negation, comprehension or <c>every</c>.</summary>
        internal bool IsInner { get; init; }

        internal List<FailureNode> Failures { get; } = [];

        internal List<FailureNode> Inner { get; } = [];

        internal List<RegoInputRead> Reads { get; } = [];

        internal List<RegoRuleTrace> Rules { get; } = [];

        internal List<string> Errors { get; } = [];
    }

    private sealed class FailureNode(StepOrigin origin, Activation step)
    {
        internal StepOrigin Origin { get; } = origin;

        internal ImmutableArray<(string Name, RegoValue Value)> Variables { get; init; }

        internal int Times { get; set; } = 1;

        internal RegoFailure Close() => new(
            Origin.Source.Locate(Origin.Start),
            Origin.Source.Excerpt(Origin.Start, Origin.End),
            Variables,
            [.. step.Reads],
            [.. step.Errors],
            [.. step.Rules],
            [.. step.Inner.Select(static f => f.Close())],
            Times);
    }
}
