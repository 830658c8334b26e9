// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Testing;

namespace Coco.Cli.Tests.Measure;

/// <summary>PCR 11 of a unified kernel image, beside systemd's own calculator.</summary>
public sealed class UnifiedKernelImageTests : IDisposable
{
    private const string Calculator = "/usr/lib/systemd/systemd-measure";

    private readonly string _folder = Directory.CreateTempSubdirectory("coco").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(".linux", ".osrel", ".cmdline", ".initrd")]
    [InlineData(".linux", ".cmdline")]
    [InlineData(".pcrpkey", ".initrd", ".splash", ".linux", ".dtb")]
    public async Task Tpm_Pcr11_IsWhatSystemdCalculates(params string[] names)
    {
        Assert.SkipUnless(File.Exists(Calculator), "systemd-measure is not installed");
        (string Name, byte[] Content)[] sections = [.. names.Select((n, i) => (n, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(n, 100 + i)))))];
        string image = Path.Combine(_folder, "uki.efi");
        await File.WriteAllBytesAsync(image, PortableExecutables.Make([.. sections, (".text", [1, 2, 3]), (".pcrsig", [4])]));
        JsonArray expected = await CalculateAsync(sections);

        CocoRun first = await CocoProcess.RunAsync(["measure", "tpm", "--uki", image]);
        CocoRun last = await CocoProcess.RunAsync(["measure", "tpm", "--uki", image, "--phase", "enter-initrd", "--phase", "leave-initrd"]);

        Assert.Equal((string)expected[0]!["hash"]!, first.Output.Trim());
        Assert.Equal((string)expected[1]!["hash"]!, last.Output.Trim());
    }

    private async Task<JsonArray> CalculateAsync((string Name, byte[] Content)[] sections)
    {
        var info = new ProcessStartInfo(Calculator) { RedirectStandardOutput = true };
        foreach ((string name, byte[] content) in sections)
        {
            string path = Path.Combine(_folder, name[1..]);
            await File.WriteAllBytesAsync(path, content);
            info.ArgumentList.Add($"--{name[1..]}={path}");
        }

        foreach (string word in (string[])["--bank=sha256", "--json=short", "--phase=", "--phase=enter-initrd:leave-initrd", "calculate"])
        {
            info.ArgumentList.Add(word);
        }

        using Process process = Process.Start(info)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return JsonNode.Parse(output)!["sha256"]!.AsArray();
    }
}
