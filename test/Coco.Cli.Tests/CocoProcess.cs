// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.Cli.Tests;

/// <summary>Runs the real <c>coco</c> binary that was built beside the tests.</summary>
public static class CocoProcess
{
    /// <summary>Runs it to its end and gives what it said.</summary>
    public static async Task<CocoRun> RunAsync(string[] args, string? standardInput = null, string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "coco"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingDirectory ?? Environment.CurrentDirectory,
        };
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (standardInput is not null)
        {
            await process.StandardInput.WriteAsync(standardInput);
        }

        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(limit.Token);
        return new CocoRun(process.ExitCode, await output, await error);
    }
}

/// <summary>What a run of <c>coco</c> gave.</summary>
public sealed record CocoRun(int ExitCode, string Output, string Error);
