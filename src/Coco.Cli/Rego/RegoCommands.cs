// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;

namespace Coco.Cli.Rego;

/// <summary>The commands <c>coco rego …</c>: evaluate, check, test, format, measure and explain policies.</summary>
internal static class RegoCommands
{
    /// <summary>The group.</summary>
    public static Command Build() => new("rego", "Evaluate, check, test, format, measure and explain policies")
    {
        EvalCommand.Build(),
        ExplainCommand.Build(),
        CheckCommand.Build(),
        TestCommand.Build(),
        FormatCommand.Build(),
        BenchCommand.Build(),
    };
}
