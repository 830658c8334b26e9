// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Coco.ReferenceValues.InToto;

namespace Coco.ReferenceValues.Tests.InToto;

/// <summary>The same verdicts as Debian's in-toto, which runs beside ours.</summary>
public sealed class DebianTests
{
    private const string Python = "/usr/bin/python3";
    private const string Verify = "/usr/bin/in-toto-verify";

    [Fact]
    public async Task RandomChains_OfDebiansTool_AreJudgedAsItJudges()
    {
        Assert.SkipUnless(File.Exists(Verify), "in-toto is not installed");
        string target = Directory.CreateTempSubdirectory("coco-chains-").FullName;
        try
        {
            string script = Path.Combine(AppContext.BaseDirectory, "InToto", "make_chains.py");
            (int code, string error) = await RunAsync(Python, [script, target, "60", "7"], target);
            Assert.True(code == 0, error);

            var wrong = new List<string>();
            int passed = 0;
            foreach (string folder in Directory.GetDirectories(target).Order(StringComparer.Ordinal))
            {
                string theirs = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "verdict.json"))).RootElement.GetString()!;
                using var output = new StringWriter();
                int ours = await InTotoVerifyCommand.RunAsync(["-l", "root.layout", "-k", "owner.pub", "-t", "ed25519"], folder, TimeProvider.System, TextWriter.Null, output, CancellationToken.None);
                passed += ours == 0 ? 1 : 0;
                if (ours == 0 != (theirs.Length == 0) || !SameReason(theirs, output.ToString()))
                {
                    wrong.Add($"{Path.GetFileName(folder)}: theirs '{theirs}', ours {ours} '{output}'");
                }
            }

            Assert.True(wrong.Count == 0, string.Join('\n', wrong));
            Assert.InRange(passed, 5, 55);
        }
        finally
        {
            Directory.Delete(target, recursive: true);
        }
    }

    [Theory]
    [InlineData("-l root.layout -k keys/alice.pub -t rsa")]
    [InlineData("-l root.layout -k keys/alice.pub keys/bob.pub -t rsa ed25519")]
    public async Task Vectors_AreJudgedAsDebiansToolJudges(string arguments)
    {
        foreach (string folder in Directory.GetDirectories(RequireVectors()).Where(d => File.Exists(Path.Combine(d, "root.layout"))))
        {
            await CompareAsync(folder, arguments.Split(' '));
        }
    }

    [Theory]
    [InlineData("-l missing.layout -k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/missing.pub")]
    [InlineData("-l root.layout")]
    [InlineData("-k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/alice.pub -t nonsense")]
    [InlineData("-l root.layout -k keys/alice.pub -t ed25519")]
    [InlineData("-l root.layout -k keys/alice.pub -t rsa ed25519")]
    [InlineData("-l root.layout -k keys/alice.pub --link-dir nowhere")]
    [InlineData("--layout=root.layout --layout-keys keys/alice.pub --link-dir=.")]
    [InlineData("-lroot.layout -kkeys/alice.pub")]
    [InlineData("--layout root.layout --layout-k keys/alice.pub --key rsa")]
    [InlineData("--lay root.layout -k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/alice.pub -v -q")]
    [InlineData("-l root.layout -k keys/alice.pub -q")]
    [InlineData("-l root.layout -k keys/alice.pub --verbose")]
    [InlineData("-l root.layout -k keys/alice.pub --unknown")]
    [InlineData("-l root.layout -k")]
    [InlineData("-l -k keys/alice.pub")]
    [InlineData("root.layout")]
    [InlineData("--version")]
    [InlineData("-h")]
    public async Task Command_ExitCodes_AreThoseOfDebiansTool(string arguments) =>
        await CompareAsync(Path.Combine(RequireVectors(), "00-valid"), arguments.Split(' '));

    [Fact]
    public async Task LayoutsSignedByGpgKeys_AreJudgedAsDebiansToolJudges()
    {
        Assert.SkipUnless(File.Exists(Verify), "in-toto is not installed");
        Assert.SkipUnless(File.Exists("/usr/bin/gpg"), "gnupg is not installed");
        string target = Directory.CreateTempSubdirectory("coco-gpg-").FullName;
        try
        {
            (int made, string why) = await RunAsync(Python, [Path.Combine(AppContext.BaseDirectory, "InToto", "make_gpg_layouts.py"), target], target);
            Assert.True(made == 0, why);
            string[][] commands = JsonSerializer.Deserialize<string[][]>(await File.ReadAllBytesAsync(Path.Combine(target, "commands.json")))!;

            int passed = 0;
            foreach (string[] command in commands)
            {
                passed += await CompareInPlaceAsync(target, command) == 0 ? 1 : 0;
            }

            Assert.Equal(7, passed);
        }
        finally
        {
            Directory.Delete(target, recursive: true);
        }
    }

    private static string RequireVectors()
    {
        string? vectors = Vectors();
        Assert.SkipUnless(File.Exists(Verify), "in-toto is not installed");
        Assert.SkipUnless(vectors is not null, "no vectors");
        return vectors!;
    }

    private static async Task CompareAsync(string folder, string[] arguments)
    {
        string work = Directory.CreateTempSubdirectory("coco-intoto-").FullName;
        try
        {
            Copy(folder, work);
            await CompareInPlaceAsync(work, arguments);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    // Ours first: Debian's tool leaves the links of its inspections behind.
    private static async Task<int> CompareInPlaceAsync(string folder, string[] arguments)
    {
        using var error = new StringWriter();
        int code = await InTotoVerifyCommand.RunAsync([.. arguments, "--run-inspections"], folder, TimeProvider.System, TextWriter.Null, error, CancellationToken.None);
        (int expected, string message) = await RunAsync(Verify, arguments, folder);
        Assert.True(code == expected, $"{folder} {string.Join(' ', arguments)}: {code}, Debian {expected}\n{error}\n{message}");
        return code;
    }

    // Where both refuse, they refuse for the same kind of reason.
    private static bool SameReason(string theirs, string ours) => theirs.Split(':')[0] switch
    {
        "" => true,
        "LayoutExpiredError" => ours.Contains("in-toto.expiry", StringComparison.Ordinal),
        "LinkNotFoundError" => ours.Contains("in-toto.link", StringComparison.Ordinal),
        "RuleVerificationError" => ours.Contains("in-toto.rule", StringComparison.Ordinal),
        "ThresholdVerificationError" => ours.Contains("in-toto.threshold", StringComparison.Ordinal),
        _ => true,
    };

    private static string? Vectors()
    {
        if (Environment.GetEnvironmentVariable("COCO_VECTORS") is { Length: > 0 } named)
        {
            return Directory.Exists(Path.Combine(named, "in-toto")) ? Path.Combine(named, "in-toto") : null;
        }

        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, "..", "shared", "vectors", "in-toto");
            if (File.Exists(Path.Combine(at.FullName, "Coco.slnx")))
            {
                return Directory.Exists(path) ? Path.GetFullPath(path) : null;
            }
        }

        return null;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static async Task<(int Code, string Error)> RunAsync(string program, string[] arguments, string directory)
    {
        var info = new ProcessStartInfo(program) { WorkingDirectory = directory, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return (process.ExitCode, error);
    }
}
