// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego;

namespace Coco.Fuzz.Targets;

/// <summary>Any text as a module, evaluated with small limits: ends with a value or a fault, and explained with the same answer.</summary>
public sealed class RegoEvaluatorTarget : IFuzzTarget
{
    private static readonly RegoLimits Limits = new(MaxSteps: 20_000, MaxValues: 20_000, MaxOutputLength: 100_000);
    private static readonly RegoValue Input = RegoValue.ParseJson("""{"xs":[1,"a",null,{"k":[true]}],"x":{"a":1},"s":"text","snp":{"measurement":"m"}}""").Require();

    private static readonly Dictionary<string, RegoHostFunction> Functions = new()
    {
        ["query_reference_value"] = static a => a[0] is RegoString { Value: "m" } ? RegoArray.Of("m") : RegoValue.Null,
    };

    /// <inheritdoc/>
    public string Name => "rego-evaluator";

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Seeds => RegoSources.All;

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<byte> input)
    {
        if (!RegoProgram.Compile(Encoding.UTF8.GetString(input), "fuzz.rego").TryGet(out RegoProgram? program, out _))
        {
            return;
        }

        RegoEvaluation fast = program.Evaluate("data", Input, limits: Limits, functions: Functions);
        RegoEvaluation explained = program.Evaluate("data", new RegoRequest { Input = Input, Limits = Limits, Functions = Functions, Explain = true });
        if (fast.Fault?.Code == RegoErrorCodes.Internal || explained.Fault?.Code == RegoErrorCodes.Internal)
        {
            throw new InvalidOperationException((fast.Fault ?? explained.Fault)!.ToString());
        }

        // With an explanation all clauses are tried, so that it may reach a limit or find a conflict that the index spares.
        if (fast.Fault is null && explained.Fault is null && fast.Value != explained.Value)
        {
            throw new InvalidOperationException($"{fast.Value} explained as {explained.Value}");
        }

        explained.Explanation?.ToText();
    }
}
