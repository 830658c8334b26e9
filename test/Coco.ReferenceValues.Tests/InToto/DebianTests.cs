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
    [InlineData("-l missing.layout -k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/missing.pub")]
    [InlineData("-l root.layout")]
    [InlineData("-k keys/alice.pub")]
    [InlineData("-l root.layout -k keys/alice.pub -t nonsense")]
    [InlineData("-l root.layout -k keys/alice.pub --link-dir nowhere")]
    public async Task Command_ExitCodes_AreThoseOfDebiansTool(string arguments)
    {
        string? vectors = Vectors();
        Assert.SkipUnless(File.Exists(Verify), "in-toto is not installed");
        Assert.SkipUnless(vectors is not null, "no vectors");
        string work = Directory.CreateTempSubdirectory("coco-intoto-").FullName;
        try
        {
            foreach (string folder in Directory.GetDirectories(vectors!).Where(d => File.Exists(Path.Combine(d, "root.layout"))))
            {
                string theirs = Path.Combine(work, Path.GetFileName(folder)), ours = theirs + "-ours";
                Copy(folder, theirs);
                Copy(folder, ours);

                (int expected, string message) = await RunAsync(Verify, arguments.Split(' '), theirs);
                using var error = new StringWriter();
                int code = await InTotoVerifyCommand.RunAsync([.. arguments.Split(' '), "--run-inspections"], ours, TimeProvider.System, TextWriter.Null, error, CancellationToken.None);

                Assert.True(code == expected, $"{folder}: {code}, Debian {expected}\n{error}\n{message}");
            }
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
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
