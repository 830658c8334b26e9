// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Functions;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>Turns the syntax of one branch of a rule into core terms: gives every name its meaning and every local its own variable.</summary>
internal sealed class Resolver(ProgramBuilder program, ModuleScope module, SourceText source, Rule? rule)
{
    private readonly List<Variable> _variables = [];
    private readonly Stack<HashSet<Variable>> _negations = new();

    internal IReadOnlyList<Variable> Variables => _variables;

    internal int SlotCount => _variables.Count;

    internal Variable NewVariable(string name, bool wildcard = false, bool generated = false)
    {
        var variable = new Variable(name, _variables.Count) { IsWildcard = wildcard, IsGenerated = generated };
        _variables.Add(variable);
        return variable;
    }

    /// <summary>Makes the scope of a branch: parameters first, then the names that its body and head use without declaring them.</summary>
    internal Scope Open(IReadOnlyList<Term>? parameters, IReadOnlyList<Literal> body, IEnumerable<Term?> head, List<CoreLiteral> matches)
    {
        var scope = new Scope(null, new CoreBody()) { Declared = Names.Declared(body) };
        Variable[] arguments = parameters is null ? [] : [.. parameters.Select((_, i) => NewVariable("argument " + (i + 1), generated: true))];
        var complex = new List<(Variable Argument, Term Term)>();
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (parameters![i])
            {
                case VarTerm { IsWildcard: true }:
                    break;
                case VarTerm { Name: "input" or "data" } v:
                    program.Error(RegoErrorCodes.Compile, $"parameter must not be named {v.Name}", source, v.Start);
                    break;
                case VarTerm v when !scope.Variables.ContainsKey(v.Name):
                    var named = new Variable(v.Name, i);
                    _variables[i] = named;
                    arguments[i] = named;
                    scope.Variables.Add(v.Name, named);
                    break;
                default:
                    complex.Add((arguments[i], parameters[i]));
                    break;
            }
        }

