// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Tee.Launch;

namespace Coco.Tee.Tests.Launch;

/// <summary>Digests of inputs that differ from the expected ones in a random way; the search has to name what differs.</summary>
public sealed class LaunchSearchTests
{
    private static readonly OvmfFirmware Firmware = OvmfFirmware.Parse(LaunchDigestTests.MakeImage()).Require();
    private static readonly byte[] Kernel = Encoding.ASCII.GetBytes("a kernel");
    private static readonly byte[] OtherKernel = Encoding.ASCII.GetBytes("another kernel");
    private static readonly byte[] Initrd = Encoding.ASCII.GetBytes("an initrd");
    private static readonly byte[] OtherInitrd = Encoding.ASCII.GetBytes("another initrd");
    private static readonly OvmfFirmware OldFirmware = OvmfFirmware.Parse(MakeOldFirmware()).Require();

    private static readonly LaunchInputs Inputs = new()
    {
        Firmware = [("ovmf.fd", Firmware), ("ovmf-old.fd", OldFirmware)],
        Kernels = [("vmlinuz", Kernel), ("vmlinuz.old", OtherKernel)],
        Initrds = [("initrd", Initrd), ("initrd.old", OtherInitrd)],
        CommandLine = "console=ttyS0 root=/dev/vda1 ro panic=0 agent.log=trace systemd.setenv=\"A=b\" x='y'",
        Options = new LaunchOptions { Vcpus = 4 },
    };

    [Theory]
    [InlineData(LaunchKind.Sev)]
    [InlineData(LaunchKind.SevEs)]
    [InlineData(LaunchKind.Snp)]
    public void Find_ExpectedDigest_HasNoChange(LaunchKind kind) => Assert.Empty(Assert.Single(Find(kind, Digest(kind, Inputs.CommandLine, Inputs.Options, Kernel, Initrd))).Changes);

    [Fact]
    public void Find_UnknownDigest_FindsNothing() => Assert.Empty(Find(LaunchKind.Snp, new byte[48]));

    [Theory]
    [InlineData(LaunchKind.SevEs, 60)]
    [InlineData(LaunchKind.Snp, 200)]
    public void Find_RandomSingleChange_IsNamed(LaunchKind kind, int count)
    {
        var random = new Random(kind == LaunchKind.Snp ? 11 : 12);
        var kinds = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            (byte[] digest, string words) = Change(kind, random, kinds);

            LaunchMatch match = Assert.Single(Find(kind, digest));

            Assert.Equal(words, Assert.Single(match.Changes));
        }

