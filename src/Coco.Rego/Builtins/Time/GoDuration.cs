// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Coco.Rego.Builtins.Time;

/// <summary>Durations such as <c>-1h2m3.5s</c>.</summary>
internal static class GoDuration
{
    /// <summary>Nanoseconds; false where the text is no duration or does not fit 64 bits.</summary>
    public static bool TryParse(string text, out long nanoseconds, out string error)
    {
        nanoseconds = 0;
        error = $"time: invalid duration \"{text}\"";
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        if (rest is "0")
        {
            return true;
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        UInt128 total = 0;
        while (!rest.IsEmpty)
        {
            if (!TryPart(ref rest, text, ref error, out var part))
            {
                return false;
            }

            total += part;
            if (total > (UInt128)1 << 63)
            {
                return false;
            }
        }

        if (!negative && total > long.MaxValue)
        {
            return false;
        }

        nanoseconds = negative ? (long)-(Int128)total : (long)total;
        return true;
    }

    private static bool TryPart(ref ReadOnlySpan<char> rest, string text, ref string error, out UInt128 value)
    {
        value = 0;
        var whole = Digits(ref rest);
        ReadOnlySpan<char> fraction = default;
        if (rest.StartsWith("."))
        {
            rest = rest[1..];
            fraction = Digits(ref rest);
        }

        if (whole.IsEmpty && fraction.IsEmpty)
        {
            return false;
        }

        var end = rest.IndexOfAny(".0123456789");
        var unitName = end < 0 ? rest : rest[..end];
        if (unitName.IsEmpty)
        {
            error = $"time: missing unit in duration \"{text}\"";
            return false;
        }

        rest = rest[unitName.Length..];
        ulong unit = unitName switch
        {
            "ns" => 1,
            "us" or "µs" or "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => 0,
        };
        if (unit == 0)
        {
            error = $"time: unknown unit \"{unitName}\" in duration \"{text}\"";
            return false;
        }

        if (whole.Length > 19 || !UInt128.TryParse(whole.IsEmpty ? "0" : whole, NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
        {
            return false;
        }

        value = amount * unit;
        decimal scaled = unit;
        decimal part = 0;
        foreach (var digit in fraction.Length > 18 ? fraction[..18] : fraction)
        {
            scaled /= 10;
            part += (digit - '0') * scaled;
        }

        value += (UInt128)decimal.Truncate(part);
        return true;
    }

    private static ReadOnlySpan<char> Digits(scoped ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? rest : rest[..end];
        rest = rest[digits.Length..];
        return digits;
    }
}
