// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Coco.Rego.Builtins;

/// <summary>Numbers as people write them: a leading plus, and a point without digits on one of its sides.</summary>
internal static class NumberText
{
    internal static bool TryParse(string text, [NotNullWhen(true)] out RegoNumber? number)
    {
        var rest = text.AsSpan();
        var sign = "";
        if (rest.StartsWith("+") || rest.StartsWith("-"))
        {
            sign = rest[0] == '-' ? "-" : "";
            rest = rest[1..];
        }

        if (!rest.IsEmpty && rest[0] is '+' or '-')
        {
            number = null;
            return false;
        }

        var point = rest.IndexOf('.');
        if (point < 0)
        {
            return RegoNumber.TryParse(string.Concat(sign, rest), out number);
        }

        var whole = rest[..point];
        var fraction = rest[(point + 1)..];
        var exponentAt = fraction.IndexOfAny('e', 'E');
        var digits = exponentAt < 0 ? fraction : fraction[..exponentAt];
        var exponent = exponentAt < 0 ? default : fraction[exponentAt..];
        if (whole.IsEmpty && digits.IsEmpty)
        {
            number = null;
            return false;
        }

        return RegoNumber.TryParse($"{sign}{(whole.IsEmpty ? "0" : whole)}.{(digits.IsEmpty ? "0" : digits)}{exponent}", out number);
    }
}
