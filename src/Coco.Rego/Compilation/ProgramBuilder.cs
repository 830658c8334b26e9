// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Rego.Evaluation;
using Coco.Rego.Functions;
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>Makes a program of modules: places their rules in the tree of documents, checks and compiles them.</summary>
internal sealed class ProgramBuilder
{
    private readonly List<Module> _modules;
    private readonly List<RuleGroup> _groups = [];
    private readonly Queue<RuleGroup> _uncompiled = new();
    private readonly Dictionary<Module, ModuleScope> _scopes = [];
    private readonly HashSet<RegoDiagnostic> _errors = [];
    private readonly Dictionary<string, SortedSet<string>> _hostArguments = new(StringComparer.Ordinal);
    private readonly bool _frozen;
    private int _groupCount;
    private int _branchCount;

    internal ProgramBuilder(RegoCompileOptions options, List<Module> modules)
    {
        Options = options;
        _modules = modules;
        Tree = new TreeNode(null, null);
    }

    /// <summary>To compile a query against a program, which stays as it is.</summary>
    internal ProgramBuilder(ProgramBuilder program)
    {
        Options = program.Options;
        _modules = program._modules;
        Tree = program.Tree;
        _scopes = program._scopes;
        _groupCount = program._groupCount;
        _branchCount = program._branchCount;
        _frozen = true;
    }

    internal RegoCompileOptions Options { get; }

    internal TreeNode Tree { get; }

    internal IReadOnlyCollection<RegoDiagnostic> Errors => _errors;

    internal int GroupCount => _groupCount;

    internal int BranchCount => _branchCount;

    internal IReadOnlyList<Module> Modules => _modules;

    internal IReadOnlyList<RuleGroup> Groups => _groups;

    internal IReadOnlyDictionary<string, SortedSet<string>> HostArguments => _hostArguments;

    internal bool Build()
    {
        foreach (Module module in _modules)
        {
            Place(module);
        }

        if (_errors.Count == 0)
        {
            Absorb(Tree);
            CheckTree(Tree);
        }

        if (_errors.Count > 0)
        {
            return false;
        }

        foreach (RuleGroup group in _groups)
        {
            _uncompiled.Enqueue(group);
        }

        while (_uncompiled.TryDequeue(out RuleGroup? group))
        {
            Compile(group);
        }

        if (_errors.Count == 0)
        {
            CheckRecursion();
        }

        return _errors.Count == 0;
    }

    internal void Error(string code, string message, SourceText source, int offset) => _errors.Add(new RegoDiagnostic(code, message, source.Locate(offset)));

    internal RuleGroup? FindFunction(ReadOnlySpan<RegoValue> path)
    {
        TreeNode? node = Tree;
        foreach (RegoValue key in path)
        {
            node = node?.Find(key);
        }

        return node?.Group is { Kind: RuleKind.Function } group ? group : null;
    }

    /// <summary>A rule that owns a strict prefix of the path.</summary>
    internal RuleGroup? FindAbove(ReadOnlySpan<RegoValue> path)
    {
        TreeNode? node = Tree;
        foreach (RegoValue key in path)
        {
            if (node?.Group is { } group)
            {
                return group;
            }

            node = node?.Find(key);
        }

        return null;
    }

    internal CallTarget? FindBuiltin(string name, bool v0)
    {
        if (Options.HostFunctions.TryGetValue(name, out int arity))
        {
            return new CallTarget(name, null, null, arity);
        }

        Builtin? builtin = BuiltinTable.Find(name);
        return builtin is null || (builtin.IsV0Only && !v0) || (builtin.Requires & ~Options.Grants) != RegoGrants.None ? null : new CallTarget(name, builtin, null, -1);
    }

    internal RuleGroup Restrict(RuleGroup group, RegoValue key)
    {
        if (_frozen)
        {
            return group.FindRestriction(key) ?? group;
        }

        RuleGroup part = group.Restrict(key, () => _groupCount++, ConstantOf);
        if (!ReferenceEquals(part, group) && part.Clauses.Length == 0 && !_uncompiled.Contains(part))
        {
            _uncompiled.Enqueue(part);
        }

        return part;
    }

