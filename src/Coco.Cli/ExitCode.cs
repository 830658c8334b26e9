// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli;

/// <summary>Exit codes that all commands share.</summary>
internal static class ExitCode
{
    /// <summary>Done; evidence genuine; tests passed.</summary>
    public const int Success = 0;

    /// <summary>Wrong usage, or a file or server could not be reached.</summary>
    public const int UsageOrIo = 1;

    /// <summary>The answer is no: evidence refused, policy said no, a test failed.</summary>
    public const int Refused = 2;
}
