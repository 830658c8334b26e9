// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Numerics;

namespace Coco.Rego.Builtins.Text;

/// <summary>Decimal digits of a finite double: shortest, or exactly rounded (half to even) to a number of digits.</summary>
/// <param name="Negative">The sign bit.</param>
/// <param name="Digits">Significant digits without leading zeros; "0" for zero.</param>
/// <param name="Point">Where the decimal point stands: 1 means behind the first digit.</param>
internal readonly record struct GoFloat(bool Negative, string Digits, int Point)
{
    /// <summary>The fewest digits that give the same double again.</summary>
    public static GoFloat Shortest(double value)
    {
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = shortest.IndexOf('E', StringComparison.Ordinal);
        var mantissa = exponentAt < 0 ? shortest : shortest[..exponentAt];
        var exponent = exponentAt < 0 ? 0 : int.Parse(shortest.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = dot < 0 ? mantissa : mantissa[..dot];
        var digits = whole + (dot < 0 ? "" : mantissa[(dot + 1)..]);
        return Normalise(double.IsNegative(value), digits, whole.Length + exponent);
    }

    /// <summary>Rounded to a number of digits behind the point.</summary>
    public static GoFloat Fixed(double value, int decimals)
    {
        var (numerator, denominator) = Fraction(value);
        var scaled = RoundHalfEven(numerator * BigInteger.Pow(10, decimals), denominator);
        var digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return new GoFloat(double.IsNegative(value), digits, digits.Length - decimals);
    }

    /// <summary>Rounded to a number of significant digits, at least one.</summary>
    public static GoFloat Significant(double value, int count)
    {
        if (value == 0)
        {
            return new GoFloat(double.IsNegative(value), new string('0', count), 1);
        }

        var (numerator, denominator) = Fraction(value);
        var exponent = Shortest(value).Point;
        var shift = count - exponent;
        var scaled = shift >= 0
            ? RoundHalfEven(numerator * BigInteger.Pow(10, shift), denominator)
            : RoundHalfEven(numerator, denominator * BigInteger.Pow(10, -shift));
        var digits = scaled.ToString(CultureInfo.InvariantCulture);
        if (digits.Length > count)
        {
            return new GoFloat(double.IsNegative(value), digits[..count], exponent + 1);
        }

        return new GoFloat(double.IsNegative(value), digits, exponent);
    }

    private static GoFloat Normalise(bool negative, string digits, int point)
    {
        var start = digits.AsSpan().IndexOfAnyExcept('0');
        if (start < 0)
        {
            return new GoFloat(negative, "0", 1);
        }

        return new GoFloat(negative, digits[start..].TrimEnd('0'), point - start);
    }

    /// <summary>The value is mantissa * 2^exponent, the sign apart.</summary>
    internal static (long Mantissa, int Exponent) Binary(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        return exponent == 0 ? (mantissa, -1074) : (mantissa | (1L << 52), exponent - 1075);
    }

    private static (BigInteger Numerator, BigInteger Denominator) Fraction(double value)
    {
        var (mantissa, exponent) = Binary(value);
        return exponent >= 0
            ? ((BigInteger)mantissa << exponent, BigInteger.One)
            : (mantissa, BigInteger.One << -exponent);
    }

    private static BigInteger RoundHalfEven(BigInteger numerator, BigInteger denominator)
    {
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var twice = rest * 2;
        return twice > denominator || (twice == denominator && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