    internal void NoteHostArgument(string function, string literal)
    {
        if (!_hostArguments.TryGetValue(function, out SortedSet<string>? literals))
        {
            literals = new SortedSet<string>(StringComparer.Ordinal);
            _hostArguments.Add(function, literals);
        }

        literals.Add(literal);
    }

    internal RegoValue MetadataOf(ModuleScope module, Rule? rule) =>
        rule?.Annotations.FindLast(static a => a.Scope == "rule")?.Members
        ?? rule?.Annotations.FindLast(static a => a.Scope == "document")?.Members ?? RegoObject.Empty;

    internal RegoValue MetadataChain(ModuleScope module, Rule? rule)
    {
        var chain = new List<RegoValue>();
        if (rule is not null)
        {
            RegoArray path = RegoArray.Of([.. module.Package, .. HeadOf(rule)]);
            Annotation? own = rule.Annotations.FindLast(static a => a.Scope == "rule");
            chain.Add(own is null ? RegoObject.Of(("path", path)) : RegoObject.Of(("annotations", own.Members), ("path", path)));
            foreach ((Module other, ModuleScope scope) in _scopes)
            {
                if (!scope.Package.AsSpan().SequenceEqual(module.Package))
                {
                    continue;
                }

                foreach (Annotation document in other.Rules.Where(r => HeadOf(r).SequenceEqual(HeadOf(rule))).SelectMany(static r => r.Annotations).Where(static a => a.Scope == "document"))
                {
                    chain.Add(RegoObject.Of(("annotations", document.Members), ("path", path)));
                }
            }
        }

        for (int length = module.Package.Length; length > 0; length--)
        {
            foreach ((Module other, ModuleScope scope) in _scopes)
            {
                if (scope.Package.AsSpan().SequenceEqual(module.Package.AsSpan(0, length)))
                {
                    foreach (Annotation annotation in other.PackageAnnotations.Where(a => a.Scope == "subpackages" || (a.Scope == "package" && length == module.Package.Length)))
                    {
                        chain.Add(RegoObject.Of(("annotations", annotation.Members), ("path", RegoArray.Of(scope.Package))));
                    }
                }
            }
        }

        return RegoArray.OfList(chain);
    }

    /// <summary>Compiles a query in a package, or with no package.</summary>
    internal (CompiledBranch? Branch, Variable[] Variables) Query(List<Literal> body, SourceText source, ModuleScope scope)
    {
        var resolver = new Resolver(this, scope, source, null);
        var literals = new List<CoreLiteral>();
        Scope names = resolver.Open(null, body, [], literals);
        resolver.Body(body, names, literals);
        Variable[] variables = [.. names.Variables.Values.OrderBy(static v => v.Name, StringComparer.Ordinal)];
        var planner = new Planner(this, resolver, source, []);
        Step start = planner.Chain(literals, () => new BindingsStep(variables), 0, source.Text.Length);
        return _errors.Count > 0
            ? (null, [])
            : (new CompiledBranch(_branchCount, start, planner.Slots, planner.Accumulators, source, 0, source.Text.Length), variables);
    }

    internal ModuleScope ScopeOf(RegoValue[] package)
    {
        foreach (ModuleScope scope in _scopes.Values)
        {
            if (scope.Package.AsSpan().SequenceEqual(package))
            {
                return scope;
            }
        }

        var empty = new Module { Source = new SourceText(string.Empty, string.Empty), IsV0 = false, Package = [] };
        return new ModuleScope(empty, package, []);
    }

    /// <summary>The value of a term that is one without evaluation; null for others.</summary>
    internal static RegoValue? ConstantOf(Term term)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (term)
        {
            case ScalarTerm s:
                return s.Value;
            case ArrayTerm a:
                return All(a.Items) is { } items ? RegoArray.Adopt(items) : null;
            case SetTerm s:
                return All(s.Items) is { } members ? RegoSet.Adopt(members) : null;
            case ObjectTerm o:
                return All([.. o.Members.Select(static m => m.Key)]) is { } keys && All([.. o.Members.Select(static m => m.Value)]) is { } values
                    ? RegoObject.Adopt(keys, values)
                    : null;
            default:
                return null;
        }

