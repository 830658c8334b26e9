// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Files and what came of compiling them.</summary>
internal sealed record PolicySet(PolicyFiles Files, RegoCompilation Compilation)
{
    /// <summary>The program.</summary>
    /// <exception cref="CommandFailedException">The modules do not compile; the message has one line for each error.</exception>
    public RegoProgram Program => Compilation.Program
        ?? throw new CommandFailedException(string.Join(Environment.NewLine, Compilation.Errors), ExitCode.Refused);
}
