// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using CsCheck;

namespace Coco.Rego.Tests.Values;

public sealed class RegoNumberTests
{
    [Theory]
    [InlineData("1", "1.0")]
    [InlineData("100", "1e2")]
    [InlineData("0", "-0")]
    [InlineData("0.25", "25e-2")]
    [InlineData("28857836529306024611912", "28857836529306024611912.0")]
    [InlineData("1e25000", "10e24999")]
    public void Equals_SameNumberWrittenDifferently_IsEqualWithEqualHash(string a, string b)
    {
        RegoNumber x = Number(a), y = Number(b);

        Assert.Equal(x, y);
        Assert.Equal(x.GetHashCode(), y.GetHashCode());
        Assert.Equal(0, x.CompareTo(y));
    }

    [Theory]
    [InlineData("28857836529306024611912", "28857836529306024611913")]
    [InlineData("-1e1000000", "1")]
    [InlineData("1", "1e1000000")]
    [InlineData("1e-1000000", "1")]
    [InlineData("0.1", "0.2")]
    [InlineData("9223372036854775807", "9223372036854775808")]
    public void CompareTo_SmallerAndLarger_OrdersThem(string smaller, string larger)
    {
        Assert.True(Number(smaller) < Number(larger));
        Assert.True(Number(larger) > Number(smaller));
    }

    [Theory]
    [InlineData("0.1", "+", "0.2", "0.3")]
    [InlineData("9223372036854775807", "+", "1", "9223372036854775808")]
    [InlineData("-9223372036854775808", "-", "1", "-9223372036854775809")]
    [InlineData("9223372036854775807", "*", "9223372036854775807", "85070591730234615847396907784232501249")]
    [InlineData("1e109", "/", "1e100", "1000000000")]
    [InlineData("7", "/", "2", "3.5")]
    [InlineData("1", "/", "3", "0.3333333333333333333333333333333333")]
    [InlineData("-9223372036854775808", "/", "-1", "9223372036854775808")]
    [InlineData("-7", "%", "3", "-1")]
    public void Arithmetic_Exact_GivesText(string a, string op, string b, string expected)
    {
        RegoNumber x = Number(a), y = Number(b);

        RegoNumber result = op switch
        {
            "+" => RegoNumber.Add(x, y),
            "-" => RegoNumber.Subtract(x, y),
            "*" => RegoNumber.Multiply(x, y),
            "/" => RegoNumber.Divide(x, y),
            _ => RegoNumber.Remainder(x, y),
        };

        Assert.Equal(expected, result.ToText());
    }

    [Theory]
    [InlineData("2e308", "2e308")]
    [InlineData("1e2", "100")]
    [InlineData("1.50", "1.5")]
    [InlineData("-0.001", "-0.001")]
    public void ToText_Literal_IsKept(string literal, string text) => Assert.Equal(text, Number(literal).ToText());

    [Theory]
    [InlineData("2.5", "3", "2", "3")]
    [InlineData("-2.5", "-3", "-3", "-2")]
    [InlineData("0.0000001", "0", "0", "1")]
    [InlineData("-0.0000001", "0", "-1", "0")]
    public void Rounding_Fraction_GoesTheRightWay(string number, string round, string floor, string ceiling)
    {
        Assert.Equal(round, Number(number).Round().ToText());
        Assert.Equal(floor, Number(number).Floor().ToText());
        Assert.Equal(ceiling, Number(number).Ceiling().ToText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1e")]
    [InlineData("0x10")]
    [InlineData("+1")]
    [InlineData("1e99999999999999")]
    [InlineData("NaN")]
    public void TryParse_NotANumber_IsFalse(string text) => Assert.False(RegoNumber.TryParse(text, out _));

    [Fact]
    public void Multiply_BeyondMaxDigits_Throws()
    {
        RegoNumber large = RegoNumber.Of(BigInteger.Pow(10, RegoNumber.MaxDigits - 10) + 1);

        Assert.Throws<RegoNumberTooLargeException>(() => RegoNumber.Multiply(large, large));
        Assert.Throws<RegoNumberTooLargeException>(() => RegoNumber.Add(Number("1e1000000"), RegoNumber.Of(1)));
    }

    [Fact]
    public void Arithmetic_AnyLongs_MatchesBigInteger() =>
        Gen.Select(Gen.Long, Gen.Long).Sample((a, b) =>
        {
            Assert.Equal(RegoNumber.Of((BigInteger)a + b), RegoNumber.Add(RegoNumber.Of(a), RegoNumber.Of(b)));
            Assert.Equal(RegoNumber.Of((BigInteger)a - b), RegoNumber.Subtract(RegoNumber.Of(a), RegoNumber.Of(b)));
            Assert.Equal(RegoNumber.Of((BigInteger)a * b), RegoNumber.Multiply(RegoNumber.Of(a), RegoNumber.Of(b)));
            Assert.Equal(a.CompareTo(b), RegoNumber.Of(a).CompareTo(RegoNumber.Of(b)));
        });

    private static RegoNumber Number(string text) => RegoNumber.TryParse(text, out RegoNumber? n) ? n : throw new FormatException(text);
}
