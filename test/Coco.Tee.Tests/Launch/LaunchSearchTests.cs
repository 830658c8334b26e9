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

    private static readonly LaunchInputs Inputs = new()
    {
        Firmware = [("ovmf.fd", Firmware)],
        Kernels = [("vmlinuz", Kernel), ("vmlinuz.old", OtherKernel)],
        Initrds = [("initrd", Initrd)],
        CommandLine = "console=ttyS0 root=/dev/vda1 ro panic=0 agent.log=debug",
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
    [InlineData(LaunchKind.SevEs)]
    [InlineData(LaunchKind.Snp)]
    public void Find_RandomSingleChange_IsNamed(LaunchKind kind)
    {
        var random = new Random(kind == LaunchKind.Snp ? 11 : 12);
        for (int i = 0; i < 100; i++)
        {
            (byte[] digest, string words) = Change(kind, random);

            LaunchMatch match = Assert.Single(Find(kind, digest));

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

    private static (byte[] Digest, string Words) Change(LaunchKind kind, Random random)
    {
        string line = Inputs.CommandLine;
        string[] words = line.Split(' ');
        LaunchOptions options = Inputs.Options;
        switch (random.Next(kind == LaunchKind.Snp ? 9 : 8))
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
                return (Digest(kind, line + "\n", options, Kernel, Initrd), "when the command line ends in a newline");
            case 4:
                int at = random.Next(words.Length);
                return (Digest(kind, string.Join(' ', words.Where((_, n) => n != at)), options, Kernel, Initrd), $"without '{words[at]}' in the command line");
            case 5:
                return (Digest(kind, line, options, OtherKernel, Initrd), "with the kernel vmlinuz.old");
            case 6:
                return (Digest(kind, line, options, Kernel, []), "without the initrd");
            case 7:
                at = random.Next(words.Length - 1);
                string[] exchanged = [.. words];
                (exchanged[at], exchanged[at + 1]) = (exchanged[at + 1], exchanged[at]);
                return (Digest(kind, string.Join(' ', exchanged), options, Kernel, Initrd), $"with '{words[at]}' and '{words[at + 1]}' exchanged in the command line");
            default:
                return (Digest(kind, line, options with { GuestFeatures = 0x21 }, Kernel, Initrd), "with guest features 0x21");
        }
    }

    private static byte[] Digest(LaunchKind kind, string line, LaunchOptions options, byte[] kernel, byte[] initrd)
    {
        options = options with { Kernel = SevKernelHashes.Of(kernel, initrd, line) };
        return (kind switch
        {
            LaunchKind.Sev => SevLaunch.Sev(Firmware, options),
            LaunchKind.SevEs => SevLaunch.SevEs(Firmware, options),
            _ => SnpLaunch.Snp(Firmware, options),
        }).Require();
    }
}
