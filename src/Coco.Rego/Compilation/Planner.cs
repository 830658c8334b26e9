// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Evaluation;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>
/// Orders the conditions of a body so that every variable has a value where it is needed, and compiles them to steps. Works on one
/// branch; which variables have values is known at each point, so that nothing has to be undone at run time.
/// </summary>
internal sealed class Planner(ProgramBuilder program, Resolver resolver, SourceText source, HashSet<RuleGroup> dependencies)
{
    // Bounds the work on bodies whose conditions stand in the worst order.
    private const int MaxAttempts = 1_000_000;
    private const int MaxShownVariables = 32;

    private readonly VariableSet _bound = new();
    private LinkedList<CoreLiteral> _pending = [];
    private List<Step> _steps = [];
    private StepOrigin? _origin;
    private int _accumulators;
    private int _attempts;

    internal int Accumulators => _accumulators;

    internal int Slots => resolver.SlotCount;

    internal bool Failed { get; private set; }

    /// <summary>What is being compiled.</summary>
    internal StepOrigin? Current => _origin;

    internal void Bind(Variable variable) => _bound.Add(variable);

    /// <summary>Compiles a body and what follows it; the chain ends with the step that <paramref name="last"/> makes.</summary>
    internal Step Chain(IEnumerable<CoreLiteral> body, Func<Step> last, int start, int end)
    {
        List<Step> outerSteps = _steps;
        LinkedList<CoreLiteral> outerPending = _pending;
        StepOrigin? outerOrigin = _origin;
        _steps = [];
        _pending = [];
        foreach (CoreLiteral literal in body)
        {
            Flatten(literal, _pending);
        }

        Order();
        _origin = Origin(start, end);
        Step final = last();
        Order();
        _steps.Add(final);
        Step first = Link(_steps);
        _steps = outerSteps;
        _pending = outerPending;
        _origin = outerOrigin;
        return first;
    }

    /// <summary>Compiles a term whose variables all have values now; steps into collections with free variables come before it.</summary>
    internal Expression Term(CoreTerm term)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case CoreConstant c:
                return new ConstantExpression(c.Value);
            case CoreVariable v:
                if (!_bound.Contains(v.Variable) && !Failed)
                {
                    Unsafe(v.Variable, v.Start);
                }

                return new SlotExpression(v.Variable.Slot);
            case CoreInput:
                return new InputExpression();
            case CoreData:
                dependencies.UnionWith(program.Tree.Groups());
                return new ExtentExpression(program.Tree);
            case CoreRef r:
                return Reference(r);
            case CoreCall c:
                return Call(c, c.Arguments);
            case CoreArray a:
                return new ArrayExpression(Terms(a.Items));
            case CoreSet s:
                return new SetExpression(Terms(s.Items));
            case CoreObject o:
                {
                    Expression[] all = Terms([.. o.Keys, .. o.Values]);
                    return new ObjectExpression(all[..o.Keys.Length], all[o.Keys.Length..], source.Locate(o.Start));
                }

