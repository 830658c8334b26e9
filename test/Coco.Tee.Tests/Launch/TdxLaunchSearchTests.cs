// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Tee.Launch;

namespace Coco.Tee.Tests.Launch;

/// <summary>Registers of a TD whose inputs differ from the expected ones; the search has to name what differs.</summary>
public sealed class TdxLaunchSearchTests
{
    private const string Line = "console=hvc0 root=/dev/vda ro";

    private static readonly (string, ReadOnlyMemory<byte>)[] Initrds = [("initrd", Encoding.ASCII.GetBytes("an initrd")), ("initrd.old", Encoding.ASCII.GetBytes("another"))];

    [Theory]
    [InlineData(TdxPageOrder.PageByPage, 0, "")]
    [InlineData(TdxPageOrder.SectionBySection, 0, "when the host measures section by section (kernels before TDX was merged)")]
    [InlineData(TdxPageOrder.PageByPage, 1, "with the firmware old.fd")]
    public void FindMrTd_OtherFirmwareOrOrder_IsNamed(TdxPageOrder order, int firmware, string change)
    {
        byte[] image = TdxMeasurementTests.MakeImage(), old = [.. image];
        old[5] ^= 1;
        (string, ReadOnlyMemory<byte>)[] known = [("ovmf.fd", image), ("old.fd", old)];
        byte[] value = [.. TdxMeasurement.ComputeMrTd(known[firmware].Item2, order).Require()];

        LaunchMatch match = Assert.Single(TdxLaunchSearch.FindMrTd(value, known, TdxPageOrder.PageByPage));

        Assert.Equal(change, string.Join('|', match.Changes));
    }

    [Fact]
    public void FindRtmr1_OtherKernelOrNone_IsNamed()
    {
        byte[] kernel = TdxMeasurementTests.MakeExecutable(0), other = [.. kernel];
        other[0x210] ^= 1;
        (string, ReadOnlyMemory<byte>)[] known = [("vmlinuz", kernel), ("vmlinuz.old", other)];
        byte[] value = [.. TdxMeasurement.ComputeRtmr1(other).Require()];

        Assert.Equal(["with the kernel vmlinuz.old"], Assert.Single(TdxLaunchSearch.FindRtmr1(value, known)).Changes);
        Assert.Equal(["when the firmware starts no kernel directly: nothing is measured into it"], Assert.Single(TdxLaunchSearch.FindRtmr1(new byte[48], known)).Changes);
        value[0] ^= 1;
        Assert.Empty(TdxLaunchSearch.FindRtmr1(value, known));
    }

    [Theory]
    [InlineData(Line, 0, true, "")]
    [InlineData(Line + "\n", 0, true, "when the command line ends in a newline")]
    [InlineData("console=hvc0 ro", 0, true, "without 'root=/dev/vda' in the command line")]
    [InlineData(Line, 1, true, "with the initrd initrd.old")]
    [InlineData(Line, -1, true, "without the initrd")]
    [InlineData(Line, 0, false, "when the firmware does not add initrd=initrd to the command line")]
    [InlineData("\"" + Line + "\"", 1, true, "with the initrd initrd.old|when the command line stands in double quotes")]
    public void FindRtmr2_OtherLineOrInitrd_IsNamed(string line, int initrd, bool names, string change)
    {
        ReadOnlyMemory<byte>? disk = initrd < 0 ? (ReadOnlyMemory<byte>?)null : Initrds[initrd].Item2;
        byte[] value = [.. TdxMeasurement.ComputeRtmr2(line, disk, names)];

        LaunchMatch match = Assert.Single(TdxLaunchSearch.FindRtmr2(value, Line, Initrds));

        Assert.Equal(change, string.Join('|', match.Changes));
    }
}
