// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Tests;

public sealed class BindingTests
{
    private static readonly byte[] Digest = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    [Fact]
    public void Check_BindingLeftUnsetOrEmpty_RefusesEveryValue()
    {
        Binding[] bindings = [default, Binding.ToDigest(default), Binding.ToRaw(default)];
        foreach (Binding binding in bindings)
        {
            Assert.NotNull(binding.Check(new byte[64]));
            Assert.NotNull(binding.CheckExactly([]));
            Assert.NotNull(binding.CheckExactly(new byte[64]));
        }
    }

    [Fact]
    public void Check_NotChecked_AcceptsEveryValue()
    {
        Assert.Null(Binding.NotChecked.Check([1]));
        Assert.Null(Binding.NotChecked.CheckExactly([1]));
    }

    [Fact]
    public void Check_ShorterThanTheRegister_IsPaddedWithZeros()
    {
        byte[] register = [.. Digest, .. new byte[32]];
        byte[] tail = [.. register];
        tail[63] = 1;

        Assert.Null(Binding.ToDigest(Digest).Check(register));
        Assert.Null(Binding.ToRaw(Digest).Check(register));
        Assert.NotNull(Binding.ToDigest(Digest).Check(tail));
        Assert.NotNull(Binding.ToRaw(Digest).Check(tail));
        Assert.NotNull(Binding.ToDigest(Digest).CheckExactly(register));
        Assert.Null(Binding.ToDigest(Digest).CheckExactly(Digest));
    }

    [Fact]
    public void Check_LongerThanTheRegister_IsCutForDigestsOnly()
    {
        byte[] long64 = [.. Digest, .. Digest];

        Assert.Null(Binding.ToDigest(long64).Check(Digest));
        Assert.NotNull(Binding.ToRaw(long64).Check(Digest));
        Assert.Null(Binding.ToRaw(Digest).Check(Digest));
    }

    [Fact]
    public void Check_RegisterTooShortForADigest_IsRefused()
    {
        Assert.NotNull(Binding.ToDigest(Digest).Check(Digest.AsSpan(0, 8)));
    }

    [Fact]
    public void CheckReportDataExactly_Alternatives_AreTriedInTurn()
    {
        var bound = new BoundEvidence(null!, Binding.ToDigest(Digest), Binding.NotChecked) { AlternativeReportData = [Binding.ToDigest(new byte[] { 1 }), Binding.ToDigest(new byte[] { 2 })] };

        Assert.Null(bound.CheckReportDataExactly(Digest));
        Assert.Null(bound.CheckReportDataExactly([2]));
        Assert.NotNull(bound.CheckReportDataExactly([3]));
        Assert.NotNull(bound.CheckReportDataExactly([2, 0]));
    }
}
