// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli;

/// <summary>Ends a command with one line on standard error and an exit code; no stack trace reaches the user.</summary>
internal sealed class CommandFailedException(string message, int exitCode = ExitCode.UsageOrIo) : Exception(message)
{
    /// <summary>What the process exits with.</summary>
    public int ExitCode { get; } = exitCode;
}
