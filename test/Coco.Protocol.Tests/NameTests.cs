// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol.Tests;

/// <summary>Names on the wire: of resources (kbs.md 1.3) and of TEEs (kbs.md 2.1).</summary>
public sealed class NameTests
{
    [Theory]
    [InlineData("default/1/2", true)]
    [InlineData("repo/type/tag", true)]
    [InlineData("123--_default/1Abff-_/___-afds44BC", true)]
    [InlineData("1.ok/2ok./3...", true)]
    [InlineData("/1/2", false)]
    [InlineData("/repo/type/tag", false)]
    [InlineData("1/2", false)]
    [InlineData(".1.ok/2ok./3...", false)]
    [InlineData("1.ok/.2ok./3...", false)]
    [InlineData("1.ok/2ok./.3...", false)]
    [InlineData("repo/type/tag\n", false)]
    [InlineData("repo/type/tag\0", false)]
    [InlineData("repo/type/täg", false)]
    [InlineData("repo/type/١", false)]
    [InlineData("a/b/c/d", false)]
    [InlineData("a//c", false)]
    [InlineData("", false)]
    public void ResourcePath_OfTheReferencesCases_IsJudgedAlike(string name, bool good) =>
        Assert.Equal(good, ResourcePath.Parse(name).TryGet(out _, out _));

    [Theory]
    [InlineData("azsnpvtpm", "az-snp-vtpm")]
    [InlineData("aztdxvtpm", "az-tdx-vtpm")]
    [InlineData("az-snp-vtpm", "az-snp-vtpm")]
    [InlineData("se", "se")]
    public void Tee_UnderAFormerName_IsWrittenUnderTodays(string read, string written)
    {
        Assert.True(TeeTypes.TryParse(read, out TeeType tee));
        Assert.Equal(written, tee.ToWireName());
    }

    [Theory]
    [InlineData("TDX")]
    [InlineData("intel-tdx")]
    [InlineData("sev")]
    public void Tee_ThatNobodyCallsSo_IsUnknown(string name) => Assert.False(TeeTypes.TryParse(name, out _));
}
