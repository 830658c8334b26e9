// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Compilation;
using Coco.Rego.Functions;
using Coco.Rego.Syntax;

namespace Coco.Rego.Evaluation;

/// <summary>One evaluation: not thread-safe, used once.</summary>
internal sealed class Machine
{
    private readonly TreeNode _tree;
    private readonly int _groups;
    private readonly Frame?[] _frames;
    private readonly Stack<Accumulator> _accumulators = new();
    private readonly IReadOnlyDictionary<string, RegoHostFunction>? _functions;
    private readonly bool _strict;
    private int _depth;

    internal Machine(RegoProgram program, Frame?[] frames, RegoValue? input, RegoValue? data, RegoRequest request, Observer? observer)
    {
        _tree = program.Tree;
        _groups = program.GroupCount;
        _frames = frames;
        _functions = request.Functions;
        _strict = request.StrictBuiltinErrors;
        Data = data;
        Observer = observer;
        Context = new BuiltinContext(request.Limits, request.Host, request.Cancellation);
        Environment = new Environment(input, null, null, null);
    }

    internal BuiltinContext Context { get; }

    internal Environment Environment { get; set; }

    internal RegoValue? Data { get; }

    internal Observer? Observer { get; }

    /// <summary>The rule that is being evaluated.</summary>
    internal RuleGroup? Rule { get; private set; }

    /// <summary>Counts the work of looking at all parts of a value.</summary>
    internal void ChargeSize(RegoValue value)
    {
        const int PartsPerStep = 16, CharactersPerStep = 256;
        if (value.Kind >= RegoKind.Array)
        {
            Context.Charge(value.Size / PartsPerStep);
        }
        else if (value is RegoString { Value.Length: >= CharactersPerStep } text)
        {
            Context.Charge(text.Value.Length / CharactersPerStep);
        }
    }

    /// <summary>Counts the work of comparing two values.</summary>
    internal void ChargeComparison(RegoValue a, RegoValue b)
    {
        if (a.Kind == b.Kind && a.Kind >= RegoKind.String && !ReferenceEquals(a, b))
        {
            ChargeSize(a.Size <= b.Size ? a : b);
        }
    }

    /// <summary>The value with another one at a path; parents that are missing or no objects are made.</summary>
    internal static RegoValue Replace(RegoValue? value, ReadOnlySpan<RegoValue> path, RegoValue replacement)
    {
        if (path.IsEmpty)
        {
            return replacement;
        }

        RegoObject parent = value as RegoObject ?? RegoObject.Empty;
        return parent.With(path[0], Replace(parent.Lookup(path[0]), path[1..], replacement));
    }

    /// <summary>The text of a value, within the limits.</summary>
    internal string Display(RegoValue value)
    {
        if (value is RegoString text)
        {
            return text.Value;
        }

        Context.ChargeOutput(value.Size);
        return value.ToString();
    }

    internal Environment Derive(RegoValue? input, Patch? patches, Mock? mocks, Environment outer)
    {
        Context.Charge(1 + (_groups / 64));
        return new Environment(input, patches, mocks, outer);
    }

    internal Accumulator RentAccumulator() => _accumulators.TryPop(out Accumulator? a) ? a : new Accumulator();

    internal void Return(Accumulator accumulator)
    {
        accumulator.Clear();
        _accumulators.Push(accumulator);
    }

    /// <summary>The document of a group; null when undefined.</summary>
    internal RegoValue? Document(RuleGroup group)
    {
        if (group.Kind == RuleKind.Function)
        {
            return null;
        }

        Environment environment = Environment;
        RegoValue?[] memo = environment.Memo ??= new RegoValue?[_groups];
        RegoValue? known = memo[group.Index];
        if (known is not null)
        {
            if (ReferenceEquals(known, RegoUndefined.Running))
            {
                throw new RegoFaultException(RegoErrorCodes.Recursion, $"{group.Name} depends on itself", LocationOf(group));
            }

            known = ReferenceEquals(known, RegoUndefined.Undefined) ? null : known;
            Observer?.KnownRule(group, known);
            return known;
        }

        memo[group.Index] = RegoUndefined.Running;
        RuleGroup? outer = Begin(group, []);
        RegoValue? value = group.Kind switch
        {
            RuleKind.Complete => Complete(group, []),
            RuleKind.Set => Set(group),
            _ => Object(group),
        };
        End(group, outer, value);
        memo[group.Index] = value ?? RegoUndefined.Undefined;
        return value;
    }

