// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Numerics;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Rounding, ranges, bits, random numbers.</summary>
internal static class NumberBuiltins
{
    private const int MaxShift = 65_536;

    internal static IEnumerable<Builtin> All() =>
    [
        new("abs", [Num], static (_, a) => ((RegoNumber)a[0]).Sign < 0 ? RegoNumber.Negate((RegoNumber)a[0]) : a[0]),
        new("ceil", [Num], static (_, a) => ((RegoNumber)a[0]).Ceiling()),
        new("floor", [Num], static (_, a) => ((RegoNumber)a[0]).Floor()),
        new("round", [Num], static (_, a) => ((RegoNumber)a[0]).Round()),
        new("numbers.range", [Num, Num], static (c, a) => Range(c, a[0], a[1], null)),
        new("numbers.range_step", [Num, Num, Num], static (c, a) => Range(c, a[0], a[1], a[2])),
        new("rand.intn", [Str, Num], static (c, a) => Random(c, a[0], a[1])) { Requires = RegoGrants.Random },
        new("bits.and", [Num, Num], static (c, a) => Bits(c, a[0], a[1], static (x, y) => x & y)),
        new("bits.or", [Num, Num], static (c, a) => Bits(c, a[0], a[1], static (x, y) => x | y)),
        new("bits.xor", [Num, Num], static (c, a) => Bits(c, a[0], a[1], static (x, y) => x ^ y)),
        new("bits.negate", [Num], static (c, a) => TryInteger(c, 1, a[0], out var x) ? RegoNumber.Of(-x - 1) : null),
        new("bits.lsh", [Num, Num], static (c, a) => Shift(c, a[0], a[1], left: true)),
        new("bits.rsh", [Num, Num], static (c, a) => Shift(c, a[0], a[1], left: false)),
        new("format_int", [Num, Num], static (c, a) => FormatInteger(c, (RegoNumber)a[0], (RegoNumber)a[1])),
    ];

    private static RegoValue? Range(BuiltinContext context, RegoValue from, RegoValue to, RegoValue? stepValue)
    {
        var step = BigInteger.One;
        if (!TryInteger(context, 1, from, out var first)
            || !TryInteger(context, 2, to, out var last)
            || (stepValue is not null && !TryInteger(context, 3, stepValue, out step)))
        {
            return null;
        }

        if (step.Sign <= 0)
        {
            return context.Fail("step must be a positive integer");
        }

        var count = (BigInteger.Abs(last - first) / step) + 1;
        context.ChargeValues(count > long.MaxValue / 2 ? long.MaxValue / 2 : (long)count);
        context.Charge((long)count);
        if (first > last)
        {
            step = -step;
        }

        var items = new RegoValue[(int)count];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = RegoNumber.Of(first);
            first += step;
        }

        return RegoArray.Adopt(items);
    }

    private static RegoValue? Random(BuiltinContext context, RegoValue key, RegoValue bound)
    {
        if (!TryInteger(context, 2, bound, out var n))
        {
            return null;
        }

        if (n.IsZero)
        {
            return RegoNumber.Zero;
        }

        var memo = RegoArray.Of(key, bound);
        if (context.Recall("rand.intn", memo) is { } kept)
        {
            return kept;
        }

        // Sixteen bytes over a range of at most eight leave no bias worth the name.
        var bytes = new byte[16];
        context.Host.FillRandom(bytes);
        var random = new BigInteger(bytes, isUnsigned: true);
        n = BigInteger.Abs(n);
        if (n > long.MaxValue)
        {
            return context.FailOperand(2, "integer number", "a number that is too large");
        }

        return context.Keep("rand.intn", memo, RegoNumber.Of(random % n));
    }

    private static RegoValue? Bits(BuiltinContext context, RegoValue left, RegoValue right, Func<BigInteger, BigInteger, BigInteger> combine) =>
        TryInteger(context, 1, left, out var x) && TryInteger(context, 2, right, out var y) ? RegoNumber.Of(combine(x, y)) : null;

    private static RegoValue? Shift(BuiltinContext context, RegoValue value, RegoValue by, bool left)
    {
        if (!TryInteger(context, 1, value, out var x) || !TryInteger(context, 2, by, out var shift))
        {
            return null;
        }

        if (shift.Sign < 0)
        {
            return context.FailOperand(2, "an unsigned integer number", "a negative integer");
        }

        if (!left)
        {
            return shift > MaxShift ? RegoNumber.Of(x.Sign < 0 ? -1 : 0) : RegoNumber.Of(x >> (int)shift);
        }

        if (x.IsZero)
        {
            return RegoNumber.Zero;
        }

        if (shift > MaxShift)
        {
            throw new RegoNumberTooLargeException();
        }

        context.Charge((long)shift / 64);
        return RegoNumber.Of(x << (int)shift);
    }

    private static RegoValue? FormatInteger(BuiltinContext context, RegoNumber number, RegoNumber radix)
    {
        if (!radix.TryGetInt32(out var basis) || basis is not (2 or 8 or 10 or 16))
        {
            return context.FailType("operand 2 must be one of {2, 8, 10, 16}");
        }

        if (!number.Truncate().TryGetInteger(out var integer))
        {
            throw new RegoNumberTooLargeException();
        }

        return context.Output(Digits(integer, basis));
    }

    /// <summary>Lower-case digits with a minus sign where negative.</summary>
    internal static string Digits(BigInteger value, int basis)
    {
        if (basis == 10)
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        var magnitude = BigInteger.Abs(value);
        var bits = basis switch { 2 => 1, 8 => 3, _ => 4 };
        var count = Math.Max(1, (int)((magnitude.GetBitLength() + bits - 1) / bits));
        var bytes = magnitude.ToByteArray(isUnsigned: true);
        var text = string.Create(count, (bytes, bits), static (span, state) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                var bit = i * state.bits;
                int window = state.bytes[bit / 8];
                if ((bit / 8) + 1 < state.bytes.Length)
                {
                    window |= state.bytes[(bit / 8) + 1] << 8;
                }

                span[span.Length - 1 - i] = "0123456789abcdef"[(window >> (bit % 8)) & ((1 << state.bits) - 1)];
            }
        });
        return value.Sign < 0 ? "-" + text : text;
    }
}
