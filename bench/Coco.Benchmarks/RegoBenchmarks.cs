// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Coco.Rego;

namespace Coco.Benchmarks;

/// <summary>Policies: a default appraisal, compilation, and look-ups in small and large data.</summary>
public class RegoBenchmarks : IFigures
{
    private const int Policies = 100;

    private readonly string[] _small = [.. Enumerable.Range(0, Policies).Select(SmallPolicy)];
    private RegoProgram _appraisal = null!;
    private RegoProgram _lookup = null!;
    private RegoProgram _ruleLookup = null!;
    private byte[] _claimsJson = [];
    private RegoValue _claims = RegoValue.Null;
    private RegoValue _fewRows = RegoValue.Null;
    private RegoValue _manyRows = RegoValue.Null;
    private RegoValue _row = RegoValue.Null;
    private Dictionary<string, RegoHostFunction> _functions = [];

    /// <inheritdoc/>
    public static string Group => "rego";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("rego-default-cpu-snp-40-claims", run.Nanoseconds(nameof(Appraise)) / 1000, "microseconds", 60);
        yield return new Figure("rego-default-cpu-snp-40-claims-memory", run.Bytes(nameof(Appraise)) / 1024, "KiB", 24);
        yield return new Figure("rego-default-cpu-snp-40-claims-from-json", run.Nanoseconds(nameof(AppraiseJson)) / 1000, "microseconds", null);
        yield return new Figure("rego-default-cpu-explained", run.Nanoseconds(nameof(Explain)) / 1000, "microseconds", null);
        yield return new Figure("rego-small-policies-compiled", run.PerSecond(nameof(CompileSmall)) * Policies, "per-second", 1000);
        yield return new Figure("rego-lookup-1000-rows", run.Nanoseconds(nameof(LookupFew)) / 1000, "microseconds", null);
        yield return new Figure("rego-lookup-100000-rows", run.Nanoseconds(nameof(LookupMany)) / 1000, "microseconds", 2 * run.Nanoseconds(nameof(LookupFew)) / 1000);
        yield return new Figure("rego-lookup-10000-rules", run.Nanoseconds(nameof(LookupRules)) / 1000, "microseconds", null);
    }

    /// <summary>Compiles the policies and makes the data.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _appraisal = RegoProgram.Compile(RegoBenchPolicy.DefaultCpu, "default_cpu.rego").Require();
        _lookup = RegoProgram.Compile(
            """
            package policy

            default allow := false

            allow if {
                row := data.rows[input.id]
                row.owner == input.owner
                row.level >= 3
            }
            """,
            "lookup.rego").Require();
        _ruleLookup = RegoProgram.Compile(ManyRules(10_000), "rules.rego").Require();
        _claimsJson = Encoding.UTF8.GetBytes(RegoBenchPolicy.SnpClaims);
        _claims = RegoValue.ParseJson(_claimsJson).Require();
        _fewRows = Rows(1_000);
        _manyRows = Rows(100_000);
        _row = RegoValue.ParseJson("""{"id": "row-997", "owner": "owner-997"}""").Require();
        Dictionary<string, RegoValue> values = RegoBenchPolicy.ReferenceValues;
        _functions = new Dictionary<string, RegoHostFunction>
        {
            ["query_reference_value"] = arguments => values.GetValueOrDefault(((RegoString)arguments[0]).Value, RegoValue.Null),
        };
        RegoEvaluation evaluation = Appraise();
        if (evaluation.Value?.ToJson() is not { } vector || !vector.Contains("\"hardware\":2", StringComparison.Ordinal) || !LookupMany().IsTrue || !LookupRules().IsTrue)
        {
            throw new InvalidOperationException("the policies do not do what is measured: " + evaluation);
        }
    }

    /// <summary>The two questions that an appraisal asks, with claims that are values already.</summary>
    [Benchmark]
    public RegoEvaluation Appraise()
    {
        _appraisal.Evaluate("data.policy.extensions", _claims, functions: _functions);
        return _appraisal.Evaluate("data.policy.trust_claims", _claims, functions: _functions);
    }

    /// <summary>The same from the JSON text of the claims.</summary>
    [Benchmark]
    public RegoEvaluation AppraiseJson()
    {
        RegoValue claims = RegoValue.ParseJson(_claimsJson).Require();
        _appraisal.Evaluate("data.policy.extensions", claims, functions: _functions);
        return _appraisal.Evaluate("data.policy.trust_claims", claims, functions: _functions);
    }

    /// <summary>With the explanation of all that did not hold.</summary>
    [Benchmark]
    public RegoEvaluation Explain() =>
        _appraisal.Evaluate("data.policy.trust_claims", new RegoRequest { Input = _claims, Functions = _functions, Explain = true });

    /// <summary>Compiles a hundred policies.</summary>
    [Benchmark]
    public int CompileSmall()
    {
        int compiled = 0;
        foreach (string policy in _small)
        {
            compiled += RegoProgram.Compile(policy, "small.rego").TryGet(out _, out _) ? 1 : 0;
        }

        return compiled;
    }

    /// <summary>One row of a thousand.</summary>
    [Benchmark]
    public RegoEvaluation LookupFew() => _lookup.Evaluate("data.policy.allow", _row, _fewRows);

    /// <summary>One row of a hundred thousand.</summary>
    [Benchmark]
    public RegoEvaluation LookupMany() => _lookup.Evaluate("data.policy.allow", _row, _manyRows);

    /// <summary>One rule of ten thousand, each for one value of the input.</summary>
    [Benchmark]
    public RegoEvaluation LookupRules() => _ruleLookup.Evaluate("data.policy.allow", _row);

    private static RegoValue Rows(int count)
    {
        var rows = new (RegoValue, RegoValue)[count];
        for (int i = 0; i < count; i++)
        {
            rows[i] = ("row-" + i.ToString(CultureInfo.InvariantCulture), RegoObject.Of(("owner", "owner-" + i.ToString(CultureInfo.InvariantCulture)), ("level", i % 7)));
        }

        return RegoObject.Of(("rows", RegoObject.Of(rows)));
    }

    private static string SmallPolicy(int number) =>
        $$"""
        package policy

        default allow := false

        allow if {
            input.submods.cpu0["ear.status"] == "affirming"
            input.repository == "repository-{{number}}"
            some name in allowed
            name == data["resource-path"][2]
        }

        allowed := {"key", "certificate", "configuration"}
        """;

    private static string ManyRules(int count)
    {
        var text = new StringBuilder("package policy\n\ndefault allow := false\n\n");
        for (int i = 0; i < count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"allow if {{\n  input.id == \"row-{i}\"\n  input.owner == \"owner-{i}\"\n}}\n\n");
        }

        return text.ToString();
    }
}
