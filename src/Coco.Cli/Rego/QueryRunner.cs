// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Evaluates a query and tells the values of its expression as well as the variables.</summary>
internal sealed class QueryRunner
{
    private const string ValueName = "coco_query_value";

    private readonly RegoProgram _program;
    private readonly string _query;
    private readonly string? _package;

    public QueryRunner(RegoProgram program, string query, string? package)
    {
        _program = program;
        _query = query;
        _package = package;
    }

    /// <summary>How it ended.</summary>
    public RegoEvaluation Evaluation { get; private set; } = null!;

    /// <summary>Why rules held or not; null where it was not asked for.</summary>
    public RegoExplanation? Explanation { get; private set; }

    /// <summary>For each solution the value of the expression and the variables.</summary>
    public IReadOnlyList<(RegoValue Value, RegoObject Bindings)> Solutions { get; private set; } = [];

    /// <summary>True where there is a solution whose expression is not false.</summary>
    public bool Holds => Solutions.Any(static solution => solution.Value != RegoValue.False);

    /// <summary>Evaluates.</summary>
    public QueryRunner Run(RegoRequest request)
    {
        if (request.Explain)
        {
            // A rule of its own is explained where a query would be satisfied by its default.
            Explanation = (_program.HasRule(_query) ? _program.Evaluate(_query, request) : _program.EvaluateQuery(_query, request, _package)).Explanation;
            request = request with { Explain = false };
        }

        // A query that is one term has a value; anything else only holds or not.
        var named = _program.EvaluateQuery($"{ValueName} := ({_query}\n)", request, _package);
        var isTerm = named.Fault is not { Code: RegoErrorCodes.Parse or RegoErrorCodes.Compile or RegoErrorCodes.UnsafeVariable or RegoErrorCodes.StaticType };
        Evaluation = isTerm ? named : _program.EvaluateQuery(_query, request, _package);
        var solutions = new List<(RegoValue Value, RegoObject Bindings)>();
        foreach (var solution in (Evaluation.Value as RegoArray ?? RegoArray.Empty).Items)
        {
            var bindings = (RegoObject)solution;
            var value = bindings.Get(ValueName) ?? RegoValue.True;
            solutions.Add((value, RegoObject.Of([.. Named(bindings)])));
        }

        Solutions = solutions;
        return this;
    }

    private static IEnumerable<(RegoValue Key, RegoValue Value)> Named(RegoObject bindings)
    {
        var members = new List<(RegoValue Key, RegoValue Value)>();
        for (var i = 0; i < bindings.Count; i++)
        {
            if (bindings.Keys[i] is RegoString { Value: var name } && name != ValueName && !name.StartsWith("__", StringComparison.Ordinal) && !name.StartsWith('$'))
            {
                members.Add((bindings.Keys[i], bindings.Values[i]));
            }
        }

        return members;
    }
}
