// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task Demo_GenuineGuestGetsItsSecret_AndFourImpostorsDoNot()
    {
        string output = await ServerProcess.RunAsync(TrusteeProcess.Program("Coco.Cli", "coco"), ["demo"]);

        Assert.Contains("the secret, byte for byte", output);
        Assert.Equal(4, output.Split("Impostor:").Length - 1);
        Assert.Equal(4, output.Split("refused. The impostor sees:").Length - 1);
        Assert.Equal(4, output.Split("(decision ").Length - 1);
        Assert.DoesNotContain("BAD", output);
        Assert.DoesNotContain("correct horse", output);
    }

    [Fact]
    public async Task Demo_SaysOfEachImpostorWhatWasWrong()
    {
        string output = await ServerProcess.RunAsync(TrusteeProcess.Program("Coco.Cli", "coco"), ["demo"]);

        string[] seen = [.. output.Split('\n').Where(l => l.Contains("The administrator sees:", StringComparison.Ordinal))];
        Assert.Contains("snp_launch_measurement", seen[0]);
        Assert.Contains("report data", seen[1], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("debug", seen[2]);
        Assert.Contains("report data", seen[3], StringComparison.OrdinalIgnoreCase);
    }
}