        foreach ((_, Term term) in complex)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            Names.Pattern(term, names);
            foreach (string name in names)
            {
                scope.Variables.TryAdd(name, NewVariable(name));
            }
        }

        foreach (string name in scope.Declared)
        {
            if (scope.Variables.ContainsKey(name))
            {
                program.Error(RegoErrorCodes.Compile, $"parameter {name} is declared again", source, DeclarationOf(name, body));
            }
        }

        Implicit(scope, body, head.Concat(complex.Select(static c => c.Term)));
        foreach ((Variable argument, Term term) in complex)
        {
            matches.Add(new CoreUnify(new CoreVariable(argument), Resolve(term, scope), declares: false) { Start = term.Start, End = term.End });
        }

        return scope;
    }

    internal void Body(IReadOnlyList<Literal> body, Scope scope, List<CoreLiteral> output)
    {
        foreach (Literal literal in body)
        {
            if (One(literal, scope) is { } core)
            {
                output.Add(core);
            }
        }
    }

    internal CoreTerm Resolve(Term term, Scope scope, bool mayHaveOutput = false)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case ScalarTerm s:
                return new CoreConstant(s.Value) { Start = s.Start, End = s.End };
            case VarTerm { IsWildcard: true }:
                return new CoreVariable(NewVariable("_", wildcard: true)) { Start = term.Start, End = term.End };
            case VarTerm v:
                return Name(v, scope);
            case RefTerm r:
                return Reference(r, scope);
            case CallTerm c:
                return Call(c, scope, mayHaveOutput);
            case InfixTerm i:
                return Operator(i, scope);
            case NegativeTerm n:
                return Builtin("minus", [new CoreConstant(RegoNumber.Zero), Resolve(n.Operand, scope)], n);
            case MemberTerm { Key: null } m:
                return Builtin("internal.member_2", [Resolve(m.Value, scope), Resolve(m.Collection, scope)], m);
            case MemberTerm m:
                return Builtin("internal.member_3", [Resolve(m.Key!, scope), Resolve(m.Value, scope), Resolve(m.Collection, scope)], m);
            case ArrayTerm a:
                {
                    CoreTerm[] items = [.. a.Items.Select(i => Resolve(i, scope))];
                    return Array.TrueForAll(items, static i => i is CoreConstant)
                        ? new CoreConstant(RegoArray.Adopt([.. items.Select(static i => ((CoreConstant)i).Value)])) { Start = a.Start, End = a.End }
                        : new CoreArray(items) { Start = a.Start, End = a.End };
                }

            case SetTerm s:
                {
                    CoreTerm[] items = [.. s.Items.Select(i => Resolve(i, scope))];
                    return Array.TrueForAll(items, static i => i is CoreConstant)
                        ? new CoreConstant(RegoSet.Adopt([.. items.Select(static i => ((CoreConstant)i).Value)])) { Start = s.Start, End = s.End }
                        : new CoreSet(items) { Start = s.Start, End = s.End };
                }

            case ObjectTerm o:
                return Object(o, scope);
            case ComprehensionTerm c:
                return Comprehension(c, scope);
            case TemplateTerm t:
                return Template(t, scope);
            default:
                throw new InvalidOperationException(term.GetType().Name);
        }
    }

    private static int DeclarationOf(string name, IReadOnlyList<Literal> body)
    {
        foreach (Literal literal in body)
        {
            if (Names.Declared([literal]).Contains(name))
            {
                return literal.Start;
            }
        }

        return 0;
    }

    // Names that are used but not declared belong to the outermost body that uses them directly.
    private void Implicit(Scope scope, IReadOnlyList<Literal> body, IEnumerable<Term?> more)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        Names.Direct(body, names, w => IsName(w.Target) && IsName(w.Value) && Function(w.Target, scope).Target is not null && Function(w.Value, scope).Target is not null);
        foreach (Term? term in more)
        {
            Names.Direct(term, names);
        }

        foreach (string name in names)
        {
            if (!scope.Knows(name) && !module.IsGlobal(name))
            {
                scope.Variables.Add(name, NewVariable(name));
            }
        }
    }

    private CoreLiteral? One(Literal literal, Scope scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        CoreWith[] with = [.. literal.With.Select(w => With(w, scope)).OfType<CoreWith>()];
        switch (literal)
        {
            case SomeLiteral some:
                foreach (VarTerm name in some.Names)
                {
                    Declare(name, scope);
                }

                return null;
            case SomeInLiteral some:
                {
                    CoreTerm collection = Resolve(some.Collection, scope);
                    CoreTerm? key = some.Key is null ? null : Pattern(some.Key, scope);
                    CoreTerm value = Pattern(some.Value, scope);
                    return new CoreSomeIn(key, value, collection) { Start = literal.Start, End = literal.End, With = with };
                }

            case EveryLiteral every:
                return Every(every, scope, with);
            case ExpressionLiteral { IsNegated: true } negated:
                {
                    var variables = new HashSet<Variable>();
                    int before = _variables.Count;
                    _negations.Push(variables);
                    CoreLiteral inner = Expression(negated.Term, scope, negated, [], negated: true);
                    _negations.Pop();
                    variables.RemoveWhere(v => v.Slot >= before);
                    foreach (HashSet<Variable> outer in _negations)
                    {
                        outer.UnionWith(variables);
                    }

                    return new CoreNot(inner, variables) { Start = literal.Start, End = literal.End, With = with };
                }

            default:
                return Expression(((ExpressionLiteral)literal).Term, scope, literal, with, negated: false);
        }
    }

    private CoreLiteral Expression(Term term, Scope scope, Literal literal, CoreWith[] with, bool negated)
    {
        if (term is InfixTerm { Operator: TokenKind.Assign } assign)
        {
            if (negated)
            {
                program.Error(RegoErrorCodes.Compile, "cannot assign variables inside a negated expression", source, assign.Start);
            }

            CoreTerm right = Resolve(assign.Right, scope);
            if (assign.Left is not (VarTerm or ArrayTerm or ObjectTerm))
            {
                string what = assign.Left switch
                {
                    RefTerm => "a reference",
                    CallTerm or InfixTerm or MemberTerm or NegativeTerm => "a call",
                    ScalarTerm s => s.Value.TypeName,
                    SetTerm => "a set",
                    _ => "this term",
                };
                program.Error(RegoErrorCodes.Compile, "cannot assign to " + what, source, assign.Left.Start);
                return new CoreCondition(right) { Start = literal.Start, End = literal.End };
            }

            return new CoreUnify(Pattern(assign.Left, scope), right, declares: true) { Start = literal.Start, End = literal.End, With = with };
        }

        if (term is CallTerm { Function: VarTerm { Name: "eq" }, Arguments: [var one, var other] } && !scope.Knows("eq") && !module.IsGlobal("eq"))
        {
            return new CoreUnify(Resolve(one, scope), Resolve(other, scope), declares: false) { Start = literal.Start, End = literal.End, With = with };
        }

        return term is InfixTerm { Operator: TokenKind.Unify } unify
            ? new CoreUnify(Resolve(unify.Left, scope), Resolve(unify.Right, scope), declares: false) { Start = literal.Start, End = literal.End, With = with }
            : new CoreCondition(Resolve(term, scope, mayHaveOutput: true)) { Start = literal.Start, End = literal.End, With = with };
    }

    private CoreEvery Every(EveryLiteral every, Scope scope, CoreWith[] with)
    {
        CoreTerm domain = Resolve(every.Domain, scope);
        var inner = new Scope(scope, new CoreBody()) { Declared = Names.Declared(every.Body) };
        Variable? key = every.Key is VarTerm { IsWildcard: false } k ? Local(k, inner) : null;
        Variable value = every.Value is VarTerm { IsWildcard: false } v ? Local(v, inner) : NewVariable("_", wildcard: true);
        Implicit(inner, every.Body, []);
        Body(every.Body, inner, inner.Body.Literals);
        return new CoreEvery(key, value, domain, inner.Body) { Start = every.Start, End = every.End, With = with };
    }

    private Variable Local(VarTerm name, Scope scope)
    {
        if (name.Name is "input" or "data")
        {
            program.Error(RegoErrorCodes.Compile, $"variable must not be named {name.Name}", source, name.Start);
        }

        Variable variable = NewVariable(name.Name);
        scope.Variables[name.Name] = variable;
        return variable;
    }

    private void Declare(VarTerm name, Scope scope)
    {
        if (name.IsWildcard)
        {
            return;
        }

        if (scope.Variables.ContainsKey(name.Name))
        {
            program.Error(RegoErrorCodes.Compile, $"var {name.Name} is declared or used above", source, name.Start);
            return;
        }

        Local(name, scope);
    }

    private CoreTerm Pattern(Term term, Scope scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case VarTerm { IsWildcard: false } v:
                Declare(v, scope);
                return new CoreVariable(scope.Variables[v.Name]) { Start = v.Start, End = v.End };
            case ArrayTerm a:
                return new CoreArray([.. a.Items.Select(i => Pattern(i, scope))]) { Start = a.Start, End = a.End };
            case ObjectTerm o:
                return new CoreObject([.. o.Members.Select(m => Resolve(m.Key, scope))], [.. o.Members.Select(m => Pattern(m.Value, scope))]) { Start = o.Start, End = o.End };
            default:
                return Resolve(term, scope);
        }
    }

    private CoreTerm Name(VarTerm v, Scope scope)
    {
        for (Scope? at = scope; at is not null; at = at.Parent)
        {
            if (at.Variables.TryGetValue(v.Name, out Variable? variable))
            {
                for (Scope inner = scope; !ReferenceEquals(inner, at); inner = inner.Parent!)
                {
                    inner.Body.Free.Add(variable);
                }

                if (_negations.TryPeek(out HashSet<Variable>? negation))
                {
                    negation.Add(variable);
                }

                return new CoreVariable(variable) { Start = v.Start, End = v.End };
            }

            if (at.Declared.Contains(v.Name))
            {
                program.Error(RegoErrorCodes.Compile, $"var {v.Name} is referenced above its declaration", source, v.Start);
                return new CoreVariable(Local(v, at)) { Start = v.Start, End = v.End };
            }
        }

        if (Global(v) is { } global)
        {
            return global;
        }

        // Only in places that have no body, such as the value of a default rule.
        Variable unknown = NewVariable(v.Name);
        scope.Variables[v.Name] = unknown;
        return new CoreVariable(unknown) { Start = v.Start, End = v.End };
    }

    private CoreTerm? Global(VarTerm v)
    {
        if (module.Imports.TryGetValue(v.Name, out (bool IsInput, RegoValue[] Path) import))
        {
            return Document(import.IsInput, import.Path, v);
        }

        if (module.RuleNames.Contains(v.Name))
        {
            return Document(false, [.. module.Package, v.Name], v);
        }

        return v.Name switch
        {
            "input" => new CoreInput { Start = v.Start, End = v.End },
            "data" => new CoreData { Start = v.Start, End = v.End },
            _ => null,
        };
    }

    private static CoreTerm Document(bool isInput, RegoValue[] path, Term at)
    {
        CoreTerm root = isInput ? new CoreInput { Start = at.Start, End = at.End } : new CoreData { Start = at.Start, End = at.End };
        return path.Length == 0
            ? root
            : new CoreRef(root, [.. path.Select(p => new CoreConstant(p) { Start = at.Start, End = at.End })]) { Start = at.Start, End = at.End };
    }

    private CoreTerm Reference(RefTerm r, Scope scope)
    {
        CoreTerm head = Resolve(r.Head, scope);
        CoreTerm[] parts = [.. r.Parts.Select(p => Resolve(p.Operand, scope))];
        return head is CoreRef inner
            ? new CoreRef(inner.Head, [.. inner.Parts, .. parts]) { Start = r.Start, End = r.End }
            : new CoreRef(head, parts) { Start = r.Start, End = r.End };
    }

    private CoreTerm Object(ObjectTerm o, Scope scope)
    {
        CoreTerm[] keys = [.. o.Members.Select(m => Resolve(m.Key, scope))];
        CoreTerm[] values = [.. o.Members.Select(m => Resolve(m.Value, scope))];
        if (Array.TrueForAll(keys, static k => k is CoreConstant) && Array.TrueForAll(values, static v => v is CoreConstant))
        {
            RegoObject constant = RegoObject.Adopt([.. keys.Select(static k => ((CoreConstant)k).Value)], [.. values.Select(static v => ((CoreConstant)v).Value)]);
            if (constant.Count == keys.Length)
            {
                return new CoreConstant(constant) { Start = o.Start, End = o.End };
            }
        }

        return new CoreObject(keys, values) { Start = o.Start, End = o.End };
    }

    private CoreComprehension Comprehension(ComprehensionTerm c, Scope scope)
    {
        var inner = new Scope(scope, new CoreBody()) { Declared = Names.Declared(c.Body) };
        Implicit(inner, c.Body, [c.Key, c.Value]);
        Body(c.Body, inner, inner.Body.Literals);
        CoreTerm? key = c.Key is null ? null : Resolve(c.Key, inner);
        CoreTerm value = Resolve(c.Value, inner);
        return new CoreComprehension(c.Kind, key, value, inner.Body) { Start = c.Start, End = c.End };
    }

    private CoreTemplate Template(TemplateTerm t, Scope scope)
    {
        var parts = new (string?, CoreTerm?)[t.Parts.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            (string? text, Term? term) = t.Parts[i];
            parts[i] = (text, term is null ? null : Resolve(term, scope));
        }

        return new CoreTemplate(parts) { Start = t.Start, End = t.End };
    }

    private CoreCall Operator(InfixTerm i, Scope scope)
    {
        string name = i.Operator == TokenKind.Unify ? "equal" : ModuleJson.OperatorName(i.Operator);
        return Builtin(name, [Resolve(i.Left, scope), Resolve(i.Right, scope)], i);
    }

    private CoreCall Builtin(string name, CoreTerm[] arguments, Term at)
    {
        Builtin builtin = BuiltinTable.Find(name)!;
        CheckTypes(builtin, arguments);
        return new CoreCall(new CallTarget(name, builtin, null, 0), arguments) { Start = at.Start, End = at.End };
    }

    private CoreTerm Call(CallTerm c, Scope scope, bool mayHaveOutput)
    {
        CoreTerm[] arguments = [.. c.Arguments.Select(a => Resolve(a, scope))];
        (string name, CallTarget? target) = Function(c.Function, scope);
        if (name is "rego.metadata.rule" or "rego.metadata.chain" && arguments.Length <= (mayHaveOutput ? 1 : 0))
        {
            var metadata = new CoreConstant(name == "rego.metadata.rule" ? program.MetadataOf(module, rule) : program.MetadataChain(module, rule)) { Start = c.Start, End = c.End };
            return arguments.Length == 0 ? metadata : Builtin("equal", [metadata, arguments[0]], c);
        }

        if (target is null)
        {
            program.Error(RegoErrorCodes.StaticType, "undefined function " + name, source, c.Start);
            return new CoreConstant(RegoValue.Null) { Start = c.Start, End = c.End };
        }

        bool fits = target.Arity < 0 || arguments.Length == target.Arity || (mayHaveOutput && arguments.Length == target.Arity + 1);
        if (!fits)
        {
            program.Error(RegoErrorCodes.StaticType, $"function {name} has arity {target.Arity}, got {arguments.Length} arguments", source, c.Start);
        }
        else if (target.Builtin is { } builtin)
        {
            CheckTypes(builtin, arguments);
        }

        if (target.Builtin is null && target.Function is null && arguments is [CoreConstant { Value: RegoString literal }, ..])
        {
            program.NoteHostArgument(name, literal.Value);
        }

        return new CoreCall(target, arguments) { Start = c.Start, End = c.End };
    }

    private void CheckTypes(Builtin builtin, CoreTerm[] arguments)
    {
        for (int i = 0; i < Math.Min(arguments.Length, builtin.Parameters.Length); i++)
        {
            RegoKind? kind = arguments[i] switch
            {
                CoreConstant c => c.Value.Kind,
                CoreArray or CoreComprehension { Kind: ComprehensionKind.Array } => RegoKind.Array,
                CoreObject or CoreComprehension { Kind: ComprehensionKind.Object } => RegoKind.Object,
                CoreSet or CoreComprehension { Kind: ComprehensionKind.Set } => RegoKind.Set,
                CoreTemplate => RegoKind.String,
                _ => null,
            };
            if (kind is { } k && (builtin.Parameters[i] & (RegoTypes)(1 << (int)k)) == RegoTypes.None)
            {
                program.Error(RegoErrorCodes.StaticType, $"{builtin.Name}: invalid argument: operand {i + 1} must not be {RegoValue.NameOf(k)}", source, arguments[i].Start);
            }
        }
    }

    private (string Name, CallTarget? Target) Function(Term function, Scope scope)
    {
        VarTerm head = function as VarTerm ?? (VarTerm)((RefTerm)function).Head;
        string[] rest = function is RefTerm r ? [.. r.Parts.Select(static p => ((RegoString)((ScalarTerm)p.Operand).Value).Value)] : [];
        string name = rest.Length == 0 ? head.Name : head.Name + "." + string.Join('.', rest);
        if (scope.Knows(head.Name))
        {
            return (name, null);
        }

        RegoValue[]? path = module.Imports.TryGetValue(head.Name, out (bool IsInput, RegoValue[] Path) import)
            ? import.IsInput ? null : [.. import.Path, .. rest.Select(RegoString.Of)]
            : head.Name == "data" ? [.. rest.Select(RegoString.Of)]
            : module.RuleNames.Contains(head.Name) ? [.. module.Package, head.Name, .. rest.Select(RegoString.Of)]
            : null;
        if (path is not null && program.FindFunction(path) is { } group)
        {
            return (name, new CallTarget(group.Name, null, group, -1));
        }

        return (name, program.FindBuiltin(name, module.Module.IsV0));
    }

    private CoreWith? With(WithModifier modifier, Scope scope)
    {
        VarTerm? head = modifier.Target as VarTerm ?? (modifier.Target as RefTerm)?.Head as VarTerm;
        if (head is null || scope.Knows(head.Name))
        {
            program.Error(RegoErrorCodes.Compile, "with target must be input, data or a function", source, modifier.Start);
            return null;
        }

        if (IsName(modifier.Target))
        {
            (string name, CallTarget? target) = Function(modifier.Target, scope);
            if (target is not null)
            {
                return FunctionWith(modifier, name, target, scope);
            }
        }

        CoreTerm resolved = modifier.Target is VarTerm v ? Name(v, scope) : Reference((RefTerm)modifier.Target, scope);
        CoreTerm root = resolved is CoreRef r ? r.Head : resolved;
        CoreTerm[] parts = resolved is CoreRef { Parts: var p } ? p : [];
        if (root is not (CoreInput or CoreData) || !Array.TrueForAll(parts, static q => q is CoreConstant))
        {
            program.Error(RegoErrorCodes.Compile, "with target must be a constant path of input or data, or a function", source, modifier.Start);
            return null;
        }

        RegoValue[] path = [.. parts.Select(static q => ((CoreConstant)q).Value)];
        if (root is CoreData && program.FindAbove(path) is { } covered)
        {
            program.Error(RegoErrorCodes.Compile, $"with cannot replace a part of {covered.Name}", source, modifier.Start);
            return null;
        }

        return new CoreWith(root is CoreInput ? WithKind.Input : WithKind.Data, path, string.Empty, Resolve(modifier.Value, scope), null);
    }

    private CoreWith? FunctionWith(WithModifier modifier, string name, CallTarget target, Scope scope)
    {
        if (name is "print" or "internal.print" || name.StartsWith("rego.metadata.", StringComparison.Ordinal))
        {
            program.Error(RegoErrorCodes.Compile, $"{name} cannot be replaced", source, modifier.Start);
            return null;
        }

        if (IsName(modifier.Value))
        {
            (_, CallTarget? replacement) = Function(modifier.Value, scope);
            if (replacement is not null)
            {
                if (replacement.Arity >= 0 && target.Arity >= 0 && replacement.Arity != target.Arity)
                {
                    program.Error(RegoErrorCodes.StaticType, $"{name} has arity {target.Arity}, its replacement has {replacement.Arity}", source, modifier.Start);
                    return null;
                }

                return new CoreWith(WithKind.Function, [], target.Name, null, replacement);
            }
        }

        return new CoreWith(WithKind.Function, [], target.Name, Resolve(modifier.Value, scope), null);
    }

    // A name or dotted name, which may be that of a function.
    private static bool IsName(Term term) => term is VarTerm { IsWildcard: false } || (term is RefTerm r && IsCallable(r));

    private static bool IsCallable(RefTerm r) => r.Head is VarTerm && r.Parts.TrueForAll(static p => p.Operand is ScalarTerm { Value: RegoString });
}
