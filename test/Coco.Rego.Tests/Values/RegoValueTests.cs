// SPDX-License-Identifier: Apache-2.0
using CsCheck;

namespace Coco.Rego.Tests.Values;

public sealed class RegoValueTests
{
    [Fact]
    public void CompareTo_AllKinds_FollowsTheOrderOfTypes()
    {
        RegoValue[] ascending =
        [
            RegoValue.Null, false, true, -1, 0, 1, "", "a", "b", RegoArray.Empty, RegoArray.Of(1), RegoArray.Of(1, 2), RegoArray.Of(2),
            RegoObject.Empty, RegoObject.Of(("a", 1)), RegoObject.Of(("a", 2)), RegoSet.Empty, RegoSet.Of(1),
        ];

        for (int i = 0; i < ascending.Length; i++)
        {
            for (int j = 0; j < ascending.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), Math.Sign(ascending[i].CompareTo(ascending[j])));
                Assert.Equal(i == j, ascending[i].Equals(ascending[j]));
            }
        }
    }

    [Fact]
    public void CompareTo_Strings_IsByCodePoint() => Assert.True((RegoValue)"\uFFFD" < "\U00010000");

    [Fact]
    public void ParseJson_ToJson_RoundTripsCanonically()
    {
        RegoValue value = RegoValue.ParseJson("""{"b":[1,2.50,"x",null,true],"a":123456789012345678901234567890,"b2":{}}""").Require();

        Assert.Equal("""{"a":123456789012345678901234567890,"b":[1,2.5,"x",null,true],"b2":{}}""", value.ToJson());
        Assert.Equal(value, RegoValue.FromJson(value.ToJsonNode()));
    }

    [Fact]
    public void ParseJson_DuplicateMember_LastWins() => Assert.Equal("""{"a":2}""", RegoValue.ParseJson("""{"a":1,"a":2}""").Require().ToJson());

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("1 2")]
    [InlineData("[1,]")]
    [InlineData("nul")]
    public void ParseJson_Malformed_IsRefused(string text) =>
        Assert.Equal(RefusalCode.Malformed, RegoValue.ParseJson(text).Refusal!.Code);

    [Fact]
    public void ParseJson_TooDeep_IsRefused() =>
        Assert.Equal(RefusalCode.Malformed, RegoValue.ParseJson(new string('[', 5000) + new string(']', 5000)).Refusal!.Code);

    [Fact]
    public void ToString_Collections_IsRegoNotation() =>
        Assert.Equal("""[1, "a", {"k": {1, 2}}, set()]""", RegoArray.Of(1, "a", RegoObject.Of(("k", RegoSet.Of(2, 1, 2))), RegoSet.Empty).ToString());

    [Fact]
    public void Object_ManyKeys_FindsEachOfThem() =>
        Gen.Int[0, 5000].Array[0, 300].Sample(numbers =>
        {
            RegoObject o = RegoObject.Adopt([.. numbers.Select(n => (RegoValue)n)], [.. numbers.Select(n => (RegoValue)(n + 1))]);

            Assert.Equal(numbers.Distinct().Count(), o.Count);
            Assert.All(numbers, n => Assert.Equal(n + 1, o.TryGetValue(n, out RegoValue? v) ? v : RegoValue.Null));
            Assert.False(o.TryGetValue(-1, out _));
            Assert.Equal(numbers.Append(9999).Distinct().Count(), o.With(9999, 1).Count);
        });

    [Fact]
    public void SetOperations_AnyMembers_MatchHashSet() =>
        Gen.Select(Gen.Int[0, 40].Array[0, 40], Gen.Int[0, 40].Array[0, 40]).Sample((a, b) =>
        {
            RegoSet x = RegoSet.Of([.. a.Select(n => (RegoValue)n)]), y = RegoSet.Of([.. b.Select(n => (RegoValue)n)]);

            Assert.Equal(RegoSet.Of([.. a.Union(b).Select(n => (RegoValue)n)]), x.Union(y));
            Assert.Equal(RegoSet.Of([.. a.Intersect(b).Select(n => (RegoValue)n)]), x.Intersect(y));
            Assert.Equal(RegoSet.Of([.. a.Except(b).Select(n => (RegoValue)n)]), x.Except(y));
        });
}
