// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego.Compilation;
using Coco.Rego.Evaluation;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>A compiled policy: immutable, thread-safe, compiled once and evaluated any number of times.</summary>
public sealed class RegoProgram
{
    private readonly ProgramBuilder _builder;
    private Frame?[]? _frames;

    internal RegoProgram(ProgramBuilder builder, string sha384)
    {
        _builder = builder;
        Sha384 = sha384;
        Tree = builder.Tree;
        GroupCount = builder.GroupCount;
        Rules = [.. builder.Groups.Select(static g => g.Name).Order(StringComparer.Ordinal)];
        HostArguments = builder.HostArguments.ToImmutableDictionary(static a => a.Key, static a => a.Value.ToImmutableArray(), StringComparer.Ordinal);
    }

    /// <summary>SHA-384 of the source in lower-case hexadecimal; of several modules, of their hashes in the order in which they were added.</summary>
    public string Sha384 { get; }

    /// <summary>The names of all rules and functions, beginning with <c>data</c>.</summary>
    public ImmutableArray<string> Rules { get; }

    /// <summary>By name of a host function: the literal strings that are its first argument somewhere.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> HostArguments { get; }

    /// <summary>The literal arguments of <c>query_reference_value</c>: what a host should fetch before it evaluates.</summary>
    public ImmutableArray<string> ReferenceNames => HostArguments.GetValueOrDefault("query_reference_value", []);

    internal TreeNode Tree { get; }

    internal int GroupCount { get; }

    internal ProgramBuilder Builder => _builder;

    /// <summary>Compiles one module with the default options.</summary>
    /// <param name="source">The text.</param>
    /// <param name="name">Names it in errors.</param>
    /// <returns>A refusal that names all errors with file, line and column.</returns>
    public static Result<RegoProgram> Compile(string source, string name) => Compile(source, name, RegoCompileOptions.Default);

    /// <summary>Compiles one module.</summary>
    /// <param name="source">The text.</param>
    /// <param name="name">Names it in errors.</param>
    /// <param name="options">How it is read.</param>
    /// <returns>A refusal that names all errors with file, line and column.</returns>
    public static Result<RegoProgram> Compile(string source, string name, RegoCompileOptions options)
    {
        RegoCompilation compilation = new RegoCompiler(options).Add(name, source).Compile();
        return compilation.Program is not null
            ? compilation.Program
            : new Refusal(RefusalCode.Malformed, string.Join("; ", compilation.Errors));
    }

    /// <summary>Whether some rule makes the document, or a package or a rule is below it. What it is for an input is another question.</summary>
    /// <param name="path">For example <c>data.policy.allow</c>.</param>
    public bool HasRule(string path)
    {
        if (!TryParsePath(path, out RegoValue[]? keys))
        {
            return false;
        }

        TreeNode? node = Tree;
        foreach (RegoValue key in keys)
        {
            if (node?.Group is not null)
            {
                return node.Group.Kind != RuleKind.Function;
            }

            node = node?.Find(key);
        }

        return node is not null && (node.Group is null || node.Group.Kind != RuleKind.Function);
    }

    /// <summary>Evaluates one document. Never throws for what a policy or an input does.</summary>
    /// <param name="rulePath">For example <c>data.policy.allow</c>.</param>
    /// <param name="input">The input; null for none.</param>
    /// <param name="data">Base data; null for that with which the program was compiled.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="functions">The host's functions by name.</param>
    public RegoEvaluation Evaluate(
        string rulePath,
        RegoValue? input,
        RegoValue? data = null,
        RegoLimits? limits = null,
        IReadOnlyDictionary<string, RegoHostFunction>? functions = null) =>
        Evaluate(rulePath, new RegoRequest { Input = input, Data = data, Limits = limits ?? RegoLimits.Default, Functions = functions });

    /// <summary>Evaluates one document. Never throws for what a policy or an input does.</summary>
    public RegoEvaluation Evaluate(string rulePath, RegoRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!TryParsePath(rulePath, out RegoValue[]? path))
        {
            return RegoEvaluation.Failed(new RegoFault(RegoErrorCodes.UnknownRule, $"{rulePath} is not a path of data", null, null, null), 0, 0);
        }