        Assert.Equal(kind == LaunchKind.Snp ? KindsOfChange : KindsOfChange - 1, kinds.Count);
    }

    /// <summary>Each change of a command line that an editor, a shell, a YAML file or a boot loader makes.</summary>
    [Fact]
    public void Find_EveryChangeOfTheCommandLine_IsNamed()
    {
        string line = Inputs.CommandLine;
        foreach ((string changed, string words) in LineChanges(line))
        {
            LaunchMatch match = Assert.Single(Find(LaunchKind.Sev, Digest(LaunchKind.Sev, changed, Inputs.Options, Kernel, Initrd)));

            Assert.Equal(words, Assert.Single(match.Changes));
        }
    }

    [Fact]
    public void Find_TwoChanges_AreBothNamed()
    {
        byte[] digest = Digest(LaunchKind.Snp, Inputs.CommandLine + "\n", Inputs.Options with { Vcpus = 8 }, Kernel, Initrd);

        LaunchMatch match = Assert.Single(Find(LaunchKind.Snp, digest));

        Assert.Equal(["when the command line ends in a newline", "with 8 vCPUs"], match.Changes);
    }

    private static IReadOnlyList<LaunchMatch> Find(LaunchKind kind, byte[] digest) => LaunchSearch.Find(kind, digest, Inputs, TestContext.Current.CancellationToken);

    private const int KindsOfChange = 15;

    private static (byte[] Digest, string Words) Change(LaunchKind kind, Random random, HashSet<int> kinds)
    {
        string line = Inputs.CommandLine;
        LaunchOptions options = Inputs.Options;
        int what = random.Next(kind == LaunchKind.Snp ? KindsOfChange : KindsOfChange - 1);
        kinds.Add(what);
        switch (what)
        {
            case 0:
                int vcpus = 5 + random.Next(250);
                return (Digest(kind, line, options with { Vcpus = vcpus }, Kernel, Initrd), $"with {vcpus} vCPUs");
            case 1:
                (string name, uint signature) = new[] { ("EPYC-Rome", 0x830F10u), ("EPYC-Milan", 0xA00F11u), ("EPYC-Genoa", 0xA10F10u), ("EPYC-Turin", 0xB00F00u) }[random.Next(4)];
                return (Digest(kind, line, options with { VcpuSignature = signature }, Kernel, Initrd), "with vCPUs of type " + name);
            case 2:
                return (Digest(kind, line, options with { Generation = VmsaGeneration.BeforeLinux610 }, Kernel, Initrd), "on a host with a kernel before Linux 6.10");
            case 3:
                LaunchMonitor monitor = random.Next(2) == 0 ? LaunchMonitor.Ec2 : LaunchMonitor.Gce;
                return (Digest(kind, line, options with { Monitor = monitor }, Kernel, Initrd), $"when launched by {monitor.ToString().ToLowerInvariant()}");
            case 4:
                return (Digest(kind, line, options, OtherKernel, Initrd), "with the kernel vmlinuz.old");
            case 5:
                return (Digest(kind, line, options, Kernel, OtherInitrd), "with the initrd initrd.old");
            case 6:
                return (Digest(kind, line, options, Kernel, []), "without the initrd");
            case 7:
                return (Digest(kind, line, options, Initrd, Kernel), "with kernel and initrd exchanged");
            case 8:
                return (Digest(kind, line, options, Kernel, Initrd, OldFirmware), "with the firmware ovmf-old.fd");
            case 9:
                byte[] noNul = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(line));
                return (Digest(kind, options with { Kernel = SevKernelHashes.Of(Kernel, Initrd, line) with { CommandLine = noNul } }, Firmware), "when the command line is hashed without its terminating NUL");
            case 10:
                return (Digest(kind, options with { Kernel = null }, Firmware), "without measured kernel, initrd and command line");
            case 14:
                int bit = new[] { 5, 6, 8, 13 }[random.Next(4)];
                return (Digest(kind, line, options with { GuestFeatures = 1UL | (1UL << bit) }, Kernel, Initrd), $"with guest features 0x{1UL | (1UL << bit):x}");
            default:
                (string Line, string Words)[] changes = [.. LineChanges(line)];
                (string changed, string words) = changes[random.Next(changes.Length)];
                return (Digest(kind, changed, options, Kernel, Initrd), words);
        }
    }

    private static IEnumerable<(string Line, string Words)> LineChanges(string line)
    {
        yield return (line + "\n", "when the command line ends in a newline");
        yield return (line + "\r\n", "when the command line ends in a carriage return and a newline");
        yield return (line + " ", "when the command line ends in a space");
        yield return (line + "\t", "when the command line ends in a tab");
        yield return (" " + line, "when the command line begins with a space");
        yield return ("\uFEFF" + line, "when the command line begins with a byte order mark");
        yield return (string.Empty, "without the command line");
        yield return ($"\"{line}\"", "when the command line stands in double quotes");
        yield return ($"'{line}'", "when the command line stands in single quotes");
        yield return (line.Replace("\"", "", StringComparison.Ordinal), "when the double quotes in the command line are removed");
        yield return (line.Replace("\"", "\\\"", StringComparison.Ordinal), "when the double quotes in the command line are escaped");
        yield return (line.Replace("\"", "'", StringComparison.Ordinal), "when the double quotes in the command line are single ones");
        yield return (line.Replace("'", "\"", StringComparison.Ordinal), "when the single quotes in the command line are double ones");
        yield return (line.Replace(" ro ", "  ro ", StringComparison.Ordinal), "with two spaces before 'ro' in the command line");
        yield return (line.Replace(" ro ", "\tro ", StringComparison.Ordinal), "with a tab before 'ro' in the command line");
        yield return (line.Replace(" panic=0", "\npanic=0", StringComparison.Ordinal), "with a newline before 'panic=0' in the command line");
        yield return (line.Replace("panic=0", "panic=\"0\"", StringComparison.Ordinal), "with the value of 'panic=0' in double quotes in the command line");
        yield return (line.Replace("panic=0", "\"panic=0\"", StringComparison.Ordinal), "with 'panic=0' in double quotes in the command line");
        yield return (line + " agent.log=debug", "with 'agent.log=debug' at the end of the command line");
        string[] words = line.Split(' ');
        for (int i = 0; i < words.Length; i++)
        {
            yield return (string.Join(' ', words.Where((_, n) => n != i)), $"without '{words[i]}' in the command line");
            if (i + 1 < words.Length)
            {
                string[] exchanged = [.. words];
                (exchanged[i], exchanged[i + 1]) = (exchanged[i + 1], exchanged[i]);
                yield return (string.Join(' ', exchanged), $"with '{words[i]}' and '{words[i + 1]}' exchanged in the command line");
            }
        }
    }

    private static byte[] MakeOldFirmware()
    {
        byte[] image = LaunchDigestTests.MakeImage();
        image[100] ^= 1;
        return image;
    }

    private static byte[] Digest(LaunchKind kind, string line, LaunchOptions options, byte[] kernel, byte[] initrd, OvmfFirmware? firmware = null) =>
        Digest(kind, options with { Kernel = SevKernelHashes.Of(kernel, initrd, line) }, firmware ?? Firmware);

    private static byte[] Digest(LaunchKind kind, LaunchOptions options, OvmfFirmware firmware) => (kind switch
    {
        LaunchKind.Sev => SevLaunch.Sev(firmware, options),
        LaunchKind.SevEs => SevLaunch.SevEs(firmware, options),
        _ => SnpLaunch.Snp(firmware, options),
    }).Require();
}