    /// <summary>The document at a path, with all replacements.</summary>
    internal RegoValue? DataAt(RegoValue[] path, RuleGroup? group)
    {
        TreeNode? node = _tree;
        RegoValue? known = Data;
        Patch? patch = Environment.Patches;
        for (int i = 0; i < path.Length; i++)
        {
            if (patch?.Value is not null || node?.Group is not null)
            {
                RegoValue? value = Extent(node, known, patch);
                for (; i < path.Length; i++)
                {
                    value = value?.Lookup(path[i]);
                }

                return value;
            }

            known = known?.Lookup(path[i]);
            node = node?.Find(path[i]);
            patch = patch?.Find(path[i]);
        }

        return group is not null && patch is null ? Document(group) : Extent(node, known, patch);
    }

    /// <summary>All that is at a node and below, with replacements; null when nothing.</summary>
    internal RegoValue? Extent(TreeNode? node, RegoValue? known, Patch? patch)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (patch?.Value is { } replaced)
        {
            return replaced;
        }

        if (node?.Group is { } group)
        {
            RegoValue? document = Document(group);
            return patch is null ? document : Overlay(document, patch);
        }

        if (node is null || node.Children.Count == 0)
        {
            return patch is null ? known ?? (node is null ? null : RegoObject.Empty) : Overlay(known, patch);
        }

        var keys = new List<RegoValue>();
        var values = new List<RegoValue>();
        foreach (RegoValue key in KeysOf(node, known, patch))
        {
            Context.Step();
            // In a whole package base data hides a rule of the same name.
            TreeNode? child = node.Find(key);
            RegoValue? there = known?.Lookup(key);
            child = there is not null && child?.Group is not null ? null : child;
            if (Extent(child, there, patch?.Find(key)) is { } value)
            {
                keys.Add(key);
                values.Add(value);
            }
        }

