// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Coco.Rego.Builtins.Text;

/// <summary>A double with a hexadecimal mantissa and a binary exponent, such as <c>0x1.8p+01</c>; without sign.</summary>
internal static class HexFloat
{
    public static string Format(double value, int precision, bool upper)
    {
        var bits = BitConverter.DoubleToUInt64Bits(Math.Abs(value));
        var exponent = (int)(bits >> 52);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0)
        {
            if (mantissa != 0)
            {
                exponent++;
                while ((mantissa & (1UL << 52)) == 0)
                {
                    mantissa <<= 1;
                    exponent--;
                }
            }
        }
        else
        {
            mantissa |= 1UL << 52;
        }

        exponent = mantissa == 0 ? 0 : exponent - 1023;
        if (precision is >= 0 and < 13)
        {
            var shift = 52 - (precision * 4);
            var rest = mantissa & ((1UL << shift) - 1);
            mantissa >>= shift;
            var half = 1UL << (shift - 1);
            if (rest > half || (rest == half && (mantissa & 1) == 1))
            {
                mantissa++;
            }

            mantissa <<= shift;
            if ((mantissa & (1UL << 53)) != 0)
            {
                mantissa >>= 1;
                exponent++;
            }
        }

        var digits = (mantissa & 0xFFFFFFFFFFFFF).ToString("x13", CultureInfo.InvariantCulture);
        digits = precision < 0 ? digits.TrimEnd('0') : digits.PadRight(precision, '0')[..precision];
        var text = $"0x{mantissa >> 52}{(digits.Length > 0 ? "." : "")}{digits}p{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
        return upper ? text.ToUpperInvariant() : text;
    }
}
