// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Quantities with a unit, such as <c>10G</c> or <c>1.5KiB</c>.</summary>
internal static class UnitBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("units.parse", [Str], static (c, a) => Parse(c, a[0].TextOf())),
        new("units.parse_bytes", [Str], static (c, a) => ParseBytes(c, a[0].TextOf())),
    ];

    private static RegoValue? Parse(BuiltinContext context, string text)
    {
        if (Cut(context, text, out var amount, out var unit) is { } error)
        {
            return context.Fail(error);
        }

        // Only here does the case of a letter matter: milli and mega.
        var (factor, exponent) = unit switch
        {
            "" => (BigInteger.One, 0),
            "m" => (BigInteger.One, -3),
            "M" => (BigInteger.One, 6),
            _ => Factor(unit.ToLowerInvariant(), bytes: false),
        };
        if (factor.IsZero)
        {
            return context.Fail($"unit {unit} not recognized");
        }

        return NumberText.TryParse(amount, out var number)
            ? RegoNumber.Multiply(number, RegoNumber.Of(factor, exponent))
            : context.Fail("could not parse amount to a number");
    }

    private static RegoValue? ParseBytes(BuiltinContext context, string text)
    {
        if (Cut(context, text, out var amount, out var unit, "byte ") is { } error)
        {
            return context.Fail(error);
        }

        var (factor, exponent) = Factor(unit.ToLowerInvariant(), bytes: true);
        if (factor.IsZero)
        {
            return context.Fail($"byte unit {unit.ToLowerInvariant()} not recognized");
        }

        return NumberText.TryParse(amount, out var number)
            ? RegoNumber.Multiply(number, RegoNumber.Of(factor, exponent)).Truncate()
            : context.Fail("could not parse byte amount to a number");
    }

    // Digits, point and exponent; an E that no digit follows is the unit. Gives what is wrong, or null.
    private static string? Cut(BuiltinContext context, string text, out string amount, out string unit, string kind = "")
    {
        amount = unit = "";
        context.Charge(text.Length / 16);
        text = text.Replace("\"", "", StringComparison.Ordinal);
        if (text.Contains(' ', StringComparison.Ordinal))
        {
            return "spaces not allowed in resource strings";
        }

        var i = 0;
        while (i < text.Length && (char.IsAsciiDigit(text[i]) || text[i] is '.' or '+' or '-'))
        {
            i++;
        }

        if (i > 0 && i + 1 < text.Length && text[i] is 'e' or 'E' && (char.IsAsciiDigit(text[i + 1]) || text[i + 1] is '+' or '-'))
        {
            i += 2;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
            {
                i++;
            }
        }

        (amount, unit) = (text[..i], text[i..]);
        return i == 0 ? $"no {kind}amount provided" : null;
    }

    private static (BigInteger Factor, int Exponent) Factor(string unit, bool bytes)
    {
        if (bytes)
        {
            unit = unit.EndsWith('b') ? unit[..^1] : unit;
        }

        if (unit.Length == 0)
        {
            return (1, 0);
        }

        var power = "kmgtpe".IndexOf(unit[0], StringComparison.Ordinal) + 1;
        return unit.Length switch
        {
            1 when power > 0 => (1, 3 * power),
            2 when power > 0 && unit[1] == 'i' => (BigInteger.One << (10 * power), 0),
            _ => (0, 0),
        };
    }
}
