// SPDX-License-Identifier: Apache-2.0
namespace Coco.Core.Tests.Refusals;

public sealed class ResultTests
{
    [Fact]
    public void Default_IsRefusal()
    {
        Result<int> result = default;

        Assert.False(result.TryGet(out _, out Refusal? refusal));
        Assert.Equal(RefusalCode.Malformed, refusal.Code);
    }

    [Fact]
    public void Value_IsGiven()
    {
        Result<int> result = 7;

        Assert.True(result.TryGet(out int value, out _));
        Assert.Equal(7, value);
    }
}