            case CoreComprehension c:
                return Comprehension(c);
            case CoreTemplate t:
                return new TemplateExpression([.. t.Parts.Select(p =>
                {
                    if (p.Term is null)
                    {
                        return (p.Text, (Expression?)null, false);
                    }

                    (Expression value, bool inner) = Maybe(p.Term);
                    return (null, value, inner);
                })]);
            default:
                throw new InvalidOperationException(term.GetType().Name);
        }
    }

    private static Step Link(List<Step> steps)
    {
        for (int i = 0; i + 1 < steps.Count; i++)
        {
            steps[i].Next = steps[i + 1];
        }

        return steps[0];
    }

    private StepOrigin Origin(int start, int end) =>
        new(source, start, end, _bound.Latest(MaxShownVariables));

    // Arrays and objects on both sides of a unification become one unification for each element.
    private static void Flatten(CoreLiteral literal, LinkedList<CoreLiteral> output)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (literal is CoreUnify { With.Length: 0 } u)
        {
            CoreTerm left = Open(u.Left), right = Open(u.Right);
            if (left is CoreArray a && right is CoreArray b && a.Items.Length == b.Items.Length)
            {
                for (int i = 0; i < a.Items.Length; i++)
                {
                    Flatten(new CoreUnify(a.Items[i], b.Items[i], u.Declares) { Start = u.Start, End = u.End }, output);
                }

                return;
            }

            if (left is CoreObject o && right is CoreObject p && o.Keys.Length == p.Keys.Length
                && o.Keys.Concat(p.Keys).All(static k => k is CoreConstant)
                && o.Keys.All(k => Array.Exists(p.Keys, q => ((CoreConstant)q).Value.Equals(((CoreConstant)k).Value)))
                && o.Keys.DistinctBy(static k => ((CoreConstant)k).Value).Count() == o.Keys.Length)
            {
                for (int i = 0; i < o.Keys.Length; i++)
                {
                    int j = Array.FindIndex(p.Keys, q => ((CoreConstant)q).Value.Equals(((CoreConstant)o.Keys[i]).Value));
                    Flatten(new CoreUnify(o.Values[i], p.Values[j], u.Declares) { Start = u.Start, End = u.End }, output);
                }

                return;
            }
        }

        output.AddLast(literal);
    }

    // A constant collection as a literal of constants; only small ones can meet a pattern.
    private static CoreTerm Open(CoreTerm term) => term switch
    {
        CoreConstant { Value: RegoArray { Count: <= 64 } a } => new CoreArray([.. a.Items.ToArray().Select(i => new CoreConstant(i) { Start = term.Start, End = term.End })]),
        CoreConstant { Value: RegoObject { Count: <= 64 } o } => new CoreObject(
            [.. o.Keys.ToArray().Select(i => new CoreConstant(i) { Start = term.Start, End = term.End })],
            [.. o.Values.ToArray().Select(i => new CoreConstant(i) { Start = term.Start, End = term.End })]),
        _ => term,
    };

    private void Order()
    {
        while (_pending.Count > 0)
        {
            LinkedListNode<CoreLiteral>? next = _pending.First;
            while (next is not null && !CanNow(next.Value))
            {
                next = next.Next;
            }

            if (next is null || _attempts > MaxAttempts)
            {
                if (_attempts > MaxAttempts)
                {
                    program.Error(RegoErrorCodes.Compile, "body is too large to be ordered", source, _pending.First!.Value.Start);
                    Failed = true;
                }
                else
                {
                    ReportUnsafe();
                }

                _pending.Clear();
                return;
            }

            _pending.Remove(next);
            _origin = Origin(next.Value.Start, next.Value.End);
            Plan(next.Value);
        }
    }

    private bool CanNow(CoreLiteral literal)
    {
        int mark = _bound.Mark;
        bool can = Can(literal, _bound) || _attempts > MaxAttempts;
        _bound.BackTo(mark);
        _attempts++;
        return can;
    }

    private void ReportUnsafe()
    {
        // Variables that some condition would bind, were the others safe, are only consequences.
        var reported = new HashSet<Variable>();
        var bindable = new HashSet<Variable>();
        var needed = new HashSet<Variable>();
        foreach (CoreLiteral literal in _pending)
        {
            Outputs(literal, bindable);
            Needs(literal, needed);
        }

        needed.RemoveWhere(v => _bound.Contains(v) || v.IsGenerated);
        bool causes = needed.Any(v => !bindable.Contains(v));
        foreach (CoreLiteral literal in _pending)
        {
            var unsafeHere = new HashSet<Variable>();
            Needs(literal, unsafeHere);
            foreach (Variable variable in unsafeHere.Where(v => needed.Contains(v) && !(causes && bindable.Contains(v))).OrderBy(static v => v.Slot))
            {
                if (reported.Add(variable))
                {
                    Unsafe(variable, literal.Start);
                }
            }
        }

        if (reported.Count == 0)
        {
            program.Error(RegoErrorCodes.UnsafeVariable, "expression is unsafe", source, _pending.First!.Value.Start);
            Failed = true;
        }
    }

    private static void Outputs(CoreLiteral literal, HashSet<Variable> outputs)
    {
        var bound = new VariableSet();
        switch (literal)
        {
            case CoreCondition { Term: CoreCall { HasOutput: true } call }:
                CanMatch(call.Arguments[^1], bound);
                break;
            case CoreUnify u:
                CanMatch(u.Left, bound);
                if (!u.Declares)
                {
                    CanMatch(u.Right, bound);
                }

                break;
            case CoreSomeIn s:
                CanMatch(s.Value, bound);
                if (s.Key is not null)
                {
                    CanMatch(s.Key, bound);
                }

                break;
        }

        outputs.UnionWith(bound.Latest(int.MaxValue));
    }

    private void Unsafe(Variable variable, int start)
    {
        Failed = true;
        program.Error(RegoErrorCodes.UnsafeVariable, $"var {variable.Name} is unsafe", source, start);
    }

    // ---- What can be evaluated when these variables are bound; adds what becomes bound.
    private static bool Can(CoreLiteral literal, VariableSet bound)
    {
        if (!Array.TrueForAll(literal.With, w => w.Value is null || CanEvaluate(w.Value, bound)))
        {
            return false;
        }

        switch (literal)
        {
            case CoreCondition { Term: CoreCall { HasOutput: true } call }:
                return CanAll(call.Arguments.AsSpan(0, call.Arguments.Length - 1).ToArray(), bound) && CanMatch(call.Arguments[^1], bound);
            case CoreCondition c:
                return CanEvaluate(c.Term, bound);
            case CoreUnify u:
                {
                    int mark = bound.Mark;
                    if (CanEvaluate(u.Right, bound) && CanMatch(u.Left, bound))
                    {
                        return true;
                    }

                    if (u.Declares)
                    {
                        return false;
                    }

                    bound.BackTo(mark);
                    return CanEvaluate(u.Left, bound) && CanMatch(u.Right, bound);
                }

            case CoreSomeIn s:
                return CanEvaluate(s.Collection, bound) && (s.Key is null || CanMatch(s.Key, bound)) && CanMatch(s.Value, bound);
            case CoreNot n:
                return bound.ContainsAll(n.Variables);
            case CoreEvery e:
                return CanEvaluate(e.Domain, bound) && e.Body.Free.All(v => bound.Contains(v) || ReferenceEquals(v, e.Key) || ReferenceEquals(v, e.Value));
            default:
                return false;
        }
    }

    private static bool CanEvaluate(CoreTerm term, VariableSet bound)
    {
        if (term.IsGround)
        {
            return true;
        }

        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case CoreVariable v:
                return bound.Contains(v.Variable);
            case CoreRef r:
                if (!CanEvaluate(r.Head, bound))
                {
                    return false;
                }

                return Array.TrueForAll(r.Parts, p => CanMatch(p, bound));
            case CoreCall c:
                return CanAll(c.Arguments, bound);
            case CoreArray a:
                return CanAll(a.Items, bound);
            case CoreSet s:
                return CanAll(s.Items, bound);
            case CoreObject o:
                return CanAll([.. o.Keys, .. o.Values], bound);
            case CoreComprehension c:
                return bound.ContainsAll(c.Body.Free);
            case CoreTemplate t:
                return Array.TrueForAll(t.Parts, p => p.Term is null || CanMaybe(p.Term, bound));
            default:
                return true;
        }
    }

    // Templates and print: all variables but wildcards must be bound before.
    private static bool CanMaybe(CoreTerm term, VariableSet bound)
    {
        var needs = new HashSet<Variable>();
        Needs(term, needs);
        return needs.All(v => v.IsWildcard || bound.Contains(v));
    }

    private static bool CanAll(CoreTerm[] terms, VariableSet bound) => OrderOf(terms, bound) is not null;

    // An order in which the terms can be evaluated; null when there is none.
    private static int[]? OrderOf(CoreTerm[] terms, VariableSet bound)
    {
        var order = new int[terms.Length];
        var open = new List<int>();
        int count = 0;
        for (int i = 0; i < terms.Length; i++)
        {
            if (terms[i].IsGround || Tentative(terms[i], bound))
            {
                order[count++] = i;
            }
            else
            {
                open.Add(i);
            }
        }

        while (open.Count > 0)
        {
            int at = open.FindIndex(i => Tentative(terms[i], bound));
            if (at < 0)
            {
                return null;
            }

            order[count++] = open[at];
            open.RemoveAt(at);
        }

        return order;
    }

    private static bool Tentative(CoreTerm term, VariableSet bound)
    {
        int mark = bound.Mark;
        if (CanEvaluate(term, bound))
        {
            return true;
        }

        bound.BackTo(mark);
        return false;
    }

    private static bool CanMatch(CoreTerm term, VariableSet bound)
    {
        if (term.IsGround)
        {
            return true;
        }

        switch (term)
        {
            case CoreVariable v:
                bound.Add(v.Variable);
                return true;
            case CoreArray a:
                return Array.TrueForAll(a.Items, i => CanMatchInner(i, bound));
            case CoreObject o:
                return Array.TrueForAll(o.Keys, k => CanEvaluate(k, bound)) && Array.TrueForAll(o.Values, v => CanMatchInner(v, bound));
            default:
                return CanEvaluate(term, bound);
        }
    }

    // Terms inside a pattern that cannot be evaluated yet are compared later.
    private static bool CanMatchInner(CoreTerm term, VariableSet bound) =>
        term is not (CoreVariable or CoreArray or CoreObject) || CanMatch(term, bound);

    private static void Needs(CoreLiteral literal, HashSet<Variable> needs)
    {
        foreach (CoreWith with in literal.With)
        {
            Needs(with.Value, needs);
        }

        switch (literal)
        {
            case CoreCondition c:
                Needs(c.Term, needs);
                break;
            case CoreUnify u:
                Needs(u.Left, needs);
                Needs(u.Right, needs);
                break;
            case CoreSomeIn s:
                Needs(s.Collection, needs);
                break;
            case CoreNot n:
                needs.UnionWith(n.Variables);
                break;
            case CoreEvery e:
                Needs(e.Domain, needs);
                needs.UnionWith(e.Body.Free.Where(v => !ReferenceEquals(v, e.Key) && !ReferenceEquals(v, e.Value)));
                break;
        }
    }

    private static void Needs(CoreTerm? term, HashSet<Variable> needs)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case CoreVariable v:
                needs.Add(v.Variable);
                break;
            case CoreRef r:
                Needs(r.Head, needs);
                Array.ForEach(r.Parts, p => Needs(p, needs));
                break;
            case CoreCall c:
                Array.ForEach(c.Arguments, a => Needs(a, needs));
                break;
            case CoreArray a:
                Array.ForEach(a.Items, i => Needs(i, needs));
                break;
            case CoreSet s:
                Array.ForEach(s.Items, i => Needs(i, needs));
                break;
            case CoreObject o:
                Array.ForEach(o.Keys, i => Needs(i, needs));
                Array.ForEach(o.Values, i => Needs(i, needs));
                break;
            case CoreComprehension c:
                needs.UnionWith(c.Body.Free);
                break;
            case CoreTemplate t:
                Array.ForEach(t.Parts, p => Needs(p.Term, needs));
                break;
        }
    }

    // ---- Steps.
    private void Plan(CoreLiteral literal)
    {
        if (literal.With.Length == 0)
        {
            Bare(literal);
            return;
        }

        Modifier[] modifiers = [.. literal.With.Select(w =>
        {
            if (w.Replacement?.Function is { } function)
            {
                dependencies.Add(function);
            }

            return new Modifier(w.Kind, w.Path, w.Function, w.Value is null ? null : Term(w.Value), w.Replacement);
        })];
        var with = new WithStep(modifiers) { Origin = _origin };
        List<Step> outer = _steps;
        LinkedList<CoreLiteral> pending = _pending;
        _steps = [];
        _pending = [];
        Bare(literal);
        Order();
        _steps.Add(new EndWithStep(with) { Origin = _origin });
        with.Inner = Link(_steps);
        _steps = outer;
        _pending = pending;
        _steps.Add(with);
    }

    private void Bare(CoreLiteral literal)
    {
        switch (literal)
        {
            case CoreCondition { Term: CoreCall { HasOutput: true } call }:
                {
                    Expression value = Call(call, call.Arguments[..^1]);
                    Pattern output = Match(call.Arguments[^1]);
                    _steps.Add(call.Target.Builtin is { IsRelation: true }
                        ? new RelationStep(value, output) { Origin = _origin }
                        : new MatchStep(value, output) { Origin = _origin });
                    break;
                }

            case CoreCondition c:
                _steps.Add(new ConditionStep(Term(c.Term)) { Origin = _origin });
                break;
            case CoreUnify u:
                {
                    int mark = _bound.Mark;
                    bool fromRight = CanEvaluate(u.Right, _bound) && CanMatch(u.Left, _bound);
                    _bound.BackTo(mark);
                    Unify(fromRight ? u.Left : u.Right, fromRight ? u.Right : u.Left);
                    break;
                }

            case CoreSomeIn s:
                {
                    Expression collection = Term(s.Collection);
                    Pattern key = s.Key is null ? AnyPattern.Instance : Match(s.Key);
                    _steps.Add(new ScanStep(collection, key, Match(s.Value)) { Origin = _origin });
                    break;
                }

            case CoreNot n:
                _steps.Add(new NotStep(Inner([n.Inner], static () => new FoundStep())) { Origin = _origin });
                break;
            case CoreEvery e:
                {
                    Expression domain = Term(e.Domain);
                    int mark = _bound.Mark;
                    _bound.Add(e.Value);
                    if (e.Key is not null)
                    {
                        _bound.Add(e.Key);
                    }

                    Step inner = Chain(e.Body.Literals, static () => new FoundStep(), e.Start, e.End);
                    _bound.BackTo(mark);
                    _steps.Add(new EveryStep(domain, e.Key is null ? AnyPattern.Instance : new BindPattern(e.Key.Slot), new BindPattern(e.Value.Slot), inner) { Origin = _origin });
                    break;
                }
        }
    }

    private void Unify(CoreTerm target, CoreTerm from)
    {
        Expression value = Term(from);
        if (target is CoreVariable v && !_bound.Contains(v.Variable))
        {
            _bound.Add(v.Variable);
            _steps.Add(new BindStep(value, v.Variable.Slot) { Origin = _origin });
            return;
        }

        if (target is CoreRef && !target.IsGround)
        {
            // The other side may be bound by the steps of the reference: the last one is then a comparison.
            Expression other = Term(target);
            _steps.Add(new MatchStep(value, new EqualPattern(other)) { Origin = _origin });
            return;
        }

        _steps.Add(new MatchStep(value, Match(target)) { Origin = _origin });
    }

    private Step Inner(IEnumerable<CoreLiteral> body, Func<Step> last)
    {
        int mark = _bound.Mark;
        Step first = Chain(body, last, _origin?.Start ?? 0, _origin?.End ?? 0);
        _bound.BackTo(mark);
        return first;
    }

    private Expression[] Terms(CoreTerm[] terms)
    {
        if (Array.TrueForAll(terms, static t => t.IsGround))
        {
            return Array.ConvertAll(terms, Term);
        }

        var expressions = new Expression[terms.Length];
        int mark = _bound.Mark;
        int[] order = OrderOf(terms, _bound) ?? [.. Enumerable.Range(0, terms.Length)];
        _bound.BackTo(mark);
        foreach (int i in order)
        {
            expressions[i] = Term(terms[i]);
        }

        return expressions;
    }

    private Pattern Match(CoreTerm term)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case CoreVariable v when _bound.Contains(v.Variable):
                return new EqualPattern(new SlotExpression(v.Variable.Slot));
            case CoreVariable { Variable.IsWildcard: true } w:
                _bound.Add(w.Variable);
                return AnyPattern.Instance;
            case CoreVariable v:
                _bound.Add(v.Variable);
                return new BindPattern(v.Variable.Slot);
            case CoreArray { IsGround: false } a:
                return new ArrayPattern([.. a.Items.Select(MatchInner)]);
            case CoreObject { IsGround: false } o:
                return new ObjectPattern(Terms(o.Keys), [.. o.Values.Select(MatchInner)]);
            default:
                return new EqualPattern(Term(term));
        }
    }

    private Pattern MatchInner(CoreTerm term)
    {
        if (term is CoreVariable or CoreArray or CoreObject or CoreConstant || term.IsGround)
        {
            return Match(term);
        }

        // Evaluated when its variables have values, maybe by this very pattern, and compared then.
        Variable held = resolver.NewVariable("value", generated: true);
        _bound.Add(held);
        _pending.AddFirst(new CoreUnify(new CoreVariable(held), term, declares: false) { Start = term.Start, End = term.End });
        return new BindPattern(held.Slot);
    }

    private Expression Reference(CoreRef r)
    {
        switch (r.Head)
        {
            case CoreData:
                return DataReference(r);
            case CoreInput:
                {
                    int constant = 0;
                    while (constant < r.Parts.Length && r.Parts[constant] is CoreConstant)
                    {
                        constant++;
                    }

                    Expression head = constant == 0
                        ? new InputExpression()
                        : new InputPathExpression([.. r.Parts.Take(constant).Select(static p => ((CoreConstant)p).Value)]);
                    return Walk(head, r.Parts, constant);
                }

            default:
                return Walk(Term(r.Head), r.Parts, 0);
        }
    }

    private Expression DataReference(CoreRef r)
    {
        TreeNode node = program.Tree;
        int at = 0;
        while (at < r.Parts.Length && node.Group is null && r.Parts[at] is CoreConstant c && node.Find(c.Value) is { } child)
        {
            node = child;
            at++;
        }

        if (node.Group is { } group)
        {
            if (at < r.Parts.Length && r.Parts[at] is CoreConstant key)
            {
                group = program.Restrict(group, key.Value);
            }

            dependencies.Add(group);
            return Walk(new RuleExpression(group), r.Parts, at);
        }

        if (at == r.Parts.Length)
        {
            dependencies.UnionWith(node.Groups());
            return new ExtentExpression(node);
        }

        if (r.Parts[at] is CoreConstant || node.Children.Count == 0)
        {
            int constant = at;
            while (constant < r.Parts.Length && r.Parts[constant] is CoreConstant)
            {
                constant++;
            }

            return Walk(new BaseDataExpression([.. node.Path, .. r.Parts[at..constant].Select(static p => ((CoreConstant)p).Value)]), r.Parts, constant);
        }

        // Computed steps among rules.
        Depend(node, r.Parts, at);
        var parts = new DocumentPart[r.Parts.Length - at];
        for (int i = at; i < r.Parts.Length; i++)
        {
            parts[i - at] = IsKnown(r.Parts[i]) && r.Parts[i] is not CoreVariable { Variable.IsWildcard: true }
                ? new DocumentPart(Term(r.Parts[i]), null)
                : new DocumentPart(null, Match(r.Parts[i]));
        }

        Variable result = resolver.NewVariable("document", generated: true);
        _bound.Add(result);
        _steps.Add(new DocumentScanStep(node, parts, result.Slot) { Origin = _origin });
        return new SlotExpression(result.Slot);
    }

    private void Depend(TreeNode node, CoreTerm[] parts, int at)
    {
        if (at == parts.Length || node.Group is not null)
        {
            dependencies.UnionWith(node.Groups());
            return;
        }

        foreach ((RegoValue key, TreeNode child) in node.Children)
        {
            if (parts[at] is not CoreConstant c || c.Value.Equals(key))
            {
                Depend(child, parts, at + 1);
            }
        }
    }

    private Expression Walk(Expression head, CoreTerm[] parts, int at)
    {
        var steps = new List<Expression>();
        for (; at < parts.Length; at++)
        {
            CoreTerm part = parts[at];
            if (IsKnown(part))
            {
                steps.Add(Term(part));
                continue;
            }

            if (part is not (CoreVariable or CoreArray or CoreObject))
            {
                // A term that itself steps through a collection: its steps come first.
                steps.Add(Term(part));
                continue;
            }

            Variable item = resolver.NewVariable("item", generated: true);
            Expression collection = steps.Count == 0 ? head : new PathExpression(head, [.. steps]);
            Pattern key = Match(part);
            _steps.Add(new ScanStep(collection, key, new BindPattern(item.Slot)) { Origin = _origin });
            _bound.Add(item);
            head = new SlotExpression(item.Slot);
            steps.Clear();
        }

        return steps.Count == 0 ? head : new PathExpression(head, [.. steps]);
    }

    // All of its variables have values.
    private bool IsKnown(CoreTerm term)
    {
        if (term.IsGround)
        {
            return true;
        }

        var needs = new HashSet<Variable>();
        Needs(term, needs);
        return _bound.ContainsAll(needs);
    }

    private Expression Call(CoreCall call, CoreTerm[] arguments)
    {
        CallTarget target = call.Target;
        if (target.Function is { } function)
        {
            dependencies.Add(function);
        }

        if (target.Name == "print")
        {
            return new PrintExpression([.. arguments.Select(Maybe)]);
        }

        Expression[] values = Terms(arguments);
        Comparison? comparison = target.Name switch
        {
            "equal" => Comparison.Equal,
            "neq" => Comparison.NotEqual,
            "lt" => Comparison.Less,
            "lte" => Comparison.LessOrEqual,
            "gt" => Comparison.Greater,
            "gte" => Comparison.GreaterOrEqual,
            _ => null,
        };
        if (comparison is { } c && target.Builtin is not null && values.Length == 2)
        {
            return new ComparisonExpression(c, target.Name, values[0], values[1]);
        }

        var expression = new CallExpression(target, values, source, call.Start);
        if (target.Builtin is { IsRelation: true } && !call.HasOutput)
        {
            Variable result = resolver.NewVariable("result", generated: true);
            _steps.Add(new RelationStep(expression, new BindPattern(result.Slot)) { Origin = _origin });
            _bound.Add(result);
            return new SlotExpression(result.Slot);
        }

        return expression;
    }

    // A term that may be undefined without making the whole undefined. Inner: the expression gives the set of its values.
    private (Expression Value, bool IsInner) Maybe(CoreTerm term)
    {
        if (term is CoreConstant or CoreVariable)
        {
            return (Term(term), false);
        }

        int accumulator = _accumulators++;
        Step start = Inner([], () => new CollectStep(ComprehensionKind.Set, accumulator, null, Term(term), source, term.Start) { Origin = _origin });
        return (new ComprehensionExpression(ComprehensionKind.Set, start, accumulator), true);
    }

    private ComprehensionExpression Comprehension(CoreComprehension c)
    {
        int accumulator = _accumulators++;
        int mark = _bound.Mark;
        Step start = Chain(
            c.Body.Literals,
            () =>
            {
                Expression[] head = Terms(c.Key is null ? [c.Value] : [c.Key, c.Value]);
                return new CollectStep(c.Kind, accumulator, c.Key is null ? null : head[0], head[^1], source, c.Start) { Origin = _origin };
            },
            c.Start,
            c.End);
        _bound.BackTo(mark);
        return new ComprehensionExpression(c.Kind, start, accumulator);
    }
}