        static RegoValue[]? All(List<Term> terms)
        {
            var values = new RegoValue[terms.Count];
            for (int i = 0; i < values.Length; i++)
            {
                if (ConstantOf(terms[i]) is not { } value)
                {
                    return null;
                }

                values[i] = value;
            }

            return values;
        }
    }

    private static IEnumerable<RegoValue> HeadOf(Rule rule) =>
        rule.Path.Select(static p => ConstantOf(p.Operand)).TakeWhile(static v => v is not null).Select(static v => v!).Prepend(rule.Name.Name);

    private void Place(Module module)
    {
        RegoValue[] package = [.. module.Package.Select(static n => (RegoValue)n)];
        TreeNode node = Tree;
        foreach (RegoValue part in package)
        {
            node = node.Child(part);
        }

        node.IsPackage = true;
        HashSet<string> names = _scopes.Values.FirstOrDefault(s => s.Package.AsSpan().SequenceEqual(package))?.RuleNames ?? new HashSet<string>(StringComparer.Ordinal);
        var scope = new ModuleScope(module, package, names);
        _scopes.Add(module, scope);
        foreach (Import import in module.Imports)
        {
            if (import.Head is "rego" or "future" || (import.Path.Count == 0 && import.Alias is null))
            {
                continue;
            }

            if (import.Name is "input" or "data")
            {
                Error(RegoErrorCodes.Compile, $"import must not be named {import.Name}", module.Source, import.Start);
                continue;
            }

            (bool, RegoValue[]) target = (import.Head == "input", [.. import.Path.Select(static n => (RegoValue)n)]);
            if (!scope.Imports.TryAdd(import.Name, target))
            {
                if (!module.IsV0)
                {
                    Error(RegoErrorCodes.Compile, $"import must not shadow import {import.Name}", module.Source, import.Start);
                }

                scope.Imports[import.Name] = target;
            }
        }

        foreach (Rule rule in module.Rules)
        {
            if (rule.Name.Name is "input" or "data")
            {
                Error(RegoErrorCodes.Compile, $"rules must not be named {rule.Name.Name}", module.Source, rule.Start);
                continue;
            }

            if (scope.Imports.ContainsKey(rule.Name.Name) && !module.IsV0)
            {
                Error(RegoErrorCodes.Compile, $"rule {rule.Name.Name} conflicts with the import of that name", module.Source, rule.Start);
            }

            names.Add(rule.Name.Name);
            Place(module, rule, node.Child(rule.Name.Name));
        }
    }

    private void Place(Module module, Rule rule, TreeNode node)
    {
        int at = 0;
        while (at < rule.Path.Count && ConstantOf(rule.Path[at].Operand) is { } key)
        {
            node = node.Child(key);
            at++;
        }

        Term[] suffix = [.. rule.Path.Skip(at).Select(static p => p.Operand)];
        RuleKind kind = rule.Parameters is not null ? RuleKind.Function
            : suffix.Length > 0 ? RuleKind.Object
            : rule.Member is not null ? RuleKind.Set
            : RuleKind.Complete;
        if (suffix.Length > 0 && (rule.Parameters is not null || rule.IsDefault))
        {
            Error(RegoErrorCodes.Compile, rule.IsDefault ? "default rules must not have variables in their head" : "functions must not have variables in their name", module.Source, rule.Start);
            return;
        }

        if (node.Group is null)
        {
            node.Group = new RuleGroup(node.Path, kind, _groupCount++) { Arity = rule.Parameters?.Count ?? 0 };
            _groups.Add(node.Group);
        }

        RuleGroup group = node.Group;
        if (rule.IsDefault)
        {
            if (group.Kind is RuleKind.Set or RuleKind.Object)
            {
                Error(RegoErrorCodes.StaticType, $"conflicting rules {group.Name}: a default and a partial rule", module.Source, rule.Start);
            }

            if (group.Defaults.Count > 0)
            {
                Error(RegoErrorCodes.StaticType, $"multiple default rules {group.Name}", module.Source, rule.Start);
            }

            group.Defaults.Add(new RuleSource(module, rule, suffix));
            CheckDefault(module, rule);
        }
        else
        {
            group.Sources.Add(new RuleSource(module, rule, suffix));
        }

        if (group.Kind != kind || (kind == RuleKind.Function && group.Arity != rule.Parameters!.Count))
        {
            Error(RegoErrorCodes.StaticType, $"conflicting rules {group.Name}: other rules of this name make something else", module.Source, rule.Start);
        }
    }

    private void CheckDefault(Module module, Rule rule)
    {
        if (!IsPlain(rule.Branches[0].Value!))
        {
            Error(RegoErrorCodes.Compile, $"default rule {rule.Name.Name} must have a value without references, calls and variables", module.Source, rule.Start);
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (Term parameter in rule.Parameters ?? [])
        {
            if (parameter is not VarTerm v || (!v.IsWildcard && !names.Add(v.Name)))
            {
                Error(RegoErrorCodes.Compile, $"default function {rule.Name.Name} must have different plain variables as parameters", module.Source, parameter.Start);
            }
        }

        static bool IsPlain(Term term) => term switch
        {
            ScalarTerm or ComprehensionTerm => true,
            ArrayTerm a => a.Items.TrueForAll(IsPlain),
            SetTerm s => s.Items.TrueForAll(IsPlain),
            ObjectTerm o => o.Members.TrueForAll(static m => IsPlain(m.Key) && IsPlain(m.Value)),
            TemplateTerm t => t.Parts.TrueForAll(static p => p.Term is null || IsPlain(p.Term)),
            _ => false,
        };
    }

    // A computed object takes the rules below its path, so that they make one document.
    private void Absorb(TreeNode node)
    {
        if (node.Group is { Kind: RuleKind.Object } group && node.Children.Count > 0)
        {
            foreach (RuleGroup below in node.Groups().Where(g => !ReferenceEquals(g, group)).ToArray())
            {
                if (below.Kind == RuleKind.Function)
                {
                    Error(RegoErrorCodes.StaticType, $"conflicting rules {below.Name} and {group.Name}", below.Sources[0].Module.Source, below.Sources[0].Rule.Start);
                    continue;
                }

                Term[] prefix = [.. below.Path[group.Path.Length..].Select(static v => new ScalarTerm(v))];
                group.Sources.AddRange(below.Sources.Select(s => s with { Suffix = [.. prefix, .. s.Suffix] }));
                group.Defaults.AddRange(below.Defaults.Select(s => s with { Suffix = [.. prefix, .. s.Suffix] }));
                _groups.Remove(below);
            }

            if (HasPackage(node))
            {
                RuleSource first = group.Sources[0];
                Error(RegoErrorCodes.Compile, $"rule {group.Name} conflicts with a package below it", first.Module.Source, first.Rule.Start);
            }

            node.Children.Clear();
            return;
        }

        foreach (TreeNode child in node.Children.Values)
        {
            Absorb(child);
        }

        static bool HasPackage(TreeNode node) => node.Children.Values.Any(static c => c.IsPackage || HasPackage(c));
    }

    private void CheckTree(TreeNode node)
    {
        foreach (TreeNode child in node.Children.Values)
        {
            CheckTree(child);
        }

        if (node.Group is not { } group)
        {
            return;
        }

        RuleSource source = group.Sources.Concat(group.Defaults).First();
        if (node.IsPackage)
        {
            Error(RegoErrorCodes.Compile, $"rule {group.Name} conflicts with the package of that name", source.Module.Source, source.Rule.Start);
        }
        else if (node.Children.Count > 0)
        {
            Error(RegoErrorCodes.Compile, $"rule {group.Name} conflicts with rules below it: {string.Join(", ", node.Children.Values.SelectMany(static c => c.Groups()).Select(static g => g.Name).Order(StringComparer.Ordinal).Take(3))}", source.Module.Source, source.Rule.Start);
        }

        RegoValue? data = Options.Data;
        foreach (RegoValue key in group.Path)
        {
            data = data?.Lookup(key);
        }

        if (data is not null && group.Kind != RuleKind.Function)
        {
            Error(RegoErrorCodes.Compile, $"conflicting rule for data path {string.Join('/', group.Path.Select(static p => p.ToDisplayString()))}", source.Module.Source, source.Rule.Start);
        }
    }

    private void Compile(RuleGroup group)
    {
        var candidates = new List<IndexCandidate>();
        var clauses = new Clause[group.Sources.Count];
        for (int i = 0; i < clauses.Length; i++)
        {
            clauses[i] = Compile(group, group.Sources[i], candidates, i);
        }

        group.Clauses = clauses;
        group.ClauseIndex = IndexCandidate.Choose(candidates, clauses);
        if (group.Kind == RuleKind.Object)
        {
            group.ObjectDefaults = [.. group.Defaults.Select(d => Compile(group, d, [], 0))];
        }
        else if (group.Defaults.Count > 0)
        {
            group.Default = Compile(group, group.Defaults[0], [], 0);
        }
    }

    private Clause Compile(RuleGroup group, RuleSource source, List<IndexCandidate> candidates, int position)
    {
        Rule rule = source.Rule;
        var branches = new CompiledBranch[rule.Branches.Count];
        for (int i = 0; i < branches.Length; i++)
        {
            branches[i] = Compile(group, source, rule.Branches[i], branches.Length == 1 ? candidates : [], position);
        }

        RegoValue[]? fixedPath = group.Kind == RuleKind.Object && (rule.Member is not null || rule.IsDefault) && source.Suffix.All(static s => ConstantOf(s) is not null)
            ? [.. source.Suffix.Select(static s => ConstantOf(s)!)]
            : null;
        return new Clause(source, branches) { EmptySetPath = fixedPath };
    }

    private CompiledBranch Compile(RuleGroup group, RuleSource source, Syntax.Branch branch, List<IndexCandidate> candidates, int position)
    {
        SourceText text = source.Module.Source;
        var resolver = new Resolver(this, _scopes[source.Module], text, source.Rule);
        List<Literal> body = branch.Body ?? [];
        var literals = new List<CoreLiteral>();
        Rule rule = source.Rule;
        Scope scope = resolver.Open(rule.Parameters, body, source.Suffix.Append(rule.Member).Append(branch.Value), literals);
        resolver.Body(body, scope, literals);
        CoreTerm[] suffix = [.. source.Suffix.Select(s => resolver.Resolve(s, scope))];
        CoreTerm value = rule.Member is not null ? resolver.Resolve(rule.Member, scope)
            : branch.Value is not null ? resolver.Resolve(branch.Value, scope)
            : new CoreConstant(RegoValue.True) { Start = branch.Start, End = branch.End };
        int arity = rule.Parameters?.Count ?? 0;
        candidates.AddRange(IndexCandidate.Find(literals, arity, position));
        var planner = new Planner(this, resolver, text, group.Dependencies);
        for (int i = 0; i < arity; i++)
        {
            planner.Bind(resolver.Variables[i]);
        }

        int start = rule.Start, headEnd = Math.Max(rule.HeadEnd, rule.Start + 1);
        Step first = planner.Chain(
            literals,
            () =>
            {
                if (group.Kind == RuleKind.Object)
                {
                    Expression[] path = [.. suffix.Select(planner.Term)];
                    return new EntryStep(path, planner.Term(value), rule.Member is not null, Array.TrueForAll(suffix, static s => s is CoreConstant), text, start) { Origin = planner.Current };
                }

                Expression result = planner.Term(value);
                return group.Kind == RuleKind.Set
                    ? new MemberStep(result) { Origin = planner.Current }
                    : new ResultStep(result, group.Kind == RuleKind.Function, text, start) { Origin = planner.Current };
            },
            start,
            headEnd);
        return new CompiledBranch(_branchCount++, first, planner.Slots, planner.Accumulators, text, branch.Start, branch.End)
        {
            ConstantValue = (value as CoreConstant)?.Value,
        };
    }

    private void CheckRecursion()
    {
        var state = new Dictionary<RuleGroup, int>();
        var path = new List<RuleGroup>();
        foreach (RuleGroup group in _groups)
        {
            Visit(group);
        }

        void Visit(RuleGroup group)
        {
            RuntimeHelpers.EnsureSufficientExecutionStack();
            switch (state.GetValueOrDefault(group))
            {
                case 1:
                    IEnumerable<string> cycle = path.Skip(path.IndexOf(group)).Append(group).Select(static g => g.Name);
                    RuleSource source = group.Sources.Concat(group.Defaults).First();
                    Error(RegoErrorCodes.Recursion, $"rule {group.Name} is recursive: {string.Join(" -> ", cycle)}", source.Module.Source, source.Rule.Start);
                    return;
                case 2:
                    return;
            }

            state[group] = 1;
            path.Add(group);
            foreach (RuleGroup next in group.Dependencies)
            {
                Visit(next);
            }

            path.RemoveAt(path.Count - 1);
            state[group] = 2;
        }
    }
}