        return Run(request, machine => machine.DataAt(path, null));
    }

    /// <summary>Evaluates a query: one or more expressions, with variables.</summary>
    /// <param name="query">For example <c>data.policy.allow = x</c>.</param>
    /// <param name="request">Input, data and limits.</param>
    /// <param name="package">The package whose names the query may use without prefix, for example <c>policy</c>; null for none.</param>
    /// <returns>An evaluation whose value is an array with one object of bindings for each solution, or undefined when there is no solution.</returns>
    public RegoEvaluation EvaluateQuery(string query, RegoRequest request, string? package = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(request);
        (List<Literal>? body, SourceText source, IReadOnlyList<RegoDiagnostic> errors) = Parser.ParseQuery("query", query);
        if (body is not null && body.Count == 0)
        {
            errors = [new RegoDiagnostic(RegoErrorCodes.Parse, "query is empty", new RegoLocation("query", 1, 1))];
        }

        CompiledBranch? branch = null;
        if (errors.Count == 0)
        {
            var builder = new ProgramBuilder(_builder);
            RegoValue[] path = package is null ? [] : [.. package.Split('.').Select(static p => (RegoValue)p)];
            try
            {
                (branch, _) = builder.Query(body!, source, builder.ScopeOf(path));
            }
            catch (InsufficientExecutionStackException)
            {
                return RegoEvaluation.Failed(new RegoFault(RegoErrorCodes.Compile, "query nests too deeply", null, null, null), 0, 0);
            }

            errors = [.. builder.Errors];
        }

        if (branch is null)
        {
            RegoDiagnostic first = errors[0];
            return RegoEvaluation.Failed(new RegoFault(first.Code, string.Join("; ", errors.Select(static e => e.Message)), first.Location, null, null), 0, 0);
        }

        return Run(request, machine =>
        {
            var solutions = new Accumulator();
            var frame = new Frame(branch.Slots, branch.Accumulators) { Collector = solutions };
            machine.Observer?.EnterBranch(branch);
            Step.Run(branch.Start, machine, frame);
            machine.Observer?.LeaveBranch(branch, solutions.Values.Count > 0);
            return solutions.Values.Count == 0 ? null : RegoArray.OfList(solutions.Values);
        });
    }

    private static bool TryParsePath(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RegoValue[]? keys)
    {
        keys = null;
        if (path == "data")
        {
            keys = [];
            return true;
        }

        if (!path.StartsWith("data.", StringComparison.Ordinal) && !path.StartsWith("data[", StringComparison.Ordinal))
        {
            return false;
        }

        if (!path.Contains('['))
        {
            string[] names = path[5..].Split('.');
            keys = [.. names.Select(static n => (RegoValue)n)];
            return Array.TrueForAll(names, static n => n.Length > 0);
        }

        (List<Literal>? body, _, _) = Parser.ParseQuery("path", path);
        if (body is [ExpressionLiteral { Term: RefTerm { Head: VarTerm { Name: "data" } } r }])
        {
            RegoValue?[] parts = [.. r.Parts.Select(static p => ProgramBuilder.ConstantOf(p.Operand))];
            keys = Array.TrueForAll(parts, static p => p is not null) ? Array.ConvertAll(parts, static p => p!) : null;
        }

        return keys is not null;
    }

    private RegoEvaluation Run(RegoRequest request, Func<Machine, RegoValue?> work)
    {
        // One evaluation at a time may take the frames; others make their own.
        Frame?[] frames = Interlocked.Exchange(ref _frames, null) ?? new Frame?[_builder.BranchCount];
        RegoValue? data = request.Data ?? _builder.Options.Data;
        Tracer? tracer = request.Explain ? new Tracer(request.Input, request.MaxTraceEvents) : null;
        Observer? observer = tracer is null ? request.Coverage?.Observer : request.Coverage is null ? tracer : new BothObservers(tracer, request.Coverage.Observer);
        var machine = new Machine(this, frames, request.Input, data, request, observer);
        RegoFault fault;
        try
        {
            RegoValue? value = work(machine);
            if (value is not null && value.Size > request.Limits.MaxOutputLength)
            {
                throw new RegoLimitException(RegoLimit.Output, $"a result of more than {request.Limits.MaxOutputLength} parts");
            }

            _frames = frames;
            return RegoEvaluation.Of(value, machine.Context.Steps, machine.Context.Values, tracer?.Finish());
        }
        catch (RegoNeedsDataException e)
        {
            return RegoEvaluation.Needs(e.Names, machine.Context.Steps, machine.Context.Values);
        }
        catch (RegoFaultException e)
        {
            fault = new RegoFault(e.Code, e.Message, e.Location, machine.Rule?.Name, null);
        }
        catch (RegoLimitException e)
        {
            fault = Limit(machine, e.Limit, e.Message);
        }
        catch (RegoValueTooDeepException e)
        {
            fault = Limit(machine, RegoLimit.Nesting, e.Message);
        }
        catch (RegoValueTooLargeException e)
        {
            fault = Limit(machine, RegoLimit.Values, e.Message);
        }
        catch (RegoNumberTooLargeException e)
        {
            fault = Limit(machine, RegoLimit.Digits, e.Message);
        }
        catch (InsufficientExecutionStackException)
        {
            fault = Limit(machine, RegoLimit.Depth, "evaluation nests too deeply");
        }
        catch (OperationCanceledException)
        {
            fault = new RegoFault(RegoErrorCodes.Cancelled, "the evaluation was cancelled", null, machine.Rule?.Name, null);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A defect of the engine or of a host function must deny, not crash the host.
            fault = new RegoFault(RegoErrorCodes.Internal, e.GetType().Name + ": " + e.Message, null, machine.Rule?.Name, null);
        }

        return RegoEvaluation.Failed(fault, machine.Context.Steps, machine.Context.Values, tracer?.Finish());
    }

    private static RegoFault Limit(Machine machine, RegoLimit limit, string message) =>
        new(RegoErrorCodes.Limit, $"limit {limit.ToString().ToLowerInvariant()}: {message}", null, machine.Rule?.Name, limit);
}
