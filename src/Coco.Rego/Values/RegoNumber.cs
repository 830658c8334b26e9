// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Coco.Rego;

/// <summary>
/// An exact decimal number: mantissa times a power of ten. Integers of 64 bits have a fast path. Arithmetic is exact, but for division,
/// which gives <see cref="DivisionDigits"/> significant digits when the quotient has no finite decimal form.
/// </summary>
public sealed class RegoNumber : RegoValue
{
    /// <summary>Significant digits of a quotient that does not end.</summary>
    public const int DivisionDigits = 34;

    /// <summary>Decimal digits that arithmetic may produce; more is a <see cref="RegoNumberTooLargeException"/>.</summary>
    public const int MaxDigits = 20_000;

    private const int MaxExponent = 1_000_000_000;
    private const int CacheFrom = -128;
    private const int CacheTo = 1023;

    private static readonly RegoNumber[] Cache = MakeCache();

    private readonly long _small;
    private readonly Wide? _wide;

    private RegoNumber(long value)
        : base(RegoKind.Number, 0) => _small = value;

    private RegoNumber(Wide wide)
        : base(RegoKind.Number, 0) => _wide = wide;

    /// <summary>Zero.</summary>
    public static RegoNumber Zero => Of(0);

    /// <summary>Whether it has no fraction.</summary>
    public bool IsInteger => _wide is null || _wide.Exponent >= 0;

    /// <summary>A literal with a large exponent, which keeps its text and is no integer to functions that format.</summary>
    internal bool IsWrittenScientific => _wide?.Text is not null;

    /// <summary>-1, 0 or 1.</summary>
    public int Sign => _wide is null ? Math.Sign(_small) : _wide.Mantissa.Sign;

    /// <summary>An integer of 64 bits.</summary>
    public static RegoNumber Of(long value) =>
        value is >= CacheFrom and <= CacheTo ? Cache[value - CacheFrom] : new RegoNumber(value);

    /// <summary>An integer of any size.</summary>
    public static RegoNumber Of(BigInteger value) => Normalise(value, 0, null);

    /// <summary>A finite double, by its shortest decimal text.</summary>
    /// <exception cref="ArgumentException">Infinite or not a number.</exception>
    public static RegoNumber Of(double value) =>
        TryParse(value.ToString("R", CultureInfo.InvariantCulture), out RegoNumber? n) ? n : throw new ArgumentException("not finite", nameof(value));

    /// <summary>Mantissa times ten to the exponent.</summary>
    public static RegoNumber Of(BigInteger mantissa, int exponent) => Normalise(mantissa, exponent, null);

    /// <summary>Reads a JSON number; also accepts leading zeros and a leading plus in the exponent. Never throws.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out RegoNumber? number)
    {
        number = null;
        if (text.Length is > 0 and <= 18 && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long small) && text[0] != '+')
        {
            number = Of(small);
            return true;
        }

        int at = 0;
        bool negative = text.Length > 0 && text[0] == '-';
        at += negative ? 1 : 0;
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        ReadOnlySpan<char> whole = text[start..at];
        ReadOnlySpan<char> fraction = default;
        if (whole.IsEmpty)
        {
            return false;
        }

        if (at < text.Length && text[at] == '.')
        {
            int from = ++at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
            {
                at++;
            }

            fraction = text[from..at];
            if (fraction.IsEmpty)
            {
                return false;
            }
        }

        long exponent = 0;
        bool scientific = at < text.Length && text[at] is 'e' or 'E';
        if (scientific)
        {
            at++;
            bool minus = at < text.Length && text[at] == '-';
            at += at < text.Length && text[at] is '-' or '+' ? 1 : 0;
            int from = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
            {
                exponent = Math.Min((exponent * 10) + (text[at++] - '0'), 2L * MaxExponent);
            }

            if (at == from)
            {
                return false;
            }

            exponent = minus ? -exponent : exponent;
        }

        if (at != text.Length || whole.Length + fraction.Length > MaxDigits)
        {
            return false;
        }

        Span<char> digits = whole.Length + fraction.Length <= 256 ? stackalloc char[whole.Length + fraction.Length] : new char[whole.Length + fraction.Length];
        whole.CopyTo(digits);
        fraction.CopyTo(digits[whole.Length..]);
        BigInteger mantissa = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        exponent -= fraction.Length;
        if (Math.Abs(exponent) > MaxExponent)
        {
            return false;
        }