        Context.ChargeValues(keys.Count);
        return RegoObject.Adopt([.. keys], [.. values]);
    }

    /// <summary>The keys of a node in order.</summary>
    internal IEnumerable<RegoValue> KeysOf(TreeNode node, RegoValue? known, Patch? patch)
    {
        RegoObject? members = known as RegoObject;
        if ((members is null || members.Count == 0) && patch?.Below is null)
        {
            return node.SortedChildren.Select(static c => c.Key);
        }

        var keys = new SortedSet<RegoValue>(node.Children.Keys);
        if (members is not null)
        {
            keys.UnionWith(members.Keys.ToArray());
        }

        if (patch?.Below is not null)
        {
            keys.UnionWith(patch.Below.Keys);
        }

        return keys;
    }

    internal RegoValue? Call(CallTarget target, ReadOnlySpan<RegoValue> arguments, SourceText source, int start)
    {
        if (Environment.Mocks is { } mocks && Mock.Find(mocks, target.Name) is { } mock)
        {
            return CallMock(mock, arguments, source, start);
        }

        if (target.Builtin is { } builtin)
        {
            return CallBuiltin(builtin, arguments, source, start);
        }

        if (target.Function is { } function)
        {
            return CallFunction(function, arguments);
        }

        if (_functions is null || !_functions.TryGetValue(target.Name, out RegoHostFunction? host))
        {
            throw new RegoFaultException(RegoErrorCodes.Host, $"the host does not provide {target.Name}", source.Locate(start));
        }

        Context.Charge(16);
        return host(arguments);
    }

    internal RegoValue? CallMock(Mock mock, ReadOnlySpan<RegoValue> arguments, SourceText? source = null, int start = 0)
    {
        if (mock.Replacement is null)
        {
            return mock.Value;
        }

        // Inside the replacement the function means itself again.
        Environment outer = Environment;
        Environment = Derive(outer.Input, outer.Patches, Mock.Without(outer.Mocks, mock.Name), outer);
        RegoValue? value = Call(mock.Replacement, arguments, source ?? new SourceText(string.Empty, string.Empty), start);
        Environment = outer;
        return value;
    }

    internal Frame Rent(CompiledBranch branch)
    {
        Frame? frame = _frames[branch.Id];
        if (frame is null || frame.InUse)
        {
            frame = new Frame(branch.Slots, branch.Accumulators);
            _frames[branch.Id] ??= frame;
        }

        frame.InUse = true;
        return frame;
    }

    internal static void Release(Frame frame)
    {
        Array.Clear(frame.Slots);
        frame.Result = null;
        frame.Collector = null;
        frame.InUse = false;
    }

    private static RegoLocation? LocationOf(RuleGroup group) =>
        group.Sources.Count > 0 ? group.Sources[0].Module.Source.Locate(group.Sources[0].Rule.Start) : null;

    private static RegoValue? Overlay(RegoValue? value, Patch patch)
    {
        if (patch.Value is not null)
        {
            return patch.Value;
        }

        RegoObject members = value as RegoObject ?? RegoObject.Empty;
        foreach ((RegoValue key, Patch below) in patch.Below!)
        {
            if (Overlay(members.Lookup(key), below) is { } replaced)
            {
                members = members.With(key, replaced);
            }
        }

        return members;
    }

    private RuleGroup? Begin(RuleGroup group, ReadOnlySpan<RegoValue> arguments)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (++_depth > Context.Limits.MaxDepth)
        {
            throw new RegoLimitException(RegoLimit.Depth, $"more than {Context.Limits.MaxDepth} nested rules");
        }

        RuleGroup? outer = Rule;
        Rule = group;
        Observer?.EnterRule(group, arguments);
        return outer;
    }

    private void End(RuleGroup group, RuleGroup? outer, RegoValue? value)
    {
        Observer?.LeaveRule(group, value);
        _depth--;
        Rule = outer;
    }

    private RegoValue? CallBuiltin(Builtin builtin, ReadOnlySpan<RegoValue> arguments, SourceText source, int start)
    {
        RegoTypes[] types = builtin.Parameters;
        RegoValue? result = null;
        bool typed = true;
        foreach (RegoValue argument in arguments)
        {
            // More than an evaluation can make or is given: parts are shared many times, and the text would be endless.
            if (argument.Size > Context.Limits.MaxOutputLength)
            {
                throw new RegoLimitException(RegoLimit.Values, $"a value of more than {Context.Limits.MaxOutputLength} parts");
            }
        }

        for (int i = 0; i < types.Length && typed; i++)
        {
            if ((types[i] & (RegoTypes)(1 << (int)arguments[i].Kind)) == RegoTypes.None)
            {
                Context.FailOperand(i + 1, Expected(types[i]), arguments[i]);
                typed = false;
            }
        }

        if (typed)
        {
            result = builtin.Function(Context, arguments);
        }

        if (result is null && Context.ErrorCode is { } code)
        {
            Context.ErrorCode = null;
            if (_strict)
            {
                throw new RegoFaultException(code, builtin.Name + ": " + Context.ErrorMessage, source.Locate(start));
            }

            Observer?.BuiltinFailed(builtin.Name, Context.ErrorMessage ?? string.Empty, source.Locate(start));
        }

        return result;
    }

    private static string Expected(RegoTypes types)
    {
        string[] names = [.. Enum.GetValues<RegoKind>().Where(k => (types & (RegoTypes)(1 << (int)k)) != RegoTypes.None).Select(RegoValue.NameOf).Order(StringComparer.Ordinal)];
        return names.Length == 1 ? names[0] : "one of {" + string.Join(", ", names) + "}";
    }

    private RegoValue? CallFunction(RuleGroup group, ReadOnlySpan<RegoValue> arguments)
    {
        Environment environment = Environment;
        FunctionMemo?[] memos = environment.Functions ??= new FunctionMemo?[_groups];
        FunctionMemo memo = memos[group.Index] ??= new FunctionMemo();
        if (Observer is null && memo.TryGet(arguments, out RegoValue? known))
        {
            return known;
        }

        RuleGroup? outer = Begin(group, arguments);
        RegoValue? value = Complete(group, arguments);
        End(group, outer, value);
        memo.Add(arguments.ToArray(), value);
        return value;
    }

    private RegoValue? Complete(RuleGroup group, ReadOnlySpan<RegoValue> arguments)
    {
        RegoValue? result = null;
        foreach (Clause clause in Candidates(group, arguments))
        {
            if (result is not null && clause.ConstantValue is { } constant && constant.Equals(result))
            {
                continue;
            }

            RegoValue? value = Evaluate(clause, arguments);
            if (value is null)
            {
                continue;
            }

            if (result is null)
            {
                result = value;
            }
            else if (!result.Equals(value))
            {
                throw ResultStep.Conflict(group.Kind == RuleKind.Function, clause.Source.Module.Source.Locate(clause.Source.Rule.Start));
            }
        }

        return result is null && group.Default is { } otherwise ? Evaluate(otherwise, arguments) : result;
    }

    private Clause[] Candidates(RuleGroup group, ReadOnlySpan<RegoValue> arguments)
    {
        if (group.ClauseIndex is not { } index || Observer is not null || Environment.Mocks is not null)
        {
            return group.Clauses;
        }

        return index.Key is SlotExpression argument
            ? index.ByValue.TryGetValue(arguments[argument.Slot], out Clause[]? clauses) ? clauses : index.Others
            : index.Candidates(this, Frame.Empty);
    }

    private RegoValue? Evaluate(Clause clause, ReadOnlySpan<RegoValue> arguments)
    {
        foreach (CompiledBranch branch in clause.Branches)
        {
            Frame frame = Rent(branch);
            for (int i = 0; i < arguments.Length; i++)
            {
                frame.Slots[i] = arguments[i];
            }

            Observer?.EnterBranch(branch);
            Step.Run(branch.Start, this, frame);
            RegoValue? result = frame.Result;
            Observer?.LeaveBranch(branch, result is not null);
            Release(frame);
            if (result is not null)
            {
                return result;
            }
        }

        return null;
    }

    private RegoSet Set(RuleGroup group)
    {
        Accumulator collected = RentAccumulator();
        Collect(group, collected, static c => c.Values.Count);
        RegoSet set = RegoSet.OfList(collected.Values);
        Return(collected);
        return set;
    }

    private void Collect<T>(RuleGroup group, T collector, Func<T, int> count)
        where T : class
    {
        foreach (Clause clause in Candidates(group, []))
        {
            foreach (CompiledBranch branch in clause.Branches)
            {
                Frame frame = Rent(branch);
                frame.Collector = collector;
                int before = count(collector);
                Observer?.EnterBranch(branch);
                Step.Run(branch.Start, this, frame);
                bool holds = count(collector) > before;
                Observer?.LeaveBranch(branch, holds);
                Release(frame);
                if (holds)
                {
                    break;
                }
            }
        }
    }

    private RegoObject Object(RuleGroup group)
    {
        var document = new DocumentBuilder();
        Collect(group, document, static d => d.Added);
        foreach (Clause clause in group.Clauses)
        {
            if (clause.EmptySetPath is not null)
            {
                document.AddEmptySet(clause.EmptySetPath);
            }
        }

        foreach (Clause clause in group.ObjectDefaults)
        {
            var defaults = new DocumentBuilder();
            Frame frame = Rent(clause.Branches[0]);
            frame.Collector = defaults;
            Step.Run(clause.Branches[0].Start, this, frame);
            Release(frame);
            if (defaults.Single() is { } value)
            {
                document.AddDefault(clause.EmptySetPath!, value);
            }
        }

        RegoObject built = document.Build();
        Context.ChargeValues(built.Count);
        return built;
    }
}
