// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli.Tests.Provenance;

public sealed class InTotoCommandTests
{
    [Fact]
    public async Task InTotoVerify_WithoutArguments_ExitsWithTwoAndShowsTheUsage()
    {
        CocoRun run = await CocoProcess.RunAsync(["in-toto", "verify"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("usage: in-toto verify", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InTotoVerify_MissingLayout_ExitsWithOne()
    {
        string directory = Directory.CreateTempSubdirectory("coco-cli-").FullName;

        CocoRun run = await CocoProcess.RunAsync(["in-toto", "verify", "-l", "root.layout", "-k", "a.pub", "-t", "rsa", "-v"], workingDirectory: directory);

        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public async Task Rvps_ProviderThatIsNotThere_ExitsWithOneAndSaysWhy()
    {
        CocoRun run = await CocoProcess.RunAsync(["rvps", "query", "-a", "http://127.0.0.1:9", "-r", "x"]);

        Assert.Equal(1, run.ExitCode);
        Assert.NotEmpty(run.Error);
    }
}