        number = Normalise(negative ? -mantissa : mantissa, (int)exponent, scientific && Math.Abs(exponent) > 20 ? text.ToString() : null);
        return true;
    }

    /// <summary>The value, when it is an integer of 64 bits.</summary>
    public bool TryGetInt64(out long value)
    {
        value = _small;
        return _wide is null;
    }

    /// <summary>The value, when it is an integer of 32 bits.</summary>
    public bool TryGetInt32(out int value)
    {
        value = unchecked((int)_small);
        return _wide is null && value == _small;
    }

    /// <summary>The value, when it is an integer of at most <see cref="MaxDigits"/> digits.</summary>
    public bool TryGetInteger(out BigInteger value)
    {
        if (_wide is null)
        {
            value = _small;
            return true;
        }

        value = default;
        if (_wide.Exponent < 0 || _wide.Exponent > MaxDigits)
        {
            return false;
        }

        value = _wide.Mantissa * BigInteger.Pow(10, _wide.Exponent);
        return true;
    }

    /// <summary>The nearest double; infinite when out of range.</summary>
    public double ToDouble() => _wide is null ? _small : double.Parse(ToText(), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Decimal mantissa and exponent: the number is mantissa times ten to the exponent.</summary>
    public (BigInteger Mantissa, int Exponent) ToDecimal() => _wide is null ? (_small, 0) : (_wide.Mantissa, _wide.Exponent);

    /// <summary>Sum.</summary>
    /// <exception cref="RegoNumberTooLargeException">The result has too many digits.</exception>
    public static RegoNumber Add(RegoNumber a, RegoNumber b)
    {
        if (a._wide is null && b._wide is null)
        {
            long sum = unchecked(a._small + b._small);
            if (((a._small ^ sum) & (b._small ^ sum)) >= 0)
            {
                return Of(sum);
            }
        }

        Align(a, b, out BigInteger x, out BigInteger y, out int exponent);
        return Normalise(x + y, exponent, null);
    }

    /// <summary>Difference.</summary>
    /// <exception cref="RegoNumberTooLargeException">The result has too many digits.</exception>
    public static RegoNumber Subtract(RegoNumber a, RegoNumber b)
    {
        if (a._wide is null && b._wide is null)
        {
            long difference = unchecked(a._small - b._small);
            if (((a._small ^ b._small) & (a._small ^ difference)) >= 0)
            {
                return Of(difference);
            }
        }

        Align(a, b, out BigInteger x, out BigInteger y, out int exponent);
        return Normalise(x - y, exponent, null);
    }

    /// <summary>Product.</summary>
    /// <exception cref="RegoNumberTooLargeException">The result has too many digits.</exception>
    public static RegoNumber Multiply(RegoNumber a, RegoNumber b)
    {
        if (a._wide is null && b._wide is null)
        {
            long high = Math.BigMul(a._small, b._small, out long low);
            if ((high == 0 && low >= 0) || (high == -1 && low < 0))
            {
                return Of(low);
            }
        }

        (BigInteger x, int ex) = a.ToDecimal();
        (BigInteger y, int ey) = b.ToDecimal();
        Guard(DigitsOf(x) + DigitsOf(y));
        long exponent = (long)ex + ey;
        return Math.Abs(exponent) > MaxExponent ? throw new RegoNumberTooLargeException() : Normalise(x * y, (int)exponent, null);
    }

    /// <summary>Quotient: exact when it has a finite decimal form of reasonable length, else <see cref="DivisionDigits"/> digits.</summary>
    /// <exception cref="DivideByZeroException">The divisor is zero.</exception>
    /// <exception cref="RegoNumberTooLargeException">The result has too many digits.</exception>
    public static RegoNumber Divide(RegoNumber a, RegoNumber b)
    {
        if (b.Sign == 0)
        {
            throw new DivideByZeroException();
        }

        if (a._wide is null && b._wide is null && b._small != -1 && a._small % b._small == 0)
        {
            return Of(a._small / b._small);
        }

        (BigInteger x, int ex) = a.ToDecimal();
        (BigInteger y, int ey) = b.ToDecimal();
        BigInteger whole = BigInteger.DivRem(x, y, out BigInteger rest);
        long exponent = (long)ex - ey;
        if (!rest.IsZero)
        {
            int shift = Math.Max(0, DivisionDigits + 2 + DigitsOf(y) - DigitsOf(x));
            Guard(DigitsOf(x) + shift);
            BigInteger quotient = BigInteger.DivRem(x * BigInteger.Pow(10, shift), y, out BigInteger remainder);
            exponent -= shift;
            int drop = DigitsOf(quotient) - DivisionDigits;
            if (drop > 0 && !remainder.IsZero)
            {
                BigInteger unit = BigInteger.Pow(10, drop);
                BigInteger half = unit / 2;
                quotient = (quotient + (quotient.Sign < 0 ? -half : half)) / unit;
                exponent += drop;
            }

            whole = quotient;
        }

        return Math.Abs(exponent) > MaxExponent ? throw new RegoNumberTooLargeException() : Normalise(whole, (int)exponent, null);
    }

    /// <summary>Remainder with the sign of the dividend; both must be integers.</summary>
    /// <exception cref="DivideByZeroException">The divisor is zero.</exception>
    /// <exception cref="RegoNumberTooLargeException">An operand has too many digits.</exception>
    public static RegoNumber Remainder(RegoNumber a, RegoNumber b)
    {
        if (b.Sign == 0)
        {
            throw new DivideByZeroException();
        }

        if (a._wide is null && b._wide is null)
        {
            return b._small == -1 ? Zero : Of(a._small % b._small);
        }

        return a.TryGetInteger(out BigInteger x) && b.TryGetInteger(out BigInteger y)
            ? Of(BigInteger.Remainder(x, y))
            : throw new RegoNumberTooLargeException();
    }

    /// <summary>The number with the opposite sign.</summary>
    public static RegoNumber Negate(RegoNumber a) => Subtract(Zero, a);

    /// <summary>The largest integer that is not above the number.</summary>
    public RegoNumber Floor() => Rounded(static (quotient, rest, _) => rest.Sign < 0 ? quotient - 1 : quotient);

    /// <summary>The smallest integer that is not below the number.</summary>
    public RegoNumber Ceiling() => Rounded(static (quotient, rest, _) => rest.Sign > 0 ? quotient + 1 : quotient);

    /// <summary>The nearest integer; a half goes away from zero.</summary>
    public RegoNumber Round() => Rounded(static (quotient, rest, unit) => BigInteger.Abs(rest) * 2 >= unit ? quotient + rest.Sign : quotient);

    /// <summary>The integer part.</summary>
    public RegoNumber Truncate() => Rounded(static (quotient, _, _) => quotient);

    /// <summary>The number as JSON text: integers without exponent or fraction, but very large or small literals as they were written.</summary>
    public string ToText()
    {
        if (_wide is null)
        {
            return _small.ToString(CultureInfo.InvariantCulture);
        }

        if (_wide.Text is not null)
        {
            return _wide.Text;
        }

        string digits = BigInteger.Abs(_wide.Mantissa).ToString(CultureInfo.InvariantCulture);
        string sign = _wide.Mantissa.Sign < 0 ? "-" : string.Empty;
        int exponent = _wide.Exponent;
        if (exponent == 0)
        {
            return sign + digits;
        }

        long point = (long)digits.Length + exponent;
        if (exponent < 0 && point is > -6 and <= 400)
        {
            return point <= 0
                ? sign + "0." + new string('0', (int)-point) + digits
                : sign + digits[..(int)point] + "." + digits[(int)point..];
        }

        string fraction = digits.Length > 1 ? "." + digits[1..] : string.Empty;
        return sign + digits[0] + fraction + "e" + (point - 1 < 0 ? "-" : "+") + Math.Abs(point - 1).ToString("00", CultureInfo.InvariantCulture);
    }

    private protected override bool EqualsSameKind(RegoValue other)
    {
        var o = (RegoNumber)other;
        return _wide is null || o._wide is null
            ? _wide is null && o._wide is null && _small == o._small
            : _wide.Exponent == o._wide.Exponent && _wide.Mantissa == o._wide.Mantissa;
    }

    private protected override int CompareSameKind(RegoValue other)
    {
        var o = (RegoNumber)other;
        if (_wide is null && o._wide is null)
        {
            return _small.CompareTo(o._small);
        }

        int sign = Sign;
        if (sign != o.Sign || sign == 0)
        {
            return sign.CompareTo(o.Sign);
        }

        // Magnitudes first, so that 1e1000000 against 1 does not write a million zeros.
        (BigInteger x, int ex) = ToDecimal();
        (BigInteger y, int ey) = o.ToDecimal();
        long dx = (long)DigitsOf(x) + ex, dy = (long)DigitsOf(y) + ey;
        if (dx != dy)
        {
            return dx > dy ? sign : -sign;
        }

        int low = Math.Min(ex, ey);
        return (x * BigInteger.Pow(10, ex - low)).CompareTo(y * BigInteger.Pow(10, ey - low));
    }

    private protected override int ComputeHash() => _wide is null ? _small.GetHashCode() : HashCode.Combine(_wide.Mantissa, _wide.Exponent);

    private static RegoNumber[] MakeCache()
    {
        var cache = new RegoNumber[CacheTo - CacheFrom + 1];
        for (int i = 0; i < cache.Length; i++)
        {
            cache[i] = new RegoNumber(i + (long)CacheFrom);
        }

        return cache;
    }

    // Equal numbers have equal parts: long; else an integer written out up to MaxDigits; else a mantissa that does not end in zero.
    private static RegoNumber Normalise(BigInteger mantissa, int exponent, string? text)
    {
        if (mantissa.IsZero)
        {
            return Zero;
        }

        if (exponent != 0)
        {
            if (exponent < 0 || DigitsOf(mantissa) + (long)exponent > MaxDigits)
            {
                Strip(ref mantissa, ref exponent);
            }

            if (exponent > 0 && DigitsOf(mantissa) + (long)exponent <= MaxDigits)
            {
                mantissa *= BigInteger.Pow(10, exponent);
                exponent = 0;
            }
        }

        return exponent == 0 && mantissa >= long.MinValue && mantissa <= long.MaxValue
            ? Of((long)mantissa)
            : new RegoNumber(new Wide(mantissa, exponent, text));
    }

    private static void Strip(ref BigInteger mantissa, ref int exponent)
    {
        // Large steps first: a long run of zeros must not cost one division each.
        for (int step = 4096; step >= 1; step /= 8)
        {
            BigInteger unit = BigInteger.Pow(10, step);
            while (true)
            {
                BigInteger quotient = BigInteger.DivRem(mantissa, unit, out BigInteger rest);
                if (!rest.IsZero)
                {
                    break;
                }

                mantissa = quotient;
                exponent += step;
            }
        }
    }

    private static void Align(RegoNumber a, RegoNumber b, out BigInteger x, out BigInteger y, out int exponent)
    {
        (x, int ex) = a.ToDecimal();
        (y, int ey) = b.ToDecimal();
        exponent = Math.Min(ex, ey);
        Guard(DigitsOf(x) + ((long)ex - exponent));
        Guard(DigitsOf(y) + ((long)ey - exponent));
        x = ex == exponent ? x : x * BigInteger.Pow(10, ex - exponent);
        y = ey == exponent ? y : y * BigInteger.Pow(10, ey - exponent);
    }

    private static void Guard(long digits)
    {
        if (digits > MaxDigits)
        {
            throw new RegoNumberTooLargeException();
        }
    }

    // Exact number of decimal digits.
    private static int DigitsOf(BigInteger value)
    {
        if (value.IsZero)
        {
            return 1;
        }

        BigInteger magnitude = BigInteger.Abs(value);
        if (magnitude <= ulong.MaxValue)
        {
            ulong small = (ulong)magnitude;
            int count = 1;
            while (small >= 10)
            {
                small /= 10;
                count++;
            }

            return count;
        }

        int guess = (int)(((long)magnitude.GetBitLength() - 1) * 30103L / 100000L);
        return magnitude >= BigInteger.Pow(10, guess) ? DigitsAbove(magnitude, guess) : guess;
    }

    private static int DigitsAbove(BigInteger magnitude, int guess) => magnitude >= BigInteger.Pow(10, guess + 1) ? guess + 2 : guess + 1;

    private RegoNumber Rounded(Func<BigInteger, BigInteger, BigInteger, BigInteger> choose)
    {
        if (IsInteger)
        {
            return this;
        }

        Wide wide = _wide!;
        if (DigitsOf(wide.Mantissa) + (long)wide.Exponent < -1)
        {
            return Of(choose(BigInteger.Zero, wide.Mantissa.Sign, 1000));
        }

        BigInteger unit = BigInteger.Pow(10, -wide.Exponent);
        BigInteger quotient = BigInteger.DivRem(wide.Mantissa, unit, out BigInteger rest);
        return Of(choose(quotient, rest, unit));
    }

    private sealed class Wide(BigInteger mantissa, int exponent, string? text)
    {
        internal BigInteger Mantissa { get; } = mantissa;

        internal int Exponent { get; } = exponent;

        internal string? Text { get; } = text;
    }
}
