// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Run_UnknownCommand_ExitsWithOneAndSaysWhatOnStandardError()
    {
        CocoRun run = await CocoProcess.RunAsync(["no-such-command"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no-such-command", run.Error);
    }

    [Fact]
    public async Task Run_Help_ExitsWithZero()
    {
        CocoRun run = await CocoProcess.RunAsync(["--help"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Coco", run.Output);
    }
}
