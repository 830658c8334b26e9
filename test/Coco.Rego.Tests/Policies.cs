// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests;

/// <summary>Short ways to compile and evaluate in tests.</summary>
internal static class Policies
{
    internal static RegoProgram Compile(string source, RegoCompileOptions? options = null)
    {
        RegoCompilation compilation = new RegoCompiler(options).Add("test.rego", source).Compile();
        Assert.True(compilation.Program is not null, string.Join('\n', compilation.Errors));
        return compilation.Program!;
    }

    internal static RegoDiagnostic[] Errors(string source, RegoCompileOptions? options = null)
    {
        RegoCompilation compilation = new RegoCompiler(options).Add("test.rego", source).Compile();
        Assert.Null(compilation.Program);
        return [.. compilation.Errors];
    }

    internal static RegoValue Json(string text) => RegoValue.ParseJson(text).Require();

    /// <summary>The value as JSON, or <c>undefined</c>, or the code of the fault.</summary>
    internal static string Outcome(RegoEvaluation evaluation) => evaluation.Outcome switch
    {
        RegoOutcome.Value => evaluation.Value!.ToJson(),
        RegoOutcome.Fault => evaluation.Fault!.Code,
        RegoOutcome.NeedsData => "needs " + string.Join(',', evaluation.Missing),
        _ => "undefined",
    };

    internal static string Evaluate(string source, string path = "data.test.p", string? input = null, string? data = null) =>
        Outcome(Compile(source).Evaluate(path, input is null ? null : Json(input), data is null ? null : Json(data)));
}
