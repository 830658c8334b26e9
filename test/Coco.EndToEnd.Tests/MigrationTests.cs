// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary><c>trustee migrate</c>, killed in the middle and begun again.</summary>
public sealed class MigrationTests : IDisposable
{
    private const int Values = 3000;

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-migrate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Migrate_KilledInTheMiddle_GoesOnAndCopiesEverything()
    {
        string files = Path.Combine(_folder, "files"), back = Path.Combine(_folder, "back");
        Directory.CreateDirectory(Path.Combine(files, "repository"));
        for (int i = 0; i < Values; i++)
        {
            File.WriteAllText(Path.Combine(files, "repository", $@"a\x2Fb\x2F{i}"), "value " + i);
        }

        string program = TrusteeProcess.Program("Coco.Trustee", "trustee");
        string[] there = ["migrate", "--from", "local_fs:" + files, "--to", "sqlite:" + Path.Combine(_folder, "target.db")];
        await using (ServerProcess first = ServerProcess.Start(program, there))
        {
            await Poll.UntilAsync(() => Task.FromResult(first.Process.HasExited || File.Exists(Path.Combine(_folder, "target.db-wal")) && new FileInfo(Path.Combine(_folder, "target.db-wal")).Length > 1 << 20), "some values", TimeSpan.FromSeconds(60));
            await first.KillAsync();
        }

        string second = await ServerProcess.RunAsync(program, there);
        string third = await ServerProcess.RunAsync(program, there);
        await ServerProcess.RunAsync(program, ["migrate", "--from", "sqlite:" + Path.Combine(_folder, "target.db"), "--to", "local_fs:" + back]);

        string report = second.Split('\n').Single(l => l.Contains(" copied, ", StringComparison.Ordinal) && l.EndsWith(" left", StringComparison.Ordinal));
        int[] counts = [.. report.Split(' ').Where(w => int.TryParse(w, out _)).Select(int.Parse)];
        Assert.Equal(Values, counts[0] + counts[1]);
        Assert.True(counts[1] > 0, "nothing was there when it began again: " + report);
        Assert.Contains($"0 copied, {Values} there already, 0 left", third);
        Assert.Contains("repository: ", second);
        Assert.All(Enumerable.Range(0, Values), i => Assert.Equal("value " + i, File.ReadAllText(Path.Combine(back, "repository", $@"a\x2Fb\x2F{i}"))));
    }
}
